package reader

import (
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// saveStats writes what is new of the file's statistics to disk; now: however short it is since the last time.
func (f *File) saveStats(now bool) {
	if err := f.stats.Save(now, f.version.Holds); err != nil {
		f.eng.log.Sugar().Warnf("statistics of %s are not kept: %v", f.loc.Name, err)
	}
}

// statistics are those that are kept of a dataset: none of one whose values lie in other files, which change without this one.
func (d *Dataset) statistics() match.ChunkStatistics {
	f := d.file
	return match.ChunkStatistics{Save: func() { f.saveStats(false) }, Table: func(chunks, rows int64) *chunkstats.Table {
		if !f.noted || f.live || d.meta.Layout == meta.Virtual || len(d.meta.External) > 0 {
			return nil
		}
		return f.stats.Set().Table(d.meta.Addr, chunks, rows)
	}}
}
