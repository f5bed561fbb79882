// Package own starts a server of this process, which nobody else can reach: its socket is in a folder of this user's own.
package own

import (
	"context"
	"net"
	"os"
	"path/filepath"

	"github.com/mtflight/mtflight/flight/serve"
	"github.com/mtflight/mtflight/reader"
)

// Server is one that runs until its End.
type Server struct {
	Location string
	folder   string
	stop     context.CancelFunc
	done     chan error
}

// Serve serves a file, a folder or what is in a store; program is the SQL engine's, or off. The place must be there.
func Serve(ctx context.Context, place string, engine reader.Config, program string) (_ *Server, err error) {
	folder, err := os.MkdirTemp("", "mtflight-own-")
	if err != nil {
		return nil, err
	}
	o := &Server{folder: folder, done: make(chan error, 1)}
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
	o.Location = config.Flight.Listen[0]
	ctx, o.stop = context.WithCancel(ctx)
	go func() { o.done <- server.Run(ctx, l) }()
	return o, nil
}

// End stops it and waits until it has.
func (o *Server) End() {
	o.stop()
	<-o.done
	os.RemoveAll(o.folder)
}
