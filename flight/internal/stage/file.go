package stage

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

const magic = "ARROW1\x00\x00"

// File is an Arrow IPC file in the making (Columnar.rst, "IPC File Format"): records are written in their order, then
// Finish, then a client may map it until Close.
type File struct {
	*space
	schema  *arrow.Schema
	room    int64     // for a batch's header
	open    []*region // not yet written
	written *region   // its record may still be about
	started bool
	header  []byte // the schema's flatbuffer
	blocks  [2][]fileBlock
	rows    int64
	length  int64
}

// fileBlock is File.fbs's Block.
type fileBlock struct{ at, head, body int64 }

// NewFile begins a file; the caller closes it.
func (s *Store) NewFile(schema *arrow.Schema) (*File, error) {
	sp, err := s.newSpace("f")
	if err != nil {
		return nil, err
	}
	return &File{space: sp, schema: schema, room: headRoom(schema)}, nil
}

// Path is the file's; Size its bytes, once finished; Rows those of its records.
func (f *File) Path() string { return f.path }

// Size see Path.
func (f *File) Size() int64 { return f.length }

// Rows see Path.
func (f *File) Rows() int64 { return f.rows }

// Most is part of reader.Placement.
func (f *File) Most() int { return 256 }

// Place is part of reader.Placement: a region for each batch.
func (f *File) Place(ctx context.Context, bytes []int64, wait bool) ([]reader.Memory, error) {
	f.retire()
	sizes := make([]int64, len(bytes))
	for i, n := range bytes {
		sizes[i] = f.room + n
	}
	all, err := f.regions(ctx, sizes, wait)
	f.open = append(f.open, all...)
	if all == nil || err != nil {
		return nil, err
	}
	out := make([]reader.Memory, len(all))
	for i, r := range all {
		r.used = f.room
		out[i] = r
	}
	return out, nil
}

// Write adds a record with the memory that it was placed in, if any. The record may be used until the next call.
func (f *File) Write(ctx context.Context, rec arrow.Record, at reader.Memory) error {
	f.retire()
	all, err := encode(f.schema, rec)
	if err != nil {
		return err
	}
	for i := range all {
		m := &all[i]
		switch m.kind {
		case ipcSchema:
			err = f.start(ctx, m)
		case ipcDictionary:
			if len(f.blocks[0]) < len(all)-2 { // the same for all batches
				err = f.append(ctx, m)
			}
		default:
			err = f.batch(ctx, m, at)
		}
		if err != nil {
			return err
		}
	}
	f.rows += rec.NumRows()
	return nil
}

// start writes the magic and the schema before the first batch.
func (f *File) start(ctx context.Context, m *message) error {
	if f.started {
		return nil
	}
	f.started, f.header = true, m.header
	b := make([]byte, int64(len(magic))+m.size())
	m.write(b[copy(b, magic):])
	return f.put(ctx, b)
}

// put writes bytes to a place of their own.
func (f *File) put(ctx context.Context, b []byte) error {
	at, _, err := f.extend(ctx, int64(len(b)), true)
	if err != nil {
		return err
	}
	return f.writeAt(b, at)
}

func (f *File) writeAt(b []byte, at int64) error {
	if _, err := f.file.WriteAt(b, at); err != nil {
		return fault.New(fault.Exhausted, "stage: write: %s", reason(err))
	}
	f.length = at + int64(len(b))
	return nil
}

// batch writes a record batch where its buffers lie, or all of it elsewhere.
func (f *File) batch(ctx context.Context, m *message, at reader.Memory) error {
	r, ok := at.(*region)
	if !ok {
		return f.append(ctx, m)
	}
	defer f.done(r)
	end, ok := m.place(r, 0, f.room)
	if !ok {
		if err := f.append(ctx, m); err != nil {
			return err
		}
		return f.punch(r.at, r.at+int64(len(r.mem)))
	}
	f.blocks[1] = append(f.blocks[1], fileBlock{r.at, f.room, end - f.room})
	return f.punch(r.at+end, r.at+int64(len(r.mem)))
}

// append writes a message in one piece at the end.
func (f *File) append(ctx context.Context, m *message) error {
	at, _, err := f.extend(ctx, m.size(), true)
	if err != nil {
		return err
	}
	head := make([]byte, m.headSize())
	m.writeHead(head)
	next := at
	for _, b := range slices.Concat([][]byte{head}, m.pieces) {
		if err := f.writeAt(b, next); err != nil {
			return err
		}
		next += int64(len(b))
	}
	k := 1
	if m.kind == ipcDictionary {
		k = 0
	}
	f.blocks[k] = append(f.blocks[k], fileBlock{at, m.headSize(), m.bodySize()})
	return nil
}

func (f *File) done(r *region) {
	f.open = slices.DeleteFunc(f.open, func(o *region) bool { return o == r })
	f.written = r
}

// retire unmaps the region of the record before, which has been released meanwhile.
func (f *File) retire() {
	if f.written != nil {
		_ = f.written.unmap()
		f.written = nil
	}
}

// Finish writes the footer. The run that was placed here must have been released.
func (f *File) Finish(ctx context.Context) error {
	if !f.started {
		all, err := encode(f.schema, nil)
		if err != nil {
			return err
		}
		if err := f.start(ctx, &all[0]); err != nil {
			return err
		}
	}
	if err := f.unmapAll(); err != nil {
		return err
	}
	footer := footerOf(f.header, f.blocks[0], f.blocks[1])
	end := make([]byte, 8, 8+len(footer)+10)
	binary.LittleEndian.PutUint32(end, 0xFFFFFFFF) // end of stream
	end = append(end, footer...)
	end = binary.LittleEndian.AppendUint32(end, uint32(len(footer)))
	if err := f.put(ctx, append(end, magic[:6]...)); err != nil {
		return err
	}
	if err := f.file.Truncate(f.length); err != nil {
		return fault.New(fault.Exhausted, "stage: end the file: %s", reason(err))
	}
	return nil
}

// unmapAll ends what is mapped of regions whose batches were not written, and gives their memory back.
func (f *File) unmapAll() error {
	f.retire()
	var errs []error
	for _, r := range f.open {
		size := int64(len(r.mem))
		errs = append(errs, r.unmap(), f.punch(r.at, r.at+size))
	}
	f.open = nil
	return errors.Join(errs...)
}

// Close removes the file; what clients have mapped of it stays valid.
func (f *File) Close() error {
	return errors.Join(f.unmapAll(), f.close())
}
