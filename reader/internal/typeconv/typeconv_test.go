package typeconv

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// conversion is a line of testdata/conversions.txt.gz; see make.py.
type conversion struct {
	from, to *h5type.Type
	src, dst []byte // dst nil: libhdf5 has none
}

func conversions(t testing.TB) (out []conversion) {
	for _, fields := range lines(t) {
		c := conversion{from: parse(t, fields[0]), to: parse(t, fields[1]), src: unhex(t, fields[2])}
		if fields[3] != "-" {
			c.dst = unhex(t, fields[3])
		}
		out = append(out, c)
	}
	return out
}

func lines(t testing.TB) (out [][]string) {
	f, err := os.Open("testdata/conversions.txt.gz")
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	scan := bufio.NewScanner(z)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		fields := strings.Split(scan.Text(), "\t")
		require.Len(t, fields, 4)
		out = append(out, fields)
	}
	require.NoError(t, scan.Err())
	return out
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(s)
	require.NoError(t, err)
	return b
}

func parse(t testing.TB, message string) *h5type.Type {
	out, err := h5type.Parse(unhex(t, message))
	require.NoError(t, err)
	return out
}

// notHere are the conversions of libhdf5 that are refused; its complex numbers of halves lose their imaginary part.
var notHere = regexp.MustCompile(`^(objref -> regref|regref -> objref|complex<f16le> -> .*)$`)

func TestSameAsLibhdf5(t *testing.T) {
	counted := map[string]int{}
	for _, c := range conversions(t) {
		what := c.from.String() + " -> " + c.to.String()
		f, err := New(c.from, c.to)
		switch {
		case err != nil && c.dst == nil:
			require.ErrorIs(t, err, fault.Unsupported)
			counted["neither"]++
			continue
		case err != nil:
			require.ErrorIs(t, err, fault.Unsupported)
			counted["refused here"]++
			if !notHere.MatchString(what) {
				t.Errorf("%s: %v", what, err)
			}
			continue
		case c.dst == nil:
			t.Errorf("%s: libhdf5 has no such conversion", what)
			continue
		}
		counted["same"]++
		a, b := c.from.Size, c.to.Size
		bad := 0
		for i := range len(c.src) / a {
			got := bytes.Repeat([]byte{0xaa}, b)
			f(got, c.src[i*a:][:a])
			if want := c.dst[i*b:][:b]; !bytes.Equal(got, want) && bad < 3 {
				bad++
				t.Errorf("%s: %x is %x, libhdf5 has %x", what, c.src[i*a:][:a], got, want)
			}
		}
	}
	require.Greater(t, counted["same"], 1500)
	t.Log(counted)
}

// Types of more than eight bytes or a byte order of their own are refused, not guessed at.
func TestRefused(t *testing.T) {
	f64 := &h5type.Type{Class: h5type.Float, Size: 8, Precision: 64, SignBit: 63, ExpPos: 52, ExpSize: 11, MantSize: 52, ExpBias: 1023, MantNorm: 2}
	i32 := &h5type.Type{Class: h5type.Integer, Size: 4, Precision: 32, Signed: true}
	i128 := &h5type.Type{Class: h5type.Integer, Size: 16, Precision: 128}
	long := &h5type.Type{Class: h5type.Float, Size: 16, Precision: 80, SignBit: 79, ExpPos: 64, ExpSize: 15, MantSize: 64, ExpBias: 16383}
	vax := *f64
	vax.Order = h5type.VAX
	list := func(base *h5type.Type) *h5type.Type { return &h5type.Type{Class: h5type.VarLen, Size: 16, Base: base} }
	for _, pair := range [][2]*h5type.Type{{i128, i32}, {i32, i128}, {long, f64}, {f64, long}, {&vax, f64}, {i32, &vax}, {list(i32), list(f64)}, {f64, list(f64)}} {
		_, err := New(pair[0], pair[1])
		require.ErrorIs(t, err, fault.Unsupported)
	}
	text := &h5type.Type{Class: h5type.VarLen, Size: 16, VarString: true, Base: i32}
	utf8 := *text
	utf8.UTF8 = true
	f, err := New(text, &utf8)
	require.NoError(t, err)
	dst := make([]byte, 16)
	f(dst, []byte("0123456789abcdef"))
	require.Equal(t, "0123456789abcdef", string(dst))
}

// FuzzNew proves that any two types convert any bytes, or are refused, without a panic or a byte written behind the element.
func FuzzNew(f *testing.F) {
	for i, line := range lines(f) {
		if i%20 == 0 {
			f.Add(unhex(f, line[0]), unhex(f, line[1]), unhex(f, line[2]))
		}
	}
	f.Fuzz(func(t *testing.T, a, b, data []byte) {
		from, err := h5type.Parse(a)
		if err != nil {
			return
		}
		to, err := h5type.Parse(b)
		if err != nil || from.Size > 1<<16 || to.Size > 1<<16 {
			return
		}
		convert, err := New(from, to)
		if err != nil {
			require.ErrorIs(t, err, fault.Unsupported)
			return
		}
		src, dst := make([]byte, from.Size), bytes.Repeat([]byte{0xaa}, to.Size+8)
		copy(src, data)
		convert(dst[:to.Size], src)
		require.Equal(t, bytes.Repeat([]byte{0xaa}, 8), dst[to.Size:])
	})
}
