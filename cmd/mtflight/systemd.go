package main

import (
	"context"
	"errors"
	"net"
	"slices"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/flight/serve"
	"github.com/mtflight/mtflight/internal/fault"
)

// serveSockets serves on the sockets that systemd holds open for this service, where it does, else on those of --listen.
func serveSockets(ctx context.Context, server *serve.Server) error {
	held, err := heldSockets()
	if err != nil {
		return errors.Join(err, server.Close())
	}
	return server.Run(ctx, held...)
}

// heldSockets takes over the sockets that systemd passes (LISTEN_FDS of sd_listen_fds(3)).
func heldSockets() ([]net.Listener, error) {
	held, err := activation.Listeners()
	if slices.Contains(held, nil) {
		err = fault.New(fault.Invalid, "serve: systemd passes a socket that nobody can connect to: use ListenStream= in the socket unit")
	}
	if err == nil {
		return held, nil
	}
	for _, l := range held {
		if l != nil {
			err = errors.Join(err, l.Close())
		}
	}
	return nil, err
}

// tellSystemd says what a service of Type=notify does (sd_notify(3)). Where no systemd waits for it nothing happens.
func tellSystemd(log *zap.Logger, state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		log.Warn("systemd does not hear", zap.String("state", state), zap.Error(err))
	}
}
