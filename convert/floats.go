package convert

import (
	"encoding/binary"
	"math"
	"math/bits"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert/h5type"
)

// binaryFloat is one of IEEE 754's formats, as the destination of a conversion.
type binaryFloat struct{ size, exp, mant int }

var (
	half   = binaryFloat{2, 5, 10}
	single = binaryFloat{4, 8, 23}
	double = binaryFloat{8, 11, 52}

	binary16 = &h5type.Type{Class: h5type.Float, Size: 2, Precision: 16, SignBit: 15, ExpPos: 10, ExpSize: 5, ExpBias: 15,
		MantSize: 10, MantNorm: 2}

	floatTypes = map[int]arrow.DataType{2: arrow.FixedWidthTypes.Float16, 4: arrow.PrimitiveTypes.Float32, 8: arrow.PrimitiveTypes.Float64}
)

// narrowest is the format that a float becomes: float16 only if it is laid out as one, float32 if that has its range
// and digits, else float64.
func narrowest(t *h5type.Type) binaryFloat {
	switch {
	case t.Size == 2 && t.ExpSize == 5 && t.MantSize == 10 && t.Precision == 16:
		return half
	case t.ExpSize <= 8 && t.MantSize <= 23:
		return single
	}
	return double
}

// isLossy reports whether float64 cannot hold what the float holds.
func isLossy(t *h5type.Type) bool { return t.ExpSize > 11 || t.MantSize > 52 }

// float is how a float becomes one of Arrow's.
func float(t *h5type.Type) (value, error) {
	to := narrowest(t)
	switch {
	case t.IsIEEE():
		return ordered(t.Size, t.Order), nil
	case max(t.SignBit+1, t.ExpPos+t.ExpSize, t.MantPos+t.MantSize) > 512: // no message can say so
		return value{}, unsupported("float with fields beyond bit 512")
	case t.ExpSize > 63:
		return value{}, unsupported("float with an exponent of %d bits", t.ExpSize)
	case t.MantNorm == 1:
		return value{}, unsupported("float whose mantissa's first bit is always set")
	}
	f := newSoftFloat(t, to)
	k := func(dst, src []byte, n int) {
		for i := range n {
			storeInt(dst[i*to.size:], to.size, f.convert(src[i*t.Size:(i+1)*t.Size]))
		}
	}
	if t.Size <= 2 {
		k = tabled(t.Size, to.size, k)
	}
	return value{size: t.Size, out: to.size, kind: converted, convert: k}, nil
}

// floatOf16 is float, and for what would be float16, float32.
func floatOf16(t *h5type.Type) (value, error) {
	v, err := float(t)
	if err != nil || v.out != 2 {
		return v, err
	}
	narrow, wide := newSoftFloat(t, half), newSoftFloat(binary16, single)
	k := func(dst, src []byte, n int) {
		for i := range n {
			var b [2]byte
			binary.LittleEndian.PutUint16(b[:], uint16(narrow.convert(src[2*i:2*i+2])))
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(wide.convert(b[:])))
		}
	}
	return value{size: 2, out: 4, kind: converted, convert: k}, nil
}

// softFloat converts any float bit by bit, with the results of libhdf5's own conversion (H5T__conv_f_f): halves are
// rounded away from zero, and what is rounded where a denormal number is involved does not carry into the exponent.
// x87 numbers in 16 bytes, which libhdf5 converts with the processor on x86, are rounded to even.
type softFloat struct {
	t      *h5type.Type
	to     binaryFloat
	native bool // x87 in 16 bytes
}

func newSoftFloat(t *h5type.Type, to binaryFloat) *softFloat {
	native := t.Size == 16 && t.Order == h5type.LittleEndian && t.BitOffset == 0 && t.Precision == 80 &&
		t.SignBit == 79 && t.ExpPos == 64 && t.ExpSize == 15 && t.MantPos == 0 && t.MantSize == 64 &&
		t.MantNorm == 0 && t.ExpBias == 16383
	return &softFloat{t, to, native}
}

// convert gives the bits of the destination format.
func (f *softFloat) convert(src []byte) uint64 {
	b := loadWords(src, f.t.Order)
	t := f.t
	sign := bitsAt(&b, t.SignBit, 1) << (f.to.exp + f.to.mant)
	exp := bitsAt(&b, t.ExpPos, t.ExpSize)
	ones := exp == 1<<t.ExpSize-1
	top := msb(&b, t.MantPos, t.MantSize)
	infinity := uint64(1)<<f.to.exp - 1
	switch {
	case top < 0 && exp == 0:
		return sign
	case f.native && (ones || top != 63) && exp != 0:
		return f.special(sign, bitsAt(&b, 0, 64))
	case ones && (top < 0 || f.integerBitOnly(&b)):
		return sign | infinity<<f.to.mant
	case ones:
		return sign | f.nan()
	case f.native:
		return sign | f.nearest(int64(exp)-16383-63, bitsAt(&b, 0, 64))
	}
	return sign | f.regular(&b, int64(exp), top)
}

// special is what an x87 makes of its own infinities and NaNs, and of what is no number to it since the 80387: the
// first bit of its mantissa is set in all others.
func (f *softFloat) special(sign, mant uint64) uint64 {
	const quiet = 0x7ff8 << 48
	switch {
	case mant == 1<<63:
		return sign | math.Float64bits(math.Inf(1))
	case mant>>63 == 1:
		return sign | quiet | mant<<1>>12
	}
	return 1<<63 | quiet
}

func (f *softFloat) nan() uint64 { return 1<<(f.to.exp+f.to.mant) - 1 }

