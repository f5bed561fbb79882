package query

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/find"
	"github.com/mtflight/mtflight/flight/serve"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// ownServer is a server of this process, which nobody else can reach: its socket is in a folder of this user's own.
type ownServer struct {
	location string
	folder   string
	stop     context.CancelFunc
	done     chan error
}

// serveFiles serves a file, a folder or what is in a store until it is ended.
func serveFiles(ctx context.Context, place string, engine reader.Config, program string) (_ *ownServer, err error) {
	if !objectstore.Is(place) {
		if place, err = found(place); err != nil {
			return nil, err
		}
	}
	folder, err := os.MkdirTemp("", "mtflight-sql-")
	if err != nil {
		return nil, err
	}
	o := &ownServer{folder: folder, done: make(chan error, 1)}
	defer func() {
		if err != nil {
			os.RemoveAll(folder)
		}
	}()
	config := serve.Default()
	config.Engine = engine.WithDefaults()
	config.Flight.Roots, config.Flight.SQL, config.Flight.StageDir = []string{place}, program, ""
	config.Flight.Drain = 0
	config.Flight.Limits.SQLMemory = 2 * config.Engine.Memory // half of the machine's: one statement runs at a time
	socket := filepath.Join(folder, "s")
	config.Flight.Listen = []string{"grpc+unix://" + socket}
	server, err := config.Complete()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		server.Close()
		return nil, err
	}
	o.location = config.Flight.Listen[0]
	ctx, o.stop = context.WithCancel(ctx)
	go func() { o.done <- server.Run(ctx, l) }()
	return o, nil
}

// found is a place of this machine that is there, with all of its name.
func found(place string) (string, error) {
	at := find.OnDisk(place)
	if _, err := os.Stat(at); err != nil {
		return "", fault.New(fault.NotFound, "%s: no such file or folder: write `mtflight sql STATEMENT FILE`, the statement in quotes (a server's location starts with grpc://)", spell.Escape(place))
	}
	return filepath.Abs(at)
}

func (o *ownServer) end() {
	o.stop()
	<-o.done
	os.RemoveAll(o.folder)
}
