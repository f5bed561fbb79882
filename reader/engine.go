package reader

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/counters"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/indexdir"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/machine"
	"github.com/mtflight/mtflight/reader/internal/pages"
	"github.com/mtflight/mtflight/reader/internal/sched"
)

// Config says how an Engine works. The zero value of every field is its default.
type Config struct {
	Workers     int           // decoding goroutines; default: one more than CPUs
	Memory      int64         // bytes for all buffers; default: a quarter of the machine's, or of the container's
	InProcess   bool          // call libhdf5 in this process instead of helper processes
	NoWitness   bool          // never ask libhdf5 about what our own code refuses
	NoPlugins   bool          // load no plug-in of HDF5's
	Plugins     []string      // SHA-256, in lower-case hexadecimal, of the plug-ins' files that may be loaded; none: any that root or this user alone can write
	Helpers     int           // helper processes for libhdf5 at most, and for plug-ins; default: as many as workers, at least 2
	CallTimeout time.Duration // of one call to a helper; default 20 s
	ReadTimeout time.Duration // how long a read, or another call about a file, is waited for; default disks.DefaultLimit
	Logger      *zap.Logger   // default: none
	MaxWait     time.Duration // for memory that others hold, before ErrExhausted; default 15 s
	Cache       int64         // bytes of Memory for columns that were decoded, which give way to what needs them; default: a quarter, negative: none
	IndexDir    string        // directory of this user's for chunk indexes and statistics of chunks; none: they are kept in memory alone
	StatsDir    string        // Deprecated: IndexDir
	BlockDir    string        // directory of this user's for what was read of stores, which other engines may share; none: it is not kept
	BlockBytes  int64         // of BlockDir at most, 64 MiB or more
}

const (
	statsShare  = 64        // part of the memory for statistics of chunks: one in so many
	cacheShare  = 8         // part of the memory that keeps decoded chunks: one in so many
	leastHelper = 128 << 20 // bytes of address space of a helper: threads and libraries
	smallShare  = 8         // part of the buffers that only small requests may use: one in so many
	maxFiles    = 256       // whose metadata is kept
)

// WithDefaults has what is not set as NewEngine sets it.
func (c Config) WithDefaults() Config {
	c.Workers = cmp.Or(max(c.Workers, 0), runtime.GOMAXPROCS(0)+1) // one mostly waits, in the kernel or for its turn
	c.Memory = cmp.Or(max(c.Memory, 0), machine.Memory()/4)
	c.Cache = cmp.Or(c.Cache, c.Memory/4)
	c.Helpers = cmp.Or(max(c.Helpers, 0), max(2, c.Workers))
	c.CallTimeout = cmp.Or(max(c.CallTimeout, 0), 20*time.Second)
	c.MaxWait = cmp.Or(max(c.MaxWait, 0), 15*time.Second)
	c.Logger = cmp.Or(c.Logger, zap.NewNop())
	return c
}

// memoryFor is the Config.Memory that leaves so many bytes for buffers.
func memoryFor(buffers int64) int64 {
	return buffers * cacheShare * statsShare / (cacheShare*statsShare - cacheShare - statsShare)
}

// Engine owns workers, budget, caches and helper processes. Safe for concurrent use.
type Engine struct {
	cfg     Config
	log     *zap.Logger
	mem     *bufpool.Memory
	workers *sched.Pool
	disks   *disks.Disks
	chunks  *chunkcache.Cache
	columns *colcache.Cache // nil: none; its bytes are mem's
	scans   *fill.Engine    // what reading them takes
	frames  *bufpool.Budget // of what the runs over frames hold, part of mem's
	lib     h5proc.Library
	foreign h5proc.Unfilter
	plugins *h5proc.Plugins
	pages   *pages.Keeper       // of files' bytes
	blocks  *objectstore.Blocks // of the metadata of files in stores
	kept    *indexdir.Keeper
	serial  atomic.Uint64 // of files opened

	counts counters.Sources

	mu    sync.Mutex
	files map[string]*list.Element // by path; of *File
	order list.List                // last used first
}

