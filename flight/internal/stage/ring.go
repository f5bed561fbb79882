package stage

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// endOfStream is an IPC stream's last 8 bytes.
const endOfStream = "\xff\xff\xff\xff\x00\x00\x00\x00"

// Ring is a file of slots. A record is written into a free slot as an IPC stream of its own; the slot is out then,
// until Free.
type Ring struct {
	*space
	schema *arrow.Schema
	head   int64 // of the schema's message, which begins every slot
	room   int64 // for a batch's header
	values bool  // one column whose values NumPy can take as they are

	slots   []*slot
	most    int       // slots
	retired []*region // replaced by larger ones; their records may still be about

	mu   sync.Mutex
	free []int         // may be placed
	out  map[int]bool  // with the client
	over bool          // no more records come
	wake chan struct{} // something was freed
}

type slot struct {
	number int
	*region
}

// Slot tells where a record lies: a stream of Bytes at Offset of the file, and its column's values at Data, if they
// are plain, else 0.
type Slot struct {
	Slot   int   `json:"slot"`
	Offset int64 `json:"offset"`
	Bytes  int64 `json:"bytes"`
	Data   int64 `json:"data,omitempty"`
}

// NewRing makes a ring of n slots, at least 2, which will take about so many bytes together; the caller closes it.
func (s *Store) NewRing(schema *arrow.Schema, n int, bytes int64) (*Ring, error) {
	all, err := encode(schema, nil)
	if err != nil {
		return nil, err
	}
	sp := s.reuse("r", bytes)
	if sp == nil {
		if sp, err = s.newSpace("r"); err != nil {
			return nil, err
		}
	}
	return &Ring{space: sp, schema: schema, head: all[0].size(), room: headRoom(schema), values: plainValues(schema),
		most: max(n, 2), out: map[int]bool{}, wake: make(chan struct{}, 1)}, nil
}

// Path is the file's; Slots how many it has.
func (r *Ring) Path() string { return r.path }

// Slots see Path.
func (r *Ring) Slots() int { return r.most }

// InPlace tells whether a run may be placed here. Dictionaries come before their batch in a stream, so that there is no
// telling where its buffers will lie.
func (r *Ring) InPlace() bool {
	return !slices.ContainsFunc(r.schema.Fields(), func(f arrow.Field) bool { return hasDictionary(f.Type) })
}

// Most is part of reader.Placement: half of the slots, so that a client which holds one never stops the run.
func (r *Ring) Most() int { return max(1, r.most/2) }

// Place is part of reader.Placement: a free slot for each batch.
func (r *Ring) Place(ctx context.Context, bytes []int64, wait bool) ([]reader.Memory, error) {
	if err := r.retire(); err != nil {
		return nil, err
	}
	numbers, err := r.await(ctx, len(bytes), wait)
	if numbers == nil || err != nil {
		return nil, err
	}
	out := make([]reader.Memory, len(bytes))
	for i, n := range bytes {
		s, err := r.slot(ctx, numbers[i], r.head+r.room+round(n, align)+align)
		if err != nil {
			return nil, err
		}
		out[i] = s.region
	}
	return out, nil
}

