package flight

import (
	"time"

	"github.com/mtflight/mtflight/flight/internal/metrics"
	"github.com/mtflight/mtflight/reader"
)

// Status is what a server does now, as Config.Admin tells it (/status).
type Status struct {
	Server   string
	Time     time.Time
	Since    time.Time
	Rows     int64 // sent
	Bytes    int64 // of them
	Engine   reader.Counters
	Staged   int64 // bytes
	Calls    []CallStatus
	Draining bool
}

// CallStatus is a request that runs.
type CallStatus struct {
	Request  string // its id
	Kind     string // a method of Flight, or an action
	Identity string
	Peer     string
	File     string
	Dataset  string
	Seconds  float64
	Rows     int64   // sent
	Bytes    int64   // of them
	Reading  float64 // seconds it waited for batches
	Sending  float64 // seconds it waited for its client
}

// Status tells what the server does. It may be called at any time.
func (s *Server) Status() Status {
	out := Status{Server: s.cfg.Version, Time: time.Now(), Since: s.since, Rows: s.calls.rows.Load(), Bytes: s.calls.bytes.Load(),
		Engine: s.engine.Counters(), Calls: []CallStatus{}, Draining: s.draining.Load()}
	if s.stages != nil {
		out.Staged = s.stages.Used()
	}
	for _, c := range s.calls.running() {
		out.Calls = append(out.Calls, CallStatus{Request: c.id, Kind: c.what(), Identity: c.identity, Peer: c.peer, File: c.file.String(),
			Dataset: c.dataset.String(), Seconds: time.Since(c.began).Seconds(), Rows: c.rows.Load(), Bytes: c.bytes.Load(),
			Reading: time.Duration(c.reading.Load()).Seconds(), Sending: time.Duration(c.sending.Load()).Seconds()})
	}
	return out
}

// snapshot is what the metrics read.
func (s *Server) snapshot() metrics.Snapshot {
	out := metrics.Snapshot{Engine: s.engine.Counters(), Rows: s.calls.rows.Load(), Bytes: s.calls.bytes.Load(),
		Reading: time.Duration(s.calls.reading.Load()), Sending: time.Duration(s.calls.sending.Load()),
		Exchanged: s.sentRoom().Used(), Running: map[string]int{}}
	if s.stages != nil {
		out.Staged, out.Leases = s.stages.Used(), s.stages.Leases()
	}
	for _, c := range s.calls.running() {
		out.Running[c.what()]++
	}
	return out
}
