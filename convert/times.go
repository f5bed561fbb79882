package convert

import (
	"encoding/binary"
	"math"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/convert/h5type"
)

// time becomes a timestamp, or the number that PyTables reads.
func (c *compiler) time(t *h5type.Type, at position) (*node, error) {
	v, err := timeValue(t, c.opts.Time == "numeric")
	if err != nil {
		return nil, err
	}
	types := map[bool]map[int]arrow.DataType{
		false: {4: &arrow.TimestampType{Unit: arrow.Second}, 8: &arrow.TimestampType{Unit: arrow.Microsecond}},
		true:  {4: arrow.PrimitiveTypes.Int32, 8: arrow.PrimitiveTypes.Float64},
	}
	return c.numbers(types[c.opts.Time == "numeric"][t.Size], v, at), nil
}

// timeValue reads the times that libhdf5 knows: seconds in 32 bits and, as PyTables packs them, seconds and, in the
// lower 32 bits with a sign, microseconds in 64.
func timeValue(t *h5type.Type, numeric bool) (value, error) {
	if t.Size != 4 && t.Size != 8 || t.Precision != 8*t.Size || t.BitOffset != 0 || t.Order == h5type.VAX {
		return value{}, unsupported("time of %d bytes", t.Size)
	}
	if t.Size == 4 && numeric {
		return ordered(4, t.Order), nil
	}
	of := seconds
	switch {
	case t.Size == 8 && numeric:
		of = packedFloat
	case t.Size == 8:
		of = packedMicros
	}
	size, big := t.Size, t.Order == h5type.BigEndian
	k := func(dst, src []byte, n int) {
		for i := range n {
			binary.LittleEndian.PutUint64(dst[8*i:], of(loadBytes(src[i*size:(i+1)*size], big)))
		}
	}
	return value{size: size, out: 8, kind: converted, convert: k}, nil
}

func seconds(v uint64) uint64 { return uint64(int64(int32(v))) }

func packedMicros(v uint64) uint64 { return uint64(int64(v)>>32*1_000_000 + int64(int32(v))) }

// packedFloat rounds twice, as PyTables does: the conversion keeps compilers from fusing the operations.
func packedFloat(v uint64) uint64 {
	micros := float64(1e-6 * float64(int32(v)))
	return math.Float64bits(micros + float64(int64(v)>>32))
}

var timeUnits = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}

// numpyTime understands the tags under which h5py stores datetime64 and timedelta64: NUMPY:, a byte order or none,
// M8 or m8, a unit in brackets. ok is false for what Arrow has no type for.
func numpyTime(t *h5type.Type) (kind byte, unit arrow.TimeUnit, big, ok bool) {
	rest, tagged := strings.CutPrefix(t.Tag, "NUMPY:")
	if !tagged || t.Size != 8 {
		return 0, 0, false, false
	}
	big = strings.HasPrefix(rest, ">")
	if rest != "" && strings.IndexByte("<>=|", rest[0]) >= 0 {
		rest = rest[1:]
	}
	if len(rest) < 4 || rest[0] != 'M' && rest[0] != 'm' || rest[1:3] != "8[" || !strings.HasSuffix(rest, "]") {
		return 0, 0, false, false
	}
	unit, ok = timeUnits[rest[3:len(rest)-1]]
	return rest[0], unit, big, ok
}

// opaque is bytes, or a time of NumPy's.
func (c *compiler) opaque(t *h5type.Type, at position) (*node, error) {
	kind, unit, big, ok := numpyTime(t)
	if !ok {
		return c.numbers(&arrow.FixedSizeBinaryType{ByteWidth: t.Size}, plainBytes(t.Size), at), nil
	}
	order := h5type.LittleEndian
	if big {
		order = h5type.BigEndian
	}
	var typ arrow.DataType = &arrow.TimestampType{Unit: unit}
	if kind == 'm' {
		typ = &arrow.DurationType{Unit: unit}
	}
	return c.nullTimes(typ, ordered(8, order), at), nil
}

// nullTimes are 64-bit times of which the smallest is NumPy's NaT: null.
func (c *compiler) nullTimes(typ arrow.DataType, v value, at position) *node {
	buf := c.plan.column(at, v)
	c.plan.spend(at, 1)
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		values := s.take(buf)
		defer values.Release()
		valid, nulls := validity(f.mem, n, values.Bytes(), func(i int) bool {
			return binary.LittleEndian.Uint64(values.Bytes()[8*i:]) != 1<<63
		})
		if valid != nil {
			defer valid.Release()
		}
		return array.NewData(typ, n, []*buffer{valid, values}, nil, nulls, 0), nil
	}}
}