// await takes n slots, new ones while there are fewer than there may be; nil if they are not free and wait is not set.
func (r *Ring) await(ctx context.Context, n int, wait bool) ([]int, error) {
	for {
		if got := r.take(n); got != nil || !wait {
			return got, nil
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (r *Ring) take(n int) []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.free) < n && len(r.slots) < r.most {
		r.free = append(r.free, len(r.slots))
		r.slots = append(r.slots, &slot{number: len(r.slots), region: &region{}})
	}
	if len(r.free) < n {
		return nil
	}
	got := slices.Clone(r.free[:n])
	r.free = slices.Delete(r.free, 0, n)
	return got
}

// slot gives a slot of at least n bytes, moved to the end of the file where it was smaller.
func (r *Ring) slot(ctx context.Context, number int, n int64) (*slot, error) {
	s := r.slots[number]
	if int64(len(s.mem)) < n {
		if err := r.drop(s.region); err != nil {
			return nil, err
		}
		fresh, err := r.region(ctx, n)
		if err != nil {
			return nil, err
		}
		s.region = fresh
	}
	s.used = r.head + r.room
	return s, nil
}

// drop gives a region's memory back.
func (r *Ring) drop(old *region) error {
	size := int64(len(old.mem))
	return errors.Join(old.unmap(), r.punch(old.at, old.at+size))
}

// retire drops what records that have been released meanwhile were in.
func (r *Ring) retire() error {
	var errs []error
	for _, old := range r.retired {
		errs = append(errs, r.drop(old))
	}
	r.retired = nil
	return errors.Join(errs...)
}

// Write puts a record into the slot that it was placed in (nil: a free one, for which it may wait).
func (r *Ring) Write(ctx context.Context, rec arrow.Record, at reader.Memory) (Slot, error) {
	all, err := encode(r.schema, rec)
	if err != nil {
		return Slot{}, err
	}
	s := r.slotOf(at)
	if s == nil || len(all) != 2 {
		return r.copied(ctx, s, all)
	}
	end, fits := all[1].place(s.region, r.head, r.head+r.room)
	if !fits || end+int64(len(endOfStream)) > int64(len(s.mem)) {
		return r.copied(ctx, s, all)
	}
	all[0].write(s.mem[:r.head])
	if r.bare(&all[1]) {
		return r.sent(s, s.offset(all[1].pieces[0]), end), nil
	}
	return r.sent(s, -1, end), nil
}

func (r *Ring) slotOf(at reader.Memory) *slot {
	for _, s := range r.slots {
		if at == reader.Memory(s.region) {
			return s
		}
	}
	return nil
}

// copied writes messages in one piece into the given slot (nil: a free one), which gets new memory.
func (r *Ring) copied(ctx context.Context, s *slot, all []message) (Slot, error) {
	if s == nil {
		numbers, err := r.await(ctx, 1, true)
		if err != nil {
			return Slot{}, err
		}
		s = r.slots[numbers[0]]
	}
	need := int64(len(endOfStream))
	for i := range all {
		need += all[i].size()
	}
	if s.isSource(all) || int64(len(s.mem)) < need {
		fresh, err := r.region(ctx, need)
		if err != nil {
			return Slot{}, err
		}
		r.retired = append(r.retired, s.region)
		s.region = fresh
	}
	end, values := int64(0), int64(-1)
	for i := range all {
		if r.bare(&all[i]) {
			values = end + all[i].headSize()
		}
		all[i].write(s.mem[end : end+all[i].size()])
		end += all[i].size()
	}
	return r.sent(s, values, end), nil
}

// isSource tells whether messages are still to be read from the slot.
func (s *slot) isSource(all []message) bool {
	for _, m := range all {
		if slices.ContainsFunc(m.pieces, s.Holds) {
			return true
		}
	}
	return false
}

// bare tells whether a message's body is the values of the only column, and at most padding.
func (r *Ring) bare(m *message) bool {
	return r.values && len(m.pieces) > 0 && len(m.pieces) <= 2
}

// sent ends the stream in a slot and gives it to the client. The column's values lie at a place in the slot, -1: not by themselves.
func (r *Ring) sent(s *slot, values, end int64) Slot {
	end += int64(copy(s.mem[end:], endOfStream))
	r.mu.Lock()
	r.out[s.number] = true
	r.mu.Unlock()
	out := Slot{Slot: s.number, Offset: s.at, Bytes: end}
	if values >= 0 {
		out.Data = s.at + values
	}
	return out
}

// Free takes slots back from the client; it may be called from any goroutine. One that is not out is fault.Invalid. last
// is true for the last one of a ring that is at its end.
func (r *Ring) Free(numbers []int) (last bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range numbers {
		if !r.out[n] {
			return false, fault.New(fault.Invalid, "stage: slot %d is not out: hand each block back once", n)
		}
		delete(r.out, n)
		r.free = append(r.free, n)
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return r.over && len(r.out) == 0, nil
}

// Finish says that no more records come. last is true if the client has handed everything back.
func (r *Ring) Finish() (last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = true
	return len(r.out) == 0
}

// Close removes the file; what clients have mapped of it stays valid.
func (r *Ring) Close() error {
	errs := []error{r.retire()}
	for _, s := range r.slots {
		errs = append(errs, s.unmap())
	}
	return errors.Join(append(errs, r.store.retire(r.space))...)
}

// plainValues tells whether the only column has one buffer of values without offsets.
func plainValues(s *arrow.Schema) bool {
	if s.NumFields() != 1 {
		return false
	}
	t := s.Field(0).Type
	for {
		list, ok := t.(*arrow.FixedSizeListType)
		if !ok {
			break
		}
		t = list.Elem()
	}
	_, fixed := t.(arrow.FixedWidthDataType)
	return fixed && t.ID() != arrow.BOOL && !hasDictionary(t)
}