// NewEngine starts an engine; Close ends it.
func NewEngine(cfg Config) (*Engine, error) {
	cfg = cfg.WithDefaults()
	e := &Engine{cfg: cfg, log: cfg.Logger, files: map[string]*list.Element{}}
	buffers := cfg.Memory - cfg.Memory/cacheShare - cfg.Memory/statsShare
	if cfg.StatsDir != "" {
		e.log.Warn("stats-dir is called index-dir now: the old name is accepted for two minor releases")
	}
	var err error
	if e.kept, err = indexdir.NewKeeper(cfg.Memory/statsShare, cmp.Or(cfg.IndexDir, cfg.StatsDir)); err != nil {
		return nil, err
	}
	e.mem = &bufpool.Memory{Budget: bufpool.NewBudget(buffers, cfg.MaxWait), Pool: bufpool.NewPool(buffers)}
	e.mem.Budget.Reserve(buffers / smallShare)
	e.chunks = chunkcache.New(cfg.Memory / cacheShare)
	e.columns = colcache.New(min(cfg.Cache, buffers/2))
	e.mem.Budget.OnShortage(e.columns.Give)
	e.workers = sched.New(cfg.Workers)
	e.disks = disks.New(disks.Config{Limit: cfg.ReadTimeout, Workers: cfg.Workers, Memory: e.mem, Lend: e.workers.Lend, Log: cfg.Logger})
	e.scans = &fill.Engine{Mem: e.mem, Workers: e.workers, WorkerCount: cfg.Workers, Chunks: e.chunks, Log: e.log, MemoryFor: memoryFor}
	if e.blocks, err = objectstore.OpenBlocks(e.mem, buffers/objectstore.BlocksShare, e.disks, cfg.BlockDir, cfg.BlockBytes); err != nil {
		e.workers.Close()
		return nil, err
	}
	e.pages = pages.NewKeeper(e.mem)
	e.frames = bufpool.NewBudget(buffers/2, cfg.MaxWait)
	helpers := h5proc.Config{Helpers: cfg.Helpers, MemoryLimit: max(leastHelper, cfg.Memory/int64(cfg.Helpers)), CallTimeout: cfg.CallTimeout, Plugins: cfg.Plugins, Logger: cfg.Logger, Budget: e.mem.Budget}
	e.lib, e.foreign = h5proc.Both(helpers, cfg.InProcess)
	e.plugins = h5proc.NewPlugins(e.foreign, cfg.NoPlugins)
	c := &e.counts
	c.Workers, c.WorkerCount, c.Mem, c.Pages, c.Chunks, c.Columns, c.Kept, c.Lib, c.Filter, c.Disks = e.workers, cfg.Workers, e.mem, e.pages, e.chunks, e.columns, e.kept, e.lib, e.foreign, e.disks
	return e, nil
}

// Disks are those that files are read from.
func (e *Engine) Disks() *disks.Disks { return e.disks }

// Close ends the workers and helpers. Runs must have been released before. It does not wait for disks that do not answer.
func (e *Engine) Close() error {
	e.disks.End()
	e.workers.Close()
	e.columns.Close()
	e.pages.Close()
	e.blocks.Close()
	e.mu.Lock()
	defer e.mu.Unlock()
	errs := []error{e.lib.Close(), e.foreign.Close()}
	for el := e.order.Front(); el != nil; el = el.Next() {
		f := el.Value.(*File)
		f.save(true)
		f.kept.Close()
		errs = append(errs, f.disk.Close())
	}
	e.order.Init()
	e.files = map[string]*list.Element{}
	return errors.Join(errs...)
}