// integerBitOnly: without an implied bit, an infinity has the mantissa's first bit set, and no other.
func (f *softFloat) integerBitOnly(b *words512) bool {
	return f.t.MantNorm == 0 && msb(b, f.t.MantPos, f.t.MantSize-1) < 0
}

// regular converts a finite number; top is the highest bit set in the mantissa.
func (f *softFloat) regular(b *words512, exp int64, top int) uint64 {
	t := f.t
	bias, n := int64(t.ExpBias), t.MantSize
	denormal := exp == 0
	if denormal || t.MantNorm == 0 {
		n = max(top, 0)
		exp -= bias - 1 + int64(t.MantSize-top)
	} else {
		exp -= bias
	}
	kept := min(n, 60) // more than any destination and its rounding bit
	mant := bitsAt(b, t.MantPos+n-kept, kept)
	if top == 0 && n == 0 { // one bit alone is its own leading one
		kept, mant = 1, 0
	}
	return f.pack(exp+int64(1)<<(f.to.exp-1)-1, mant, kept, denormal)
}

// pack rounds a mantissa of n bits, its leading one apart, to the destination with a biased exponent.
func (f *softFloat) pack(exp int64, mant uint64, n int, denormal bool) uint64 {
	size, largest := f.to.mant, int64(1)<<f.to.exp-1
	shift := 0
	switch {
	case exp < -int64(size):
		return 0
	case exp >= largest:
		return uint64(largest) << size
	case exp <= 0:
		shift, exp, denormal = int(1-exp), 0, true
	}
	lead := uint64(1)
	if cut := shift + n - size; n > 0 && shift <= size && cut > 0 && mant>>(cut-1)&1 == 1 {
		full := mant>>cut == 1<<(n-cut)-1
		if denormal || !full || exp < largest-1 {
			mant += 1 << (cut - 1)
		}
		if mant>>n != 0 && !denormal {
			lead, exp = 2, exp+1
		}
		mant &= 1<<n - 1
	}
	if exp >= largest {
		return uint64(largest) << size
	}
	return uint64(exp)<<size | mantissa(mant, lead, n, shift, size)
}

// mantissa places n bits and, if they are shifted, the leading ones before them in a field of size bits.
func mantissa(mant, lead uint64, n, shift, size int) uint64 {
	room := size - shift
	switch {
	case room < -1:
		return 0
	case room == -1:
		return 1
	case n >= room:
		mant >>= n - room
	default:
		mant <<= room - n
	}
	if shift > 0 {
		mant = mant&(1<<room-1) | lead<<room
	}
	return mant & (1<<size - 1)
}

// nearest is mant * 2**exp as a float64's bits without sign, rounded to even; beyond its largest number, infinity.
func (f *softFloat) nearest(exp int64, mant uint64) uint64 {
	lead := bits.Len64(mant)
	if lead == 0 {
		return 0
	}
	over := exp+int64(lead) > 1024 || exp+int64(lead) == 1024 && mant<<(64-lead) > 0xfffffffffffff800
	switch {
	case over:
		return math.Float64bits(math.Inf(1))
	case exp+int64(lead) < -1100:
		return 0
	}
	drop := max(lead-53, int(-1074-exp), 0) // bits that the result has no place for
	if drop > 64 {
		return 0
	}
	low := mant & (1<<drop - 1)
	tie := uint64(1) << drop >> 1
	q := mant >> drop // a shift by 64 gives 0
	if drop == 64 {
		tie = 1 << 63
	}
	if drop > 0 && (low > tie || low == tie && q&1 == 1) {
		q++
	}
	return math.Float64bits(math.Ldexp(float64(q), int(exp)+drop))
}

// words512 is the lowest 512 bits of a float, more than its fields can reach (positions and sizes are bytes in the
// file), and a word for what is read beyond.
type words512 [9]uint64

// loadWords puts a float's bytes in little-endian order. VAX has pairs of bytes in reverse order.
func loadWords(src []byte, o h5type.Order) words512 {
	var w words512
	if len(src) <= 8 && o != h5type.VAX {
		w[0] = loadBytes(src, o == h5type.BigEndian)
		return w
	}
	last := len(src) - 1
	for i := range min(len(src), 64) {
		from := i
		switch o {
		case h5type.BigEndian:
			from = last - i
		case h5type.VAX:
			from = last - i ^ 1
		}
		w[i/8] |= uint64(src[from]) << (i % 8 * 8)
	}
	return w
}

// bitsAt reads n <= 64 bits from bit pos on.
func bitsAt(w *words512, pos, n int) uint64 {
	v := w[pos/64] >> (pos % 64)
	v |= w[pos/64+1] << (64 - pos%64) // a shift by 64 gives 0
	return v << (64 - n) >> (64 - n)
}

// msb is the highest bit set among n from pos on, counted from pos; -1 if there is none.
func msb(w *words512, pos, n int) int {
	for n > 0 {
		k := min(n, 64)
		if v := bitsAt(w, pos+n-k, k); v != 0 {
			return n - k + bits.Len64(v) - 1
		}
		n -= k
	}
	return -1
}

// tabled converts all values that one or two bytes can have once, when the first is needed.
func tabled(size, out int, k kernel) kernel {
	all := sync.OnceValue(func() []byte {
		n := 1 << (8 * size)
		from, to := make([]byte, 0, n*size), make([]byte, n*out)
		for i := range n {
			from = append(from, []byte{byte(i), byte(i >> 8)}[:size]...)
		}
		k(to, from, n)
		return to
	})
	return func(dst, src []byte, n int) {
		table, dst, src := all(), dst[:n*out], src[:n*size]
		for i := range n {
			at := int(src[i*size])
			if size == 2 {
				at |= int(src[2*i+1]) << 8
			}
			copy(dst[i*out:(i+1)*out], table[at*out:])
		}
	}
}
