package convert

import (
	"encoding/binary"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// stringType is what strings become.
func (c *compiler) stringType() arrow.DataType {
	if c.opts.Strings == "binary" {
		return arrow.BinaryTypes.Binary
	}
	return arrow.BinaryTypes.String
}

// checkText refuses what Arrow's utf8 cannot hold.
func checkText(typ arrow.DataType, v []byte) error {
	if typ.ID() == arrow.STRING && !utf8.Valid(v) {
		return errNotText(v)
	}
	return nil
}

func errNotText(v []byte) error {
	return fault.New(fault.Precondition, "not UTF-8: %q: ask with options.strings \"binary\"", v[:min(len(v), 20)])
}

// ascii reports whether all bytes are below 128, 32 at a time.
func ascii(b []byte) bool {
	const high = 0x8080808080808080
	le := binary.LittleEndian
	for ; len(b) >= 32; b = b[32:] {
		if (le.Uint64(b)|le.Uint64(b[8:])|le.Uint64(b[16:])|le.Uint64(b[24:]))&high != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fixedString keeps strings with their padding until the batch is finished, then moves them together where they are.
func (c *compiler) fixedString(t *h5type.Type, at position) (*node, error) {
	typ, size, pad := c.stringType(), t.Size, t.Pad
	if c.numpyText && pad == h5type.NullTerm {
		pad = h5type.NullPad
	}
	buf := c.plan.column(at, plainBytes(size))
	c.plan.spend(at, 4)
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		out := &text{data: s.take(buf), offsets: newBuffer(f.mem, 4*(n+1))}
		defer out.release()
		all, end := out.data.Bytes(), 0
		check := typ.ID() == arrow.STRING && !ascii(all)
		for i := range n {
			v := all[i*size : (i+1)*size]
			v = v[:stripped(v, pad)]
			if check && !utf8.Valid(v) {
				return nil, failed(i, errNotText(v))
			}
			if end+len(v) > math.MaxInt32 {
				return nil, failed(i, errListTooLong())
			}
			moveDown(all, end, i*size, size, len(v))
			end += len(v)
			out.end(i, end)
		}
		out.data.ResizeNoShrink(end)
		return out.finish(typ, n), nil
	}}, nil
}

// text is binary data in the making.
type text struct{ data, offsets, valid *buffer }

func newText(f *finisher, n int) *text {
	return &text{data: newBuffer(f.mem, 0), offsets: newBuffer(f.mem, 4*(n+1))}
}

// end says where value i ends.
func (t *text) end(i, end int) {
	binary.LittleEndian.PutUint32(t.offsets.Bytes()[4*i+4:], uint32(end))
}

// add appends value i, which takes its bytes from what the batch may expand to.
func (t *text) add(f *finisher, i int, v []byte) error {
	if err := f.spend(int64(len(v))); err != nil {
		return err
	}
	end := t.data.Len()
	if end+len(v) > math.MaxInt32 {
		return errListTooLong()
	}
	extend(t.data, end+len(v))
	copy(t.data.Bytes()[end:], v)
	t.end(i, end+len(v))
	return nil
}

// finish gives the first n values; valid, if there is one, is a byte a value.
func (t *text) finish(typ arrow.DataType, n int) arrow.ArrayData {
	binary.LittleEndian.PutUint32(t.offsets.Bytes(), 0)
	nulls := 0
	if t.valid != nil {
		nulls = array.UnknownNullCount
	}
	return array.NewData(typ, n, []*buffer{t.valid, t.offsets, t.data}, nil, nulls, 0)
}

func (t *text) release() {
	for _, b := range []*buffer{t.data, t.offsets, t.valid} {
		if b != nil {
			b.Release()
		}
	}
}