// Memory tells the bytes in use by runs and by records not yet released, and how many may be: what Config.Memory leaves
// beside the cache of decoded chunks and statistics. Columns that are kept are not among those in use.
func (e *Engine) Memory() (used, budget int64) {
	return e.mem.Budget.Used() - e.pages.Held() - e.blocks.Held() - e.columns.Held(), e.mem.Budget.Limit()
}

// OnHeap has f called with how much of Config.Memory Go's heap may take, now and whenever that has changed much: the rest is
// mapped. It is for the time before the engine is used.
func (e *Engine) OnHeap(f func(most int64)) {
	f(e.cfg.Memory)
	e.mem.Moved = func(elsewhere int64) { f(e.cfg.Memory - elsewhere) }
}

// Open gives the file at a location; it is cheap when the file is known and unchanged, and was not changed just now.
func (e *Engine) Open(ctx context.Context, loc Location) (*File, error) {
	if loc.Name == "" {
		loc.Name = spell.Escape(loc.Path)
	}
	if f, err := e.remembered(ctx, loc); f != nil || err != nil {
		return f, err
	}
	e.counts.FileMisses.Add(1)
	f, err := openFile(ctx, e, loc)
	if err != nil {
		return nil, err
	}
	if !f.disk.Identity().Fresh() { // what may change again without a trace is this caller's alone
		e.remember(f)
	}
	return f, nil
}

// remembered is the cached file if it is still the same one under the same name; nil: there is none. A store is asked only of
// what is cached: else opening it tells whether it is there.
func (e *Engine) remembered(ctx context.Context, loc location.Location) (*File, error) {
	e.mu.Lock()
	el := e.files[loc.Path]
	e.mu.Unlock()
	if el == nil && loc.Store != nil {
		return nil, nil
	}
	id, err := location.Identify(ctx, e.disks, loc)
	if err != nil {
		return nil, location.Unopened(loc, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if el = e.files[loc.Path]; el == nil {
		return nil, nil
	}
	f := el.Value.(*File)
	if f.disk.Identity() != id || f.loc.Name != loc.Name || loc.Store != nil && !f.disk.Unchanged() {
		e.forget(el)
		return nil, nil
	}
	e.order.MoveToFront(el)
	e.counts.FileHits.Add(1)
	return f, nil
}

// remember keeps a file that nobody else has yet. Those that are soon closed again are not mapped: a process may have so
// many mappings only.
func (e *Engine) remember(f *File) {
	f.disk.Keep(e.pages)
	if !f.live {
		e.columns.Know(f.serial)
	}
	for _, old := range e.note(f) {
		old.save(true)
		old.kept.Close()
	}
}

// note adds a file to the cache and takes those out that it has no room for.
func (e *Engine) note(f *File) (out []*File) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if old := e.files[f.loc.Path]; old != nil {
		e.forget(old)
	}
	f.noted = true
	e.counts.Files.Add(1)
	e.files[f.loc.Path] = e.order.PushFront(f)
	for most := min(maxFiles, max(machine.Files()/4, 1)); e.order.Len() > most; {
		out = append(out, e.remove(e.order.Back()))
	}
	return out
}

// forget drops a file that is another one now, with its statistics. Called locked.
func (e *Engine) forget(el *list.Element) { e.remove(el).kept.Close() }

// remove takes a file out of the cache. Its handle closes when the last run that reads it is gone. Called locked.
func (e *Engine) remove(el *list.Element) *File {
	f := el.Value.(*File)
	delete(e.files, f.loc.Path)
	e.order.Remove(el)
	e.counts.Files.Add(-1)
	e.chunks.Drop(f.serial)
	e.columns.Drop(f.serial)
	f.disk.Drop()
	return f
}

// Refresh drops what is cached about the file at a path, what is on disk too.
func (e *Engine) Refresh(path string) {
	e.kept.Drop(path)
	e.mu.Lock()
	defer e.mu.Unlock()
	if el := e.files[filepath.Clean(path)]; el != nil {
		e.forget(el)
	}
}
