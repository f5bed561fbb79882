package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/values"
	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
)

const defaultAdmin = "127.0.0.1:8816"

func newTop() *cobra.Command {
	var every time.Duration
	var once bool
	var remote remoteFlags
	c := &cobra.Command{
		Use:   "top [ADDRESS]",
		Short: "Show what a server does: its streams, their rates, its memory",
		Long: `Show what a server does, again and again until Ctrl-C: its streams with their rates and whom they are for,
its memory, workers and caches. It asks the ADDRESS of --admin of mtflight serve (127.0.0.1:8816).`,
		Example: `  mtflight serve --admin 127.0.0.1:8816 /data &
  mtflight top
  mtflight top https://data.lab.example:8816 --token ann.token`,
		Args: between(0, 1),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := newOperator(append(args, defaultAdmin)[0], remote)
			if err != nil {
				return err
			}
			defer o.client.CloseIdleConnections()
			return top(c.Context(), o, c.OutOrStdout(), every, once)
		},
	}
	c.Flags().DurationVar(&every, "every", time.Second, "how often to look")
	c.Flags().BoolVar(&once, "once", false, "look twice, show the difference and end")
	remote.add(c)
	return c
}

// operator asks a server's admin address.
type operator struct {
	address, url, bearer string
	client               *http.Client
}

func newOperator(address string, f remoteFlags) (*operator, error) {
	o, transport := &operator{address: address, url: "http://" + address}, &http.Transport{}
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		o.url = "http://mtflight"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}
	}
	if strings.HasPrefix(address, "https://") { // nothing else gets a bearer
		var err1, err2 error
		o.url = address
		transport.TLSClientConfig, err1 = f.tls()
		o.bearer, err2 = f.bearer()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
	}
	o.client = &http.Client{Timeout: dialTimeout, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return o, nil
}

func (o *operator) status(ctx context.Context) (now flight.Status, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+"/status", nil)
	if err != nil {
		return now, fault.New(fault.Invalid, "top: %s: write HOST:PORT, https://HOST:PORT or unix:///PATH", o.address)
	}
	if o.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+o.bearer)
	}
	answer, err := o.client.Do(request)
	var distrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &distrusted):
		return now, fault.New(fault.Unavailable, "top: %s: its certificate is not accepted (--tls-ca FILE): %w", o.address, distrusted)
	case err != nil:
		return now, fault.New(fault.Unavailable, "top: %s does not answer: start the server with --admin %s", o.address, o.address)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		why, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		kind := fault.Denied
		if answer.StatusCode == http.StatusUnauthorized {
			kind = fault.Unauthenticated
		}
		return now, fault.New(kind, "top: %s says %s: %s", o.address, answer.Status, terminal.Printable(strings.TrimSpace(string(why))))
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 64<<20)).Decode(&now); err != nil {
		return now, fault.New(fault.DataLoss, "top: %s is not mtflight's: %w", o.address, err)
	}
	return now, nil
}

// clear moves a terminal's cursor to its top and forgets what is below.
const clear = "\x1b[H\x1b[2J"

func top(ctx context.Context, o *operator, w io.Writer, every time.Duration, once bool) error {
	before, err := o.status(ctx)
	for err == nil {
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return nil
		}
		var now flight.Status
		if now, err = o.status(ctx); err != nil {
			break
		}
		screen := terminal.Of(w)
		text := shownStatus(screen, before, now)
		if screen.Terminal && !once {
			text = clear + text
		}
		if _, err := io.WriteString(w, text); err != nil || once {
			return err
		}
		before = now
	}
	return err
}

// shownStatus is what a server did between two looks.
func shownStatus(screen terminal.Screen, before, now flight.Status) string {
	seconds := max(now.Time.Sub(before.Time).Seconds(), 1e-3)
	e, was := now.Engine, before.Engine
	rate := func(a, b int64) string { return values.Bytes(int64(float64(a-b)/seconds)) + "/s" }
	var out strings.Builder
	fmt.Fprintf(&out, "mtflight %s, up %s, %d requests\n", now.Server, now.Time.Sub(now.Since).Round(time.Second), len(now.Calls))
	fmt.Fprintf(&out, "sent %s   read %s, mapped %s   decoded %s\n", rate(now.Bytes, before.Bytes), rate(e.BytesRead, was.BytesRead),
		rate(e.BytesMapped, was.BytesMapped), rate(e.BytesDecoded, was.BytesDecoded))
	fmt.Fprintf(&out, "memory %s of %s (mapped %s, staged %s), %d waiting   chunk cache %s\n", values.Bytes(e.BudgetUsed), values.Bytes(e.BudgetLimit),
		values.Bytes(e.PagesHeld), values.Bytes(now.Staged), e.BudgetWaiting, values.Bytes(e.ChunkCacheBytes))
	fmt.Fprintf(&out, "workers %d of %d, %d tasks waiting   files %d   helpers %d\n\n", e.TasksRunning, e.Workers, e.TasksWaiting, e.Files,
		e.Witnesses.Alive+e.FilterHelpers.Alive)
	for _, d := range e.Disks {
		if d.Stuck > 0 {
			fmt.Fprintf(&out, "%s (%s) does not answer: %d calls hang, for %s\n\n", terminal.Printable(d.Name), terminal.Printable(d.Kind), d.Stuck,
				time.Duration(d.Seconds*float64(time.Second)).Round(time.Second))
		}
	}
	table := streams(before, now, seconds)
	return out.String() + table.Write(screen)
}

// streams are the requests that run, with their rates.
func streams(before, now flight.Status, seconds float64) terminal.Grid {
	earlier := map[string]flight.CallStatus{}
	for _, c := range before.Calls {
		earlier[c.Request] = c
	}
	g := terminal.Grid{Columns: []terminal.Column{{Head: "REQUEST", Style: terminal.Faint}, {Head: "KIND"}, {Head: "WHO"}, {Head: "FILE", Style: terminal.Name},
		{Head: "DATASET", Style: terminal.Name}, {Head: "TIME", Right: true}, {Head: "ROWS", Right: true}, {Head: "SENT", Right: true}, {Head: "RATE", Right: true}, {Head: "WAITS FOR"}}}
	for _, c := range now.Calls {
		was := earlier[c.Request]
		who := c.Peer
		if c.Identity != "" {
			who = c.Identity + "@" + c.Peer
		}
		row := []string{c.Request, c.Kind, who, c.File, c.Dataset, time.Duration(c.Seconds * float64(time.Second)).Round(time.Second).String(), fmt.Sprint(c.Rows),
			values.Bytes(c.Bytes), values.Bytes(int64(float64(c.Bytes-was.Bytes)/seconds)) + "/s", waitsFor(was, c)}
		for i, cell := range row {
			row[i] = terminal.Printable(cell)
		}
		g.Rows = append(g.Rows, row)
	}
	return g
}

// waitsFor tells what a stream waited for most.
func waitsFor(was, now flight.CallStatus) string {
	reading, sending := now.Reading-was.Reading, now.Sending-was.Sending
	switch {
	case reading == 0 && sending == 0:
		return "-"
	case reading > sending:
		return "batches"
	}
	return "its client"
}
