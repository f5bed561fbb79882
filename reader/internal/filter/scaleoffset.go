package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

var scaleoffsetEntry = entry{
	info: Info{ID: 6, Name: "scaleoffset", Code: "own Go",
		Params: "scale type (0 decimal, 2 integer), scale factor or bits, elements, class (0 integer, 1 float), size, sign, order, fill value defined, fill value"},
	open: openScaleoffset,
}

// scaleoffset is H5Z_FILTER_SCALEOFFSET (src/H5Zscaleoffset.c): the bits per value in four bytes, the length of the
// minimum in one, the minimum in 16 (little-endian), then what each value has above the minimum, in so many bits, the
// highest first. All ones stand for the fill value, if there is one.
type scaleoffset struct {
	idle      bool // full width was asked for: stored as it is
	elems     int
	size      int
	float     bool
	bigEndian bool
	decimals  int // floats are multiplied by 10 to this power
	filled    bool
	fill      uint64
}

func openScaleoffset(params []uint32, _ int) (decoder, error) {
	const decimal, exponent, integer = 0, 1, 2
	if len(params) != 20 {
		return nil, fmt.Errorf("%d of 20 values", len(params))
	}
	kind, factor, class, n := params[0], int(int32(params[1])), params[3], int(params[4])
	z := scaleoffset{elems: int(params[2]), size: n, float: class == 1, bigEndian: params[6] == 1, decimals: factor,
		filled: params[7] == 1, fill: uint64(params[8]) | uint64(params[9])<<32}
	switch {
	case kind == exponent:
		return nil, fault.New(fault.Unsupported, "e-scaling, which libhdf5 never decoded either")
	case class > 1 || z.float && kind != decimal || !z.float && kind != integer:
		return nil, fmt.Errorf("scale type %d for class %d", kind, class)
	case !slices.Contains([]int{1, 2, 4, 8}, n) || z.float && n < 4:
		return nil, fmt.Errorf("values of %d bytes", n)
	case !z.float && factor > 8*n:
		return nil, fmt.Errorf("%d bits for values of %d bytes", factor, n)
	}
	z.idle = !z.float && factor == 8*n
	return z, nil
}

func (z scaleoffset) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	const header = 21
	if z.idle {
		return src, nil
	}
	if err := want.check(z.elems * z.size); err != nil {
		return nil, err
	}
	if len(src) < header {
		return nil, errStream
	}
	bits, data := binary.LittleEndian.Uint32(src), src[header:]
	if bits > uint32(8*z.size) {
		return nil, fmt.Errorf("%d bits for values of %d bytes", bits, z.size)
	}
	if (z.elems*int(bits)+7)/8 > len(data) {
		return nil, errors.Join(errStream, fmt.Errorf("%d values of %d bits in %d bytes", z.elems, bits, len(data)))
	}
	dst := s.out(z.elems * z.size)
	if int(bits) == 8*z.size {
		copy(dst, data)
	} else {
		z.unpack(dst, data, int(bits), z.minimum(src))
	}
	if z.bigEndian {
		swapBytes(dst, z.size)
	}
	return dst, nil
}

func (scaleoffset) minimum(src []byte) uint64 {
	v := binary.LittleEndian.Uint64(src[5:])
	if n := src[4]; n < 8 {
		v &= 1<<(8*n) - 1
	}
	return v
}

// unpack writes the values little-endian, so many at a time that they stay in registers' reach.
func (z scaleoffset) unpack(dst, data []byte, bits int, minimum uint64) {
	var buf [256]uint64
	r := bitReader{src: data}
	for left := z.elems; left > 0; left -= len(buf) {
		v := buf[:min(left, len(buf))]
		r.fill(v, bits)
		z.value(v, uint64(1)<<bits-1, minimum)
		putUints(dst, v, z.size)
		dst = dst[len(v)*z.size:]
	}
}

// value turns stored values into what they stand for; missing is the stored value of the fill value.
func (z scaleoffset) value(v []uint64, missing, minimum uint64) {
	fill := z.fill
	if !z.filled {
		missing = math.MaxUint64 // more than any stored value has bits
	}
	switch {
	case !z.float:
		for i, x := range v {
			if x += minimum; v[i] == missing {
				x = fill
			}
			v[i] = x
		}
	case z.size == 4:
		p, base := float32(math.Pow10(z.decimals)), math.Float32frombits(uint32(minimum))
		for i, x := range v {
			q := float32(int32(x)) / p
			if v[i] = uint64(math.Float32bits(q + base)); x == missing {
				v[i] = fill
			}
		}
	default:
		p, base := math.Pow10(z.decimals), math.Float64frombits(minimum)
		for i, x := range v {
			q := float64(int64(x)) / p
			if v[i] = math.Float64bits(q + base); x == missing {
				v[i] = fill
			}
		}
	}
}

// putUints writes the low size bytes of each value, little-endian.
func putUints(dst []byte, v []uint64, size int) {
	dst = dst[:len(v)*size]
	switch size {
	case 1:
		for i, x := range v {
			dst[i] = byte(x)
		}
	case 2:
		for i, x := range v {
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(x))
		}
	case 4:
		for i, x := range v {
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(x))
		}
	default:
		for i, x := range v {
			binary.LittleEndian.PutUint64(dst[8*i:], x)
		}
	}
}

// swapBytes reverses the bytes of each value.
func swapBytes(b []byte, size int) {
	for ; len(b) >= size; b = b[size:] {
		slices.Reverse(b[:size])
	}
}
