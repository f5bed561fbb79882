// Package disks bounds what a disk costs that does not answer: a call of the operating system about a file waits in a thread that
// nothing can wake.
//
// Disks are the mounted file systems of this process, a Disk is one of them, and a Lane is the calls about one file, or about names.
// Ask makes a call in a goroutine of its own and waits for it no longer than a limit; File reads what the kernel has in memory in
// place, and the rest by Ask. Who waits gets fault.Unavailable; the call itself stays until its disk answers, with memory of its own,
// and counts against bounds of its file and its disk. Where all that a file or disk may have are stuck, what else is asked of it is
// refused at once.
//
// Local file systems are asked in place about names and open files, which they mostly have in memory; only their bytes are waited for.
// All others, which ask another machine or process, are asked everything by Ask.
//
// All types are safe for concurrent use. A nil Disks, Disk or Lane makes calls in place. Calls don't nest.
package disks

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// DefaultLimit is how long a call is waited for where nothing else is said.
const DefaultLimit = 30 * time.Second

// patience is how long whoever waits keeps its worker to itself.
const patience = 20 * time.Millisecond

// Calls at once, at most: of a file leastLane or one more than workers, of a disk as many times.
const (
	leastLane = 4
	perDisk   = 4
)

// Config says how calls are bounded.
type Config struct {
	Limit   time.Duration   // how long a call is waited for
	Workers int             // that make calls side by side
	Memory  *bufpool.Memory // of which the memory of reads is reserved; nil: it is not
	Lend    func(n int)     // n more may work since as many wait for disks (fewer: n < 0); nil: nobody
	Log     *zap.Logger     // default: none
}

// Disks are all that are mounted. Ended by End.
type Disks struct {
	Config
	ended chan struct{}
	end   sync.Once
	over  context.Context // ends with ended
	cease context.CancelFunc
	table atomic.Pointer[table]

	mu    sync.Mutex
	disks map[string]*Disk // by device
	hang  int              // how many do
	tell  func(hangs bool)
}

// New knows no disk yet.
func New(c Config) *Disks {
	c.Limit = cmp.Or(max(c.Limit, 0), DefaultLimit)
	c.Log = cmp.Or(c.Log, zap.NewNop())
	d := &Disks{Config: c, ended: make(chan struct{}), disks: map[string]*Disk{}}
	d.over, d.cease = context.WithCancel(context.Background())
	return d
}

func (d *Disks) lane() int { return max(leastLane, d.Workers+1) }

// End has nobody wait for a disk any more: fault.Unavailable. Calls that are stuck go on.
func (d *Disks) End() {
	if d != nil {
		d.end.Do(func() {
			close(d.ended)
			d.cease()
		})
	}
}

// OnChange has f called when the first disk hangs, and when none does any more. It is for the time before the first call.
func (d *Disks) OnChange(f func(hangs bool)) {
	if d != nil {
		d.tell = f
	}
}

// wanted tells whether somebody waits for memory.
func (d *Disks) wanted() bool {
	if d.Memory == nil {
		return false
	}
	waiting, _ := d.Memory.Budget.Waits()
	return waiting > 0
}

// changed counts a disk that hangs from now on, or no more.
func (d *Disks) changed(hangs bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.hang > 0
	if hangs {
		d.hang++
	} else {
		d.hang--
	}
	if d.tell != nil && before != (d.hang > 0) {
		d.tell(hangs)
	}
}

// State is what waits for a disk.
type State struct {
	Name    string  // where it is mounted
	Kind    string  // of file system
	Calls   int64   // under way
	Stuck   int64   // of them that take longer than the limit
	Seconds float64 // that the oldest stuck one takes; 0: there is none
}

// States are those of all disks that were asked anything, by name.
func (d *Disks) States() (out []State) {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	all := slices.Collect(maps.Values(d.disks))
	d.mu.Unlock()
	for _, k := range all {
		out = append(out, k.state())
	}
	slices.SortFunc(out, func(a, b State) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// Disk is a mounted file system.
type Disk struct {
	mount
	all     *Disks
	slots   chan struct{}
	names   *Lane        // what is asked by name
	blunt   atomic.Bool  // does not tell what it has in memory: RWF_NOWAIT (preadv2(2))
	waiting atomic.Int64 // len(slow)

	mu    sync.Mutex
	slow  map[*call]bool // that have not come back for long, or that nobody waits for
	hangs bool
	lanes map[string]*Lane
}

// mostLanes is from how many files on those are forgotten that nothing is asked of.
const mostLanes = 1 << 10

func newDisk(d *Disks, m mount) *Disk {
	slots := perDisk * d.lane()
	if m.remote {
		slots = remoteCalls
	}
	k := &Disk{mount: m, all: d, slots: make(chan struct{}, slots), slow: map[*call]bool{}, lanes: map[string]*Lane{}}
	k.names = k.newLane(perDisk / 2 * d.lane())
	return k
}

// Well tells whether nothing has waited for the disk for long.
func (k *Disk) Well() bool { return k == nil || k.waiting.Load() == 0 }

func (k *Disk) state() State {
	s := State{Name: k.at, Kind: k.kind, Calls: int64(len(k.slots))}
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.slow {
		if c.stuck() {
			s.Stuck++
			s.Seconds = max(s.Seconds, time.Since(c.began).Seconds())
		}
	}
	return s
}

// Lane is that of the file at a path.
func (k *Disk) Lane(path string) *Lane {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.lanes[path]
	if l == nil {
		if len(k.lanes) >= mostLanes {
			maps.DeleteFunc(k.lanes, func(_ string, l *Lane) bool { return len(l.slots) == 0 })
		}
		l = k.newLane(k.all.lane())
		k.lanes[path] = l
	}
	return l
}

func (k *Disk) newLane(n int) *Lane { return &Lane{disk: k, slots: make(chan struct{}, n)} }

// Lane is the calls about one file.
type Lane struct {
	disk  *Disk
	slots chan struct{}
	lost  atomic.Int64
	last  atomic.Int64 // when, in nanoseconds
}

// Lose counts a call that was not answered in time, or refused for that.
func (l *Lane) Lose() {
	if l != nil {
		l.lost.Add(1)
		l.last.Store(time.Now().UnixNano())
	}
}

// Lost is how many there were, ever: what was learned of the file meanwhile may lack something.
func (l *Lane) Lost() int64 {
	if l == nil {
		return 0
	}
	return l.lost.Load()
}

// Losing tells whether one was lost just now.
func (l *Lane) Losing() bool {
	return l != nil && time.Since(time.Unix(0, l.last.Load())) < l.disk.all.Limit+time.Second
}

// Well tells whether nothing has waited for the file's disk for long.
func (l *Lane) Well() bool { return l == nil || l.disk.Well() }

// Waits tells whether whatever is asked about the file may have to wait, not only for its bytes.
func (l *Lane) Waits() bool { return l != nil && l.disk.waits }
