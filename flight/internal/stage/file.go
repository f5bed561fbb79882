package stage

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
)

const magic = "ARROW1\x00\x00"

// File is an Arrow IPC file in the making (Columnar.rst, "IPC File Format"): records are written in their order, then
// Finish, then a client may map it until Close.
type File struct {
	*space
	schema  *arrow.Schema
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
	return &File{space: sp, schema: schema}, nil
}

// Path is the file's; Size its bytes, once finished; Rows those of its records.
func (f *File) Path() string { return f.path }

// Size see Path.
func (f *File) Size() int64 { return f.length }

// Rows see Path.
func (f *File) Rows() int64 { return f.rows }

// Write adds a record, copying it: writing pages that are new costs less than mapping them.
func (f *File) Write(ctx context.Context, rec arrow.Record) error {
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
			err = f.append(ctx, m)
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
	at, _, err := f.claim(ctx, int64(len(b)), true)
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

// append writes a message in one piece at the end.
func (f *File) append(ctx context.Context, m *message) error {
	at, _, err := f.claim(ctx, m.size(), true)
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

// Finish writes the footer.
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

// Close removes the file; what clients have mapped of it stays valid.
func (f *File) Close() error {
	return f.close()
}
