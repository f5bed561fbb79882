package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

// banner tells where to ask and how, once the server listens.
type banner struct {
	site          string   // by HTTP; "": none
	locations     []string // none: it ended before it listened
	secure        bool     // there are logins, rules or TLS: how to ask is not said in a few lines
	roots         []string
	file, dataset string // to ask for; "": not known
	log           *zap.Logger
}

// lookTime bounds how long the banner waits for a dataset to name: a root may be a whole disk.
var lookTime = 500 * time.Millisecond

// look finds a dataset to name.
func (b *banner) look(ctx context.Context, server interface {
	Sample(context.Context) (file, dataset string, err error)
}) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var err error
	if b.file, b.dataset, err = server.Sample(ctx); fault.Of(err) == fault.NotFound {
		b.log.Warn("there is nothing to read yet: files that come are served", zap.Strings("roots", b.roots), zap.String("reason", err.Error()))
	}
}

// write says it in one piece: who reads no more than the first line may close the pipe.
func (b *banner) write(w io.Writer) error {
	if len(b.locations) == 0 {
		return nil
	}
	var locations []string
	for _, l := range b.locations {
		locations = append(locations, reachable(l))
	}
	first := fmt.Sprintf("mtflight %s serves %s on %s\n", buildVersion(), spell.Escape(strings.Join(b.roots, ", ")), strings.Join(locations, ", "))
	if b.site != "" {
		first += "by HTTP on " + reachable(b.site) + " (a page for browsers, too)\n"
	}
	if b.secure {
		_, err := io.WriteString(w, first)
		return err
	}
	_, err := fmt.Fprintf(w, `%sPython (pip install pyarrow):

    import json, pyarrow.flight as fl
    client = fl.connect(%q)
    request = %s
    print(client.do_get(fl.Ticket(json.dumps(request))).read_all())

`, first, locations[0], b.request())
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

// reachable is a location by which a client on this machine reaches what listens to all networks.
func reachable(location string) string {
	for _, all := range []string{"://[::]:", "://0.0.0.0:"} {
		location = strings.Replace(location, all, "://127.0.0.1:", 1)
	}
	return location
}
