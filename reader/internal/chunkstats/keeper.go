package chunkstats

import (
	"path/filepath"
	"sync"
	"time"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// saveEvery is the least time between two saves of a file's statistics while it is read.
const saveEvery = 10 * time.Second

// Keeper has the statistics of many files, in memory and, if it has a directory, on disk. Safe for concurrent use.
type Keeper struct {
	budget *bufpool.Budget
	dir    *Dir // nil: none are kept on disk
}

// NewKeeper takes so many bytes at most, half of them for files on their way to and from a directory; "": there is none.
func NewKeeper(bytes int64, dir string) (*Keeper, error) {
	k := &Keeper{budget: bufpool.NewBudget(bytes/2, 0)}
	if dir == "" {
		return k, nil
	}
	var err error
	k.dir, err = OpenDir(dir, bufpool.NewBudget(bytes/2, 0))
	return k, err
}

// Used is the bytes in memory.
func (k *Keeper) Used() int64 { return k.budget.Used() }

// Of are the statistics of the file at a path in one state.
func (k *Keeper) Of(path string, id blockio.Identity) *File {
	return &File{keeper: k, path: absolute(path), id: id}
}

// Drop removes what is on disk of the file at a path.
func (k *Keeper) Drop(path string) {
	if k.dir != nil {
		k.dir.Drop(absolute(path))
	}
}

// absolute is a path that means the same to every program.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// File are the statistics of one file, in memory from their first use on. Safe for concurrent use.
type File struct {
	keeper *Keeper
	path   string
	id     blockio.Identity

	mu    sync.Mutex
	set   *Set
	saved time.Time
}

// Set is what is known, what was kept on disk among it.
func (f *File) Set() *Set {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.set != nil:
	case f.keeper.dir != nil:
		f.set = f.keeper.dir.Load(f.path, f.id, f.keeper.budget)
	default:
		f.set = NewSet(f.keeper.budget)
	}
	return f.set
}

// Save writes what is new to disk, if that is due or has to be now, and the file is what it was.
func (f *File) Save(now bool, unchanged func() bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keeper.dir == nil || f.set == nil || !now && time.Since(f.saved) < saveEvery || !unchanged() {
		return nil
	}
	f.saved = time.Now()
	return f.keeper.dir.Save(f.path, f.id, f.set)
}

// Close ends them.
func (f *File) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil {
		f.set = NewSet(f.keeper.budget)
	}
	f.set.Close()
}
