package indexdir

import (
	"math"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
)

// saveEvery is the least time between two saves of what was learned of a file while it is read.
const saveEvery = 10 * time.Second

// Keeper has what was learned of many files. Safe for concurrent use.
type Keeper struct {
	budget *bufpool.Budget // of statistics in memory
	dir    *Dir            // nil: nothing is kept on disk

	Indexes, Columns atomic.Int64 // chunk indexes, and columns' statistics, that came from the directory
}

// NewKeeper takes so many bytes at most for statistics in memory; no directory: "".
func NewKeeper(bytes int64, dir string) (*Keeper, error) {
	k := &Keeper{budget: bufpool.NewBudget(bytes, 0)}
	if dir == "" {
		return k, nil
	}
	var err error
	k.dir, err = OpenDir(dir)
	return k, err
}

// Used is the bytes of statistics in memory.
func (k *Keeper) Used() int64 { return k.budget.Used() }

// Of is what is known of the file at a path in one state; sample is a digest of some of its bytes.
func (k *Keeper) Of(path string, id blockio.Identity, sample func() string) *File {
	f := &File{keeper: k}
	f.key = sync.OnceValue(func() Key { return Key{absolute(path), id, sample()} })
	f.fresh = id.Fresh
	return f
}

// Drop removes what is on disk of the file at a path.
func (k *Keeper) Drop(path string) {
	if k.dir != nil {
		k.dir.Drop(absolute(path))
	}
}

// absolute is a path that means the same to every program.
func absolute(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	if led, err := filepath.EvalSymlinks(abs); err == nil {
		return led
	}
	return abs
}

// File is what is known of one file: statistics from their first use on, and the chunk indexes that were walked until they are
// saved. Safe for concurrent use.
type File struct {
	keeper *Keeper
	key    func() Key
	fresh  func() bool // it may change again without a trace

	mu      sync.Mutex
	set     *chunkstats.Set
	walked  map[uint64]*chunkindex.Index // by address, not yet on disk
	fetched map[uint64]bool              // whose chunk indexes came from there
	saved   time.Time
}

// Set is the file's statistics, what was kept on disk among them.
func (f *File) Set() *chunkstats.Set {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil {
		var kept chunkstats.Kept
		if f.keeper.dir != nil {
			kept = f.column
		}
		f.set = chunkstats.NewSet(f.keeper.budget, kept)
	}
	return f.set
}

func (f *File) column(addr uint64, col int, most int64) []byte {
	b := f.keeper.dir.Read(Values, f.key(), ID{addr, uint64(col)}, most)
	if b != nil {
		f.keeper.Columns.Add(1)
	}
	return b
}

// leastChunks is of how many chunks an index is kept: that of fewer is a read or two.
const leastChunks = 64

// Index is the chunk index of the object at an address, from the directory or by walk. It is not for files that grow.
func (f *File) Index(addr uint64, o *chunkindex.Object, walk func() (*chunkindex.Index, error)) (*chunkindex.Index, error) {
	if f.keeper.dir == nil || f.fresh() {
		return walk()
	}
	if b := f.keeper.dir.Read(Chunks, f.key(), ID{Object: addr}, chunkindex.MostBytes(o, f.key().ID.Size)); b != nil {
		if x := chunkindex.Restore(o, b); x != nil {
			f.keeper.Indexes.Add(1)
			f.note(addr, nil)
			return x, nil
		}
	}
	x, err := walk()
	if err == nil && x.Len() >= leastChunks && x.Kept() {
		f.note(addr, x)
	}
	return x, err
}

// note takes an index that was walked, or (nil) fetched.
func (f *File) note(addr uint64, x *chunkindex.Index) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.walked == nil {
		f.walked, f.fetched = map[uint64]*chunkindex.Index{}, map[uint64]bool{}
	}
	if f.fetched[addr] = x == nil; x != nil {
		f.walked[addr] = x
	}
}

// Came tells what of the object at an address came from the directory.
func (f *File) Came(addr uint64) (out []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out = []string{}
	if f.fetched[addr] {
		out = append(out, "chunk index")
	}
	if f.set != nil && f.set.Loaded(addr) {
		out = append(out, "statistics")
	}
	return out
}

// Save writes what is new to disk, if that is due or has to be now, and the file is what it was.
func (f *File) Save(now bool, unchanged func() bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keeper.dir == nil || !now && time.Since(f.saved) < saveEvery || f.fresh() || !unchanged() {
		return nil
	}
	f.saved = time.Now()
	if err := f.saveIndexes(); err != nil {
		return err
	}
	return f.saveValues()
}

func (f *File) saveIndexes() error {
	var sections []Section
	for addr, x := range f.walked {
		sections = append(sections, Section{ID{Object: addr}, x.Bytes})
	}
	if len(sections) == 0 {
		return nil
	}
	f.walked = map[uint64]*chunkindex.Index{}
	return f.keeper.dir.Write(Chunks, f.key(), sections)
}

func (f *File) saveValues() error {
	if f.set == nil {
		return nil
	}
	var sections []Section
	for _, n := range f.set.News() {
		sections = append(sections, Section{ID{n.Addr, uint64(n.Col)}, n.Bytes})
	}
	if len(sections) == 0 {
		return nil
	}
	err := f.keeper.dir.Write(Values, f.key(), sections)
	if err != nil {
		for _, s := range sections {
			f.set.Again(s.Object, int(s.Part))
		}
	}
	return err
}

// whole is the section that says that there is no more to learn.
var whole = ID{math.MaxUint64, math.MaxUint64}

// Whole tells whether all of a kind that there is to learn of the file is on disk.
func (f *File) Whole(kind Kind) bool {
	return f.keeper.dir != nil && f.keeper.dir.Has(kind, f.key(), whole)
}

// MakeWhole notes on disk that there is no more to learn of a kind. Errors: fault.Precondition without a directory, fault.Exhausted where there was no
// room to learn all, fault.Unavailable of a file that may change again without a trace.
func (f *File) MakeWhole(kind Kind) error {
	switch {
	case f.keeper.dir == nil:
		return fault.New(fault.Precondition, "there is no directory to keep it in: name one by --index-dir")
	case kind == Values && f.Set().Full():
		return fault.New(fault.Exhausted, "the statistics of its chunks take more than the 64th part of --memory that they have: raise it")
	case f.fresh():
		return fault.New(fault.Unavailable, "the file was changed within the last %s: try again later", blockio.Freshness)
	}
	return f.keeper.dir.Write(kind, f.key(), []Section{{whole, func() []byte { return nil }}})
}

// Forget gives back what the statistics take in memory: what was saved is loaded again when it is needed.
func (f *File) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set != nil {
		f.set.Close()
	}
	f.set = nil
}

// Close ends the statistics.
func (f *File) Close() { f.Set().Close() }
