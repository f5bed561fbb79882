package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// banner tells where to ask and how, once the server listens.
type banner struct {
	addrs         []net.Addr // none: it ended before it listened
	roots         []string
	file, dataset string // to ask for; "": not known
	log           *zap.Logger
}

// lookTime bounds how long the banner waits for a dataset to name: a root may be a whole disk.
const lookTime = 500 * time.Millisecond

// look finds a dataset to name.
func (b *banner) look(ctx context.Context, server interface {
	Sample(context.Context) (file, dataset string, err error)
}) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var err error
	if b.file, b.dataset, err = server.Sample(ctx); fault.Of(err) == fault.NotFound {
		b.log.Warn("there is nothing to read yet: files that come are served", zap.Strings("roots", b.roots))
	}
}

// write says it in one piece: who reads no more than the first line may close the pipe.
func (b *banner) write(w io.Writer) error {
	if len(b.addrs) == 0 {
		return nil
	}
	var locations []string
	for _, a := range b.addrs {
		locations = append(locations, locationOf(a))
	}
	_, err := fmt.Fprintf(w, `mtflight %s serves %s on %s
Python (pip install pyarrow):

    import json, pyarrow.flight as fl
    client = fl.connect(%q)
    request = %s
    print(client.do_get(fl.Ticket(json.dumps(request))).read_all())

`, buildVersion(), spell.Escape(strings.Join(b.roots, ", ")), strings.Join(locations, ", "), locations[0], b.request())
	return err
}

// request is Python that makes one for ten rows: of the dataset that was found, else of the first that the server lists.
func (b *banner) request() string {
	if b.dataset == "" {
		return `json.loads(next(f for f in client.list_flights() if f.endpoints).endpoints[0].ticket.ticket) | {"limit": 10}`
	}
	return fmt.Sprintf(`{"file": %s, "dataset": %s, "limit": 10}`, pythonText(b.file), pythonText(b.dataset))
}

// pythonText is a text as Python writes it, which reads JSON's.
func pythonText(s string) string {
	text, _ := json.Marshal(s) // a string never fails
	return string(text)
}

// locationOf is the URI by which a client on this machine reaches an address.
func locationOf(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return "grpc+unix://" + a.String()
	}
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("grpc://127.0.0.1:%d", tcp.Port)
	}
	return "grpc://" + tcp.String()
}
