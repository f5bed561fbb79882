package reader

import (
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/indexdir"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// save writes what is new of what was learned of the file to disk; now: however short it is since the last time.
func (f *File) save(now bool) {
	if err := f.kept.Save(now, f.version.Holds); err != nil {
		f.eng.log.Sugar().Warnf("what was learned of %s is not kept: %v", f.loc.Name, err)
	}
}

// Indexed tells whether Config.IndexDir has the chunk indexes of the file as it is, and, if asked for, the statistics of its chunks.
func (f *File) Indexed(stats bool) bool {
	return f.kept.Whole(indexdir.Chunks) && (!stats || f.kept.Whole(indexdir.Values))
}

// KeepIndex writes what was learned of the file to Config.IndexDir, as all that there is to learn: who asks has asked for
// Dataset.Storage of all of its datasets, and for their Stats. Errors: fault.Precondition without a directory, fault.Unavailable of a file that
// was changed just now.
func (f *File) KeepIndex(stats bool) error {
	if err := f.kept.Save(true, f.version.Holds); err != nil {
		return err
	}
	err := f.kept.MakeWhole(indexdir.Chunks)
	if err == nil && stats {
		err = f.kept.MakeWhole(indexdir.Values)
		f.kept.Forget()
	}
	return f.failed(err)
}

// walk is the dataset's chunk index.
func (d *Dataset) walk() (*chunkindex.Index, error) {
	walk := func() (*chunkindex.Index, error) { return chunkindex.Walk(d.file.h5, d.object) }
	if !d.file.noted || d.file.live {
		return walk()
	}
	return d.file.kept.Index(d.meta.Addr, d.object, walk)
}

// statistics are those that are kept of a dataset: none of one whose values lie in other files, which change without this one.
func (d *Dataset) statistics() match.ChunkStatistics {
	f := d.file
	return match.ChunkStatistics{Save: func() { f.save(false) }, Table: func(chunks, rows int64) *chunkstats.Table {
		if !f.noted || f.live || d.meta.Layout == meta.Virtual || len(d.meta.External) > 0 {
			return nil
		}
		return f.kept.Set().Table(d.meta.Addr, chunks, rows)
	}}
}
