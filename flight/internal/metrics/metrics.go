// Package metrics tells Prometheus what a server does. What the engine and the server count anyway is read when a scrape asks for it, by
// one table (table.go); Done counts a request as it ends. docs/metrics.md is written from the registry.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/mtflight/mtflight/reader"
)

// Snapshot is what a server counts by itself.
type Snapshot struct {
	Engine    reader.Counters
	Rows      int64          // sent
	Bytes     int64          // of them
	Reading   time.Duration  // that requests waited for batches
	Sending   time.Duration  // that they waited for their clients
	Staged    int64          // bytes in shared memory now
	Leases    int            // of them
	Exchanged int64          // bytes of rows asked for by DoExchange, now
	Running   map[string]int // requests by kind
}

// Metrics are those of one server. Safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	now      func() Snapshot
}

// New makes the metrics of a server of a version; now is asked at each scrape.
func New(version string, now func() Snapshot) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), now: now}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mtflight_requests_total",
		Help: "Requests that have ended, by kind (a method of Flight, or an action) and code of gRPC."}, []string{"kind", "code"})
	m.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "mtflight_request_seconds",
		Help:    "Time that requests took from their arrival to their end, that of streams with what their clients took.",
		Buckets: []float64{.001, .004, .016, .064, .25, 1, 4, 16, 64, 256}}, []string{"kind"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "mtflight_build_info", Help: "1, with the version.",
		ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.seconds, build, table{now},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Done counts a request that has ended. Of nil metrics it counts nothing.
func (m *Metrics) Done(kind, code string, took time.Duration) {
	if m == nil {
		return
	}
	m.requests.WithLabelValues(kind, code).Inc()
	m.seconds.WithLabelValues(kind).Observe(took.Seconds())
}

// Handler answers scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Gatherer gives what a scrape gets.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }
