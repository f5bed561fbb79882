package reader

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// statsShare is the part of the memory for statistics of chunks: one in so many, half of it for files on their way.
const statsShare = 64

// saveEvery is the least time between two saves of a file's statistics while it is read.
const saveEvery = 10 * time.Second

// fileStats are the statistics of a file's chunks, in memory from their first use on.
type fileStats struct {
	mu    sync.Mutex
	set   *chunkstats.Set
	saved time.Time
}

func (e *Engine) openStats(bytes int64) (err error) {
	e.stats = bufpool.NewBudget(bytes/2, 0)
	if e.cfg.StatsDir != "" {
		e.saved, err = chunkstats.OpenDir(e.cfg.StatsDir, bufpool.NewBudget(bytes/2, 0))
	}
	return err
}

// statistics are those of the file, what is kept on disk among them.
func (f *File) statistics() *chunkstats.Set {
	f.stats.mu.Lock()
	defer f.stats.mu.Unlock()
	switch {
	case f.stats.set != nil:
	case f.eng.saved != nil:
		f.stats.set = f.eng.saved.Load(absolute(f.loc.Path), f.disk.Identity(), f.eng.stats)
	default:
		f.stats.set = chunkstats.NewSet(f.eng.stats)
	}
	return f.stats.set
}

// saveStats writes what is new to disk; now: however short it is since the last time. A file that changed is left out.
func (f *File) saveStats(now bool) {
	f.stats.mu.Lock()
	defer f.stats.mu.Unlock()
	if f.eng.saved == nil || f.stats.set == nil || !now && time.Since(f.stats.saved) < saveEvery || !f.disk.Unchanged() {
		return
	}
	f.stats.saved = time.Now()
	if err := f.eng.saved.Save(absolute(f.loc.Path), f.disk.Identity(), f.stats.set); err != nil {
		f.eng.log.Sugar().Warnf("statistics of %s are not kept: %v", f.loc.Name, err)
	}
}

// absolute is a path that means the same to every program.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// dropStats ends them.
func (f *File) dropStats() {
	f.stats.mu.Lock()
	defer f.stats.mu.Unlock()
	if f.stats.set == nil {
		f.stats.set = chunkstats.NewSet(f.eng.stats)
	}
	f.stats.set.Close()
}

// statistics are those that are kept of a dataset: none of one whose values lie in other files, which change without this one.
func (d *Dataset) statistics() match.ChunkStatistics {
	f := d.file
	return match.ChunkStatistics{Save: func() { f.saveStats(false) }, Table: func(chunks, rows int64) *chunkstats.Table {
		if !f.noted || f.live || d.meta.Layout == meta.Virtual || len(d.meta.External) > 0 {
			return nil
		}
		return f.statistics().Table(d.meta.Addr, chunks, rows)
	}}
}
