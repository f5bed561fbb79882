package stage

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

const magic = "ARROW1\x00\x00"

// step is how much more memory a file takes at a time.
const step = 16 << 20

// File is an Arrow IPC file in the making (Columnar.rst, "IPC File Format"): records are written in their order, then
// Finish, then a client may map it until Close. It is a reader.Placement.
type File struct {
	*space
	schema   *arrow.Schema
	expected int64  // bytes, -1 unknown
	room     int64  // for a batch's header
	header   []byte // the schema's flatbuffer, nil before the file is begun
	blocks   [2][]fileBlock
	rows     int64
	length   int64
	all      *region // room for as much as may be staged, allocated as it is filled
	finished bool
}

// fileBlock is File.fbs's Block.
type fileBlock struct{ at, head, body int64 }

// NewFile begins a file that will have about so many bytes, -1 if that is unknown; the caller closes it.
func (s *Store) NewFile(schema *arrow.Schema, bytes int64) (*File, error) {
	var err error
	sp := (*space)(nil)
	if bytes >= 0 {
		bytes += bytes/64 + 16*page // what lies around the values
		sp = s.reuse("f", bytes)
	}
	if sp == nil {
		if sp, err = s.newSpace("f"); err != nil {
			return nil, err
		}
	}
	all, err := sp.mapping(0, s.limit)
	if err != nil {
		return nil, errors.Join(err, sp.close())
	}
	return &File{space: sp, schema: schema, expected: bytes, room: headRoom(schema), all: all}, nil
}

// Path is the file's; Size its bytes, once finished; Rows those of its records.
func (f *File) Path() string { return f.path }

// Size see Path.
func (f *File) Size() int64 { return f.length }

// Rows see Path.
func (f *File) Rows() int64 { return f.rows }

// Most is part of reader.Placement.
func (f *File) Most() int { return 256 }

// Place is part of reader.Placement: the next bytes of the file.
func (f *File) Place(ctx context.Context, bytes []int64, wait bool) ([]reader.Memory, error) {
	if err := f.begin(ctx); err != nil {
		return nil, err
	}
	total := int64(0)
	for _, n := range bytes {
		total += f.placed(n)
	}
	if ok, err := f.extend(ctx, total, wait); !ok {
		return nil, err
	}
	out := make([]reader.Memory, len(bytes))
	for i, n := range bytes {
		r := f.all.cut(f.placed(n))
		r.used = f.room
		out[i] = r
	}
	return out, nil
}

// placed is what a batch of n bytes takes with its header.
func (f *File) placed(n int64) int64 { return f.room + round(n, align) + align }

// extend makes room for n bytes; false if the memory is not free just now and wait is not set.
func (f *File) extend(ctx context.Context, n int64, wait bool) (bool, error) {
	need := round(round(f.all.used, align)+n, page)
	if need <= f.all.ready {
		return true, nil
	}
	if need > int64(len(f.all.mem)) {
		return false, f.store.Fits(need)
	}
	if ok, _ := f.grow(ctx, f.all, f.ahead(need), false); ok {
		return true, nil
	}
	return f.grow(ctx, f.all, need, wait)
}

// ahead is how far the file had better be allocated if so much of it is needed: in large steps, without much that will
// not be used.
func (f *File) ahead(need int64) int64 {
	more := min(f.all.ready, step)
	if f.expected >= 0 {
		more = min(f.expected-f.all.ready, step)
	}
	return min(pages(max(need, f.all.ready+more)), int64(len(f.all.mem)))
}

// Write adds a record, which lies where it was placed (nil: it is copied).
func (f *File) Write(ctx context.Context, rec arrow.Record, at reader.Memory) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	all, err := encode(f.schema, rec)
	if err != nil {
		return err
	}
	for i := range all[1:] {
		m := &all[1+i]
		if m.kind == ipcBatch {
			err = f.batch(ctx, m, at)
		} else if len(f.blocks[0]) < len(all)-2 { // the same for all batches
			err = f.append(ctx, m)
		}
		if err != nil {
			return err
		}
	}
	f.rows += rec.NumRows()
	return nil
}

// batch writes a record's message around its buffers, which are copied if they were not placed.
func (f *File) batch(ctx context.Context, m *message, at reader.Memory) error {
	r, ok := at.(*region)
	if !ok {
		var err error
		if r, err = f.claim(ctx, f.placed(m.alignedSize())); err != nil {
			return err
		}
		r.used = f.room
	}
	end, ok := m.place(r, 0, f.room)
	if !ok {
		return f.append(ctx, m)
	}
	f.blocks[1] = append(f.blocks[1], fileBlock{r.at, f.room, end - f.room})
	return nil
}

// begin writes the magic and the schema, once, at the file's start.
func (f *File) begin(ctx context.Context) error {
	if f.header != nil {
		return nil
	}
	all, err := encode(f.schema, nil)
	if err != nil {
		return err
	}
	f.header = all[0].header
	r, err := f.claim(ctx, int64(len(magic))+all[0].size())
	if err == nil {
		all[0].write(r.mem[copy(r.mem, magic):])
	}
	return err
}

// claim gives the next n bytes.
func (f *File) claim(ctx context.Context, n int64) (*region, error) {
	if _, err := f.extend(ctx, n, true); err != nil {
		return nil, err
	}
	return f.all.cut(round(n, align)), nil
}

// append writes a message in one piece at the end.
func (f *File) append(ctx context.Context, m *message) error {
	r, err := f.claim(ctx, m.size())
	if err != nil {
		return err
	}
	m.write(r.mem)
	k := 1
	if m.kind == ipcDictionary {
		k = 0
	}
	f.blocks[k] = append(f.blocks[k], fileBlock{r.at, m.headSize(), m.bodySize()})
	return nil
}

// Finish writes the footer. The run that was placed here must have been released.
func (f *File) Finish(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	footer := footerOf(f.header, f.blocks[0], f.blocks[1])
	for (len(footer)+10)%8 != 0 { // so that it begins at a multiple of 8
		footer = append(footer, 0)
	}
	end := binary.LittleEndian.AppendUint32(footer, uint32(len(footer)))
	if err := f.cutOff(ctx, append(end, magic[:6]...)); err != nil {
		return err
	}
	f.finished = true
	return f.all.unmap()
}

// cutOff ends the file where pages end, and that with the footer.
func (f *File) cutOff(ctx context.Context, footer []byte) error {
	n := int64(len(footer))
	if _, err := f.extend(ctx, n, true); err != nil {
		return err
	}
	f.length = min(pages(f.all.used+n), f.all.ready)
	copy(f.all.mem[f.length-n:], footer)
	if err := f.file.Truncate(f.length); err != nil {
		return fault.New(fault.Exhausted, "stage: end the file: %s", reason(err))
	}
	f.giveBack(f.end - f.length)
	f.end = f.length
	return nil
}

// Close removes the file; what clients have mapped of it stays valid.
func (f *File) Close() error {
	err := f.all.unmap()
	if f.finished {
		return errors.Join(err, f.store.retire(f.space))
	}
	return errors.Join(err, f.close())
}
