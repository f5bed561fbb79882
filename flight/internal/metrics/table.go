package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/mtflight/mtflight/reader"
)

// table is the collector of what is counted elsewhere.
type table struct{ now func() Snapshot }

// row is a metric with the values of its label, if it has one.
type row struct {
	name, help, label string
	kind              prometheus.ValueType
	values            func(s Snapshot) map[string]float64 // by the label's value, "" without one
}

func (r row) desc() *prometheus.Desc {
	var labels []string
	if r.label != "" {
		labels = []string{r.label}
	}
	return prometheus.NewDesc(r.name, r.help, labels, nil)
}

// Describe is part of prometheus.Collector.
func (t table) Describe(to chan<- *prometheus.Desc) {
	for _, r := range rows {
		to <- r.desc()
	}
}

// Collect is part of prometheus.Collector.
func (t table) Collect(to chan<- prometheus.Metric) {
	s := t.now()
	for _, r := range rows {
		for label, value := range r.values(s) {
			var labels []string
			if r.label != "" {
				labels = []string{label}
			}
			to <- prometheus.MustNewConstMetric(r.desc(), r.kind, value, labels...)
		}
	}
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// one is the value of a metric without a label.
func one[T int | int64](of func(s Snapshot) T) func(Snapshot) map[string]float64 {
	return func(s Snapshot) map[string]float64 { return map[string]float64{"": float64(of(s))} }
}

// roles are values of the two roles of helper processes.
func roles(of func(e reader.Counters) (witnesses, filters int64)) func(Snapshot) map[string]float64 {
	return func(s Snapshot) map[string]float64 {
		witnesses, filters := of(s.Engine)
		return map[string]float64{"witness": float64(witnesses), "filter": float64(filters)}
	}
}

var rows = []row{
	{"mtflight_requests_running", "Requests that run now, by kind.", "kind", gauge, func(s Snapshot) map[string]float64 {
		out := map[string]float64{}
		for kind, n := range s.Running {
			out[kind] = float64(n)
		}
		return out
	}},
	{"mtflight_rows_sent_total", "Rows sent, staged or put into rings.", "", counter, one(func(s Snapshot) int64 { return s.Rows })},
	{"mtflight_bytes_sent_total", "Bytes of Arrow messages sent, staged or put into rings.", "", counter, one(func(s Snapshot) int64 { return s.Bytes })},
	{"mtflight_stream_wait_seconds_total", "Time that streams waited: for batches to be read, or for their clients to take them.", "for", counter,
		func(s Snapshot) map[string]float64 {
			return map[string]float64{"batches": s.Reading.Seconds(), "clients": s.Sending.Seconds()}
		}},
	{"mtflight_reads_total", "System calls that read data of files.", "", counter, one(func(s Snapshot) int64 { return s.Engine.Reads })},
	{"mtflight_read_bytes_total", "Bytes of data taken from files: by system calls, or from memory that they are mapped to.", "by", counter,
		func(s Snapshot) map[string]float64 {
			return map[string]float64{"call": float64(s.Engine.BytesRead), "mapping": float64(s.Engine.BytesMapped)}
		}},
	{"mtflight_decoded_chunks_total", "Chunks that went through filters.", "", counter, one(func(s Snapshot) int64 { return s.Engine.ChunksDecoded })},
	{"mtflight_decoded_bytes_total", "Bytes of those chunks, decoded.", "", counter, one(func(s Snapshot) int64 { return s.Engine.BytesDecoded })},
	{"mtflight_workers", "Decoding workers.", "", gauge, one(func(s Snapshot) int { return s.Engine.Workers })},
	{"mtflight_workers_busy", "Workers with a task now.", "", gauge, one(func(s Snapshot) int { return s.Engine.TasksRunning })},
	{"mtflight_tasks_waiting", "Tasks that wait for a worker now.", "", gauge, one(func(s Snapshot) int { return s.Engine.TasksWaiting })},
	{"mtflight_tasks_total", "Tasks that workers have done.", "", counter, one(func(s Snapshot) int64 { return s.Engine.TasksDone })},
	{"mtflight_memory_bytes", "Bytes held now, by holder: batches and what decoding takes, columns that are kept, mapped pages of files, shared memory, rows asked for by DoExchange " +
		"(these five are of the budget), decoded chunks, statistics.", "holder", gauge, holders},
	{"mtflight_memory_budget_bytes", "Bytes that the first five holders may have together.", "", gauge, one(func(s Snapshot) int64 { return s.Engine.BudgetLimit })},
	{"mtflight_memory_waiting", "Requests that wait for memory now.", "", gauge, one(func(s Snapshot) int64 { return s.Engine.BudgetWaiting })},
	{"mtflight_memory_waits_total", "How often a request had to wait for memory.", "", counter, one(func(s Snapshot) int64 { return s.Engine.BudgetWaits })},
	{"mtflight_chunk_cache_total", "Chunks wanted in part that were in the cache, or not.", "result", counter, func(s Snapshot) map[string]float64 {
		return map[string]float64{"hit": float64(s.Engine.ChunkHits), "miss": float64(s.Engine.ChunkMisses)}
	}},
	{"mtflight_column_cache_total", "Columns of batches that were in the cache, or not.", "result", counter, func(s Snapshot) map[string]float64 {
		return map[string]float64{"hit": float64(s.Engine.ColumnHits), "miss": float64(s.Engine.ColumnMisses)}
	}},
	{"mtflight_answer_cache_total", "Conditions and orders whose rows were known from an earlier request, or not.", "result", counter, func(s Snapshot) map[string]float64 {
		return map[string]float64{"hit": float64(s.Engine.AnswerHits), "miss": float64(s.Engine.AnswerMisses)}
	}},
	{"mtflight_index_directory_total", "Chunk indexes, and statistics of columns, that came from the index directory.", "what", counter, func(s Snapshot) map[string]float64 {
		return map[string]float64{"chunk_index": float64(s.Engine.KeptIndexes), "statistics": float64(s.Engine.KeptColumns)}
	}},
	{"mtflight_file_cache_total", "Files asked for whose metadata was known, or had to be read.", "result", counter, func(s Snapshot) map[string]float64 {
		return map[string]float64{"hit": float64(s.Engine.FileHits), "miss": float64(s.Engine.FileMisses)}
	}},
	{"mtflight_files", "Files whose metadata is kept now.", "", gauge, one(func(s Snapshot) int64 { return s.Engine.Files })},
	{"mtflight_disk_calls", "Calls about files that wait for a disk now, by where it is mounted.", "disk", gauge, disks(func(d reader.Disk) int64 { return d.Calls })},
	{"mtflight_disk_calls_stuck", "Of them, those that take longer than --read-timeout: while there are any, the disk hangs.", "disk", gauge, disks(func(d reader.Disk) int64 { return d.Stuck })},
	{"mtflight_stage_leases", "Results and rings in shared memory now.", "", gauge, one(func(s Snapshot) int { return s.Leases })},
	{"mtflight_helpers", "Helper processes that run now, by role.", "role", gauge, roles(func(e reader.Counters) (int64, int64) { return e.Witnesses.Alive, e.FilterHelpers.Alive })},
	{"mtflight_helpers_started_total", "Helper processes that were started.", "role", counter, roles(func(e reader.Counters) (int64, int64) { return e.Witnesses.Started, e.FilterHelpers.Started })},
	{"mtflight_helpers_died_total", "Helper processes that crashed, were stopped or were found dead.", "role", counter, roles(func(e reader.Counters) (int64, int64) { return e.Witnesses.Died, e.FilterHelpers.Died })},
	{"mtflight_helper_calls_total", "Calls to helper processes.", "role", counter, roles(func(e reader.Counters) (int64, int64) { return e.Witnesses.Calls, e.FilterHelpers.Calls })},
	{"mtflight_witnessed_total", "Answers that libhdf5 gave.", "", counter, one(func(s Snapshot) int64 { return s.Engine.Witnessed })},
}

// holders are what has bytes now.
func holders(s Snapshot) map[string]float64 {
	e := s.Engine
	return map[string]float64{
		"batches": float64(max(0, e.BudgetUsed-e.PagesHeld-e.ColumnCacheBytes-s.Staged-s.Exchanged)), "columns": float64(e.ColumnCacheBytes), "pages": float64(e.PagesHeld), "stage": float64(s.Staged),
		"exchange": float64(s.Exchanged), "chunks": float64(e.ChunkCacheBytes), "statistics": float64(e.StatisticsBytes),
	}
}

// disks are values of each mounted file system that was asked anything.
func disks(of func(d reader.Disk) int64) func(Snapshot) map[string]float64 {
	return func(s Snapshot) map[string]float64 {
		out := map[string]float64{}
		for _, d := range s.Engine.Disks {
			out[d.Name] = float64(of(d))
		}
		return out
	}
}
