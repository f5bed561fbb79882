package h5type

import (
	_ "embed"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// One message that libhdf5 wrote and the expected text per line; see testdata/make.py.
//
//go:embed testdata/types.txt
var typesFile string

type sample struct {
	msg  []byte
	text string
}

func samples(t testing.TB) []sample {
	var out []sample
	for line := range strings.Lines(typesFile) {
		hexed, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		require.True(t, ok, line)
		out = append(out, sample{unhex(t, hexed), text})
	}
	require.Greater(t, len(out), 50)
	return append(out, byHand(t)...)
}

// byHand is what h5py cannot write: old versions and rare classes, put together from the specification.
func byHand(t testing.TB) []sample {
	i16 := "10 080000 02000000 0000 1000 "
	member := func(rank, dims string) string {
		return "16 010000 0c000000  6162636465666768 0000000000000000  00000000 " + rank + " 000000 00000000 00000000 " + dims
	}
	table := [][2]string{
		{member("00", "00000000 ffffffff 00000000 00000000 ") + "10 080000 0c000000 0000 2000", "compound(12){abcdefgh@0:i96le/prec32}"},
		{member("02", "03000000 02000000 00000000 00000000 ") + i16, "compound(12){abcdefgh@0:array[3,2]<i16le>}"},
		{"47 120000 12000000", "stdref(18)"}, {"47 130000 40000000", "stdref(64,region)"}, {"47 140000 12000000", "stdref(18,attribute)"},
		{"14 010000 04000000 0400 0900", "bits32be/prec9/off4"},
		{"12 000000 08000000 3000", "time64le/prec48"},
		{"13 230000 04000000", "str(4,nullpad,ascii)"}, // reserved padding and character set
		{"11 200f00 02000000 0000 1000 0708 0007 7f000000", "f16le/prec16/off0/fields(15,7,8,0,7)/bias127"},
		{"11 600f00 02000000 0000 1000 0a05 000a 0f000000", "f16le"}, // bit 6 means nothing in version 1
		{"31 613f00 08000000 0000 4000 340b0034 ff030000", "f64vax/prec64/off0/fields(63,52,11,0,52)/bias1023"},
		{"18 010000 0a000000 10 080000 0a000000 0000 5000 6100000000000000 0102030405060708090a", "enum<i80le>{a=0x0102030405060708090a}"},
		{"19 000000 0c000000" + i16, "vlen<i16le>"}, // 4-byte addresses
	}
	var out []sample
	for _, row := range table {
		out = append(out, sample{unhex(t, row[0]), row[1]})
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestParse(t *testing.T) {
	for _, s := range samples(t) {
		got, err := Parse(s.msg)
		require.NoError(t, err, s.text)
		require.Equal(t, s.text, got.String())
		require.NoError(t, got.Validate())

		padded, err := Parse(append(slices.Clone(s.msg), 0, 0, 0xff, 1, 2, 3, 4))
		require.NoError(t, err)
		require.True(t, got.Equal(padded), "bytes after %s change it", s.text)
	}
}

func TestParseTruncated(t *testing.T) {
	for _, s := range samples(t) {
		whole, err := Parse(s.msg)
		require.NoError(t, err)
		for n := range s.msg {
			got, err := Parse(s.msg[:n:n])
			if err == nil { // only padding may be missing
				require.True(t, whole.Equal(got), "%s cut to %d bytes", s.text, n)
				continue
			}
			require.ErrorIs(t, err, fault.DataLoss, "%s cut to %d bytes", s.text, n)
		}
	}
}

// TestParseKeepsNothing proves that the Type does not look into the message any more.
func TestParseKeepsNothing(t *testing.T) {
	for _, s := range samples(t) {
		msg := slices.Clone(s.msg)
		got, err := Parse(msg)
		require.NoError(t, err)
		for i := range msg {
			msg[i] = 0xaa
		}
		require.Equal(t, s.text, got.String())
	}
}

func TestParseRejects(t *testing.T) {
	const i8 = "10 080000 01000000 0000 0800"
	const f32 = "11 201f00 04000000 0000 2000 1708 0017 7f000000"
	member := func(name, offset, typ string) string { return name + "00" + offset + typ }
	tests := []struct {
		name, msg string
		kind      error
	}{
		{"empty", "", fault.DataLoss},
		{"version 0", "00 080000 01000000 0000 0800", fault.DataLoss},
		{"version 6", "60 080000 01000000 0000 0800", fault.Unsupported},
		{"class 12", "5c 000000 01000000", fault.Unsupported},
		{"size 0", "13 000000 00000000", fault.DataLoss},
		{"size 2 GiB", "13 000000 00000080", fault.Unsupported},
		{"no bits", "10 080000 01000000 0000 0000", fault.DataLoss},
		{"bits outside", "10 080000 01000000 0100 0800", fault.DataLoss},
		{"sign outside", "11 202000 04000000 0000 2000 1708 0017 7f000000", fault.DataLoss},
		{"exponent outside", "11 201f00 04000000 0000 2000 1908 0017 7f000000", fault.DataLoss},
		{"no mantissa", "11 201f00 04000000 0000 2000 1708 0000 7f000000", fault.DataLoss},
		{"normalization 3", "11 301f00 04000000 0000 2000 1708 0017 7f000000", fault.DataLoss},
		{"order bit 6 alone", "31 601f00 04000000 0000 2000 1708 0017 7f000000", fault.DataLoss},
		{"vax of 3 bytes", "31 610f00 03000000 0000 1000 0a05 000a 0f000000", fault.DataLoss},
		{"sign in exponent", "11 201e00 04000000 0000 2000 1708 0017 7f000000", fault.DataLoss},
		{"exponent in mantissa", "11 201f00 04000000 0000 2000 1708 0018 7f000000", fault.DataLoss},
		{"tag of 7 bytes", "15 070000 01000000 61626300000000", fault.DataLoss},
		{"reference 5", "17 150000 08000000", fault.DataLoss},
		{"reference version 2", "17 220000 12000000", fault.Unsupported},
		{"two members of one name", "36 020000 02000000" + member("61", "00", i8) + member("61", "01", i8), fault.DataLoss},
		{"value without a name", "38 010000 01000000" + i8 + "00 01", fault.DataLoss},
		{"no members", "36 000000 01000000", fault.DataLoss},
		{"member outside", "36 010000 02000000" + member("61", "02", i8), fault.DataLoss},
		{"members overlap", "36 020000 02000000" + member("61", "01", i8) + member("62", "01", i8), fault.DataLoss},
		{"endless name", "36 010000 01000000 616161616161", fault.DataLoss},
		{"5 dimensions", "16 010000 01000000 6100000000000000 00000000 05000000 00000000 00000000" + strings.Repeat("01000000", 4) + i8, fault.DataLoss},
		{"enum of floats", "38 000000 04000000" + f32, fault.Unsupported},
		{"enum of other size", "38 000000 02000000" + i8, fault.DataLoss},
		{"vlen of kind 2", "19 020000 10000000" + i8, fault.DataLoss},
		{"array of no dimensions", "3a 000000 01000000 00" + i8, fault.DataLoss},
		{"array of 33 dimensions", "3a 000000 01000000 21" + strings.Repeat("01000000", 33) + i8, fault.DataLoss},
		{"array of none", "3a 000000 01000000 01 00000000" + i8, fault.DataLoss},
		{"array of other size", "3a 000000 03000000 01 02000000" + i8, fault.DataLoss},
		{"array overflow", "3a 000000 00000000 02 ffffff7f ffffff7f" + i8, fault.DataLoss},
		{"reserved complex flag", "5b 090000 08000000" + f32, fault.DataLoss},
		{"polar complex", "5b 030000 08000000" + f32, fault.Unsupported},
		{"unequal complex", "5b 000000 08000000" + f32, fault.Unsupported},
		{"complex of integers", "5b 010000 02000000" + i8, fault.Unsupported},
		{"complex of other size", "5b 010000 07000000" + f32, fault.DataLoss},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(unhex(t, tt.msg))
			require.Error(t, err)
			require.Equal(t, tt.kind, fault.Of(err), err.Error())
		})
	}
}

func TestParseLimits(t *testing.T) {
	i8 := "10 080000 01000000 0000 0800"
	nested := func(n int) []byte { return unhex(t, strings.Repeat("19 000000 10000000", n-1)+i8) }
	_, err := Parse(nested(MaxDepth))
	require.NoError(t, err)
	_, err = Parse(nested(MaxDepth + 1))
	require.ErrorIs(t, err, fault.DataLoss)

	enums := func(n string, size, count int) []byte {
		one := "38" + n + "00 01000000" + i8 + strings.Repeat("6100", size) + strings.Repeat("00", size)
		msg := "36 0" + string(rune('0'+count)) + "0000 08000000"
		for i := range count {
			digit := string(rune('0' + i))
			msg += "6" + digit + "00 0" + digit + one
		}
		return unhex(t, msg)
	}
	_, err = Parse(enums("ff7f", 0x7fff, 2)) // 2 + 65,534
	require.NoError(t, err)
	_, err = Parse(enums("ff7f", 0x7fff, 3))
	require.ErrorIs(t, err, fault.DataLoss)
}
