package frame

import (
	"compress/gzip"
	"io"
	"math"
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func list(items ...any) *List  { return &List{Items: items} }
func tuple(items ...any) *List { return &List{Items: items, Tuple: true} }

func TestUnpickle(t *testing.T) {
	for name, k := range map[string]struct {
		pickle string
		want   any
	}{
		"none":          {"N.", nil},
		"int":           {"I5\n.", int64(5)},
		"long":          {"L-7L\n.", int64(-7)},
		"true":          {"I01\n.", true},
		"float":         {"F1.5\n.", 1.5},
		"text":          {"Va\\u00e9\xe9\\U0001F600\np0\n.", "aéé\U0001F600"},
		"python 2 text": {"S'it\\'s\\n\\xe9'\np1\n.", "it's\n\xe9"},
		"double quotes": {"S\"it's\"\n.", "it's"},
		"labels":        {"(lp0\nVf\np1\naVi\np2\na.", list("f", "i")},
		"index_cols":    {"(lp0\n(I0\nVindex\np1\ntp2\na.", list(tuple(int64(0), "index"))},
		"shared":        {"(lp0\nVf\np1\nag1\na.", list("f", "f")},
		"protocol 2":    {"\x80\x02]q\x00(K\x01M\x00\x01J\xff\xff\xff\xff\x8a\x01\xfe\x8a\x02\xff\x7fe.", list(int64(1), int64(256), int64(-1), int64(-2), int64(32767))},
		"protocol 4":    {"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94\x88N\x87\x94.", tuple("a", true, nil)},
		"bytes":         {"\x80\x03C\x02\x00\xff.", []byte{0, 0xff}},
		"binary float":  {"G?\xf8\x00\x00\x00\x00\x00\x00.", 1.5},
		"call": {"cos\nsystem\np0\n(Vls\np1\ntp2\nRp3\n.",
			&Opaque{Call: &Opaque{Name: "os system"}, Args: tuple("ls")}},
		"state": {"ccopy_reg\n_reconstructor\n(I1\ntR(dp5\nVn\nI1\nsb.",
			&Opaque{Call: &Opaque{Name: "copy_reg _reconstructor"}, Args: tuple(int64(1)), State: &Dict{Keys: []any{"n"}, Values: []any{int64(1)}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Unpickle([]byte(k.pickle))
			require.NoError(t, err)
			require.Equal(t, k.want, got)
		})
	}
}

func TestUnpickleDict(t *testing.T) {
	v, err := Unpickle([]byte("(dp0\nI1\n(dp1\nVnames\np2\n(lp3\nNasVtype\np4\nVIndex\np5\nssVindex\np6\n(dp7\ns."))
	require.NoError(t, err)
	axis := v.(*Dict).Get(int64(1)).(*Dict)
	require.Equal(t, "Index", axis.Get("type"))
	require.Equal(t, list(nil), axis.Get("names"))
	require.Nil(t, axis.Get("absent"))
	require.Nil(t, (*Dict)(nil).Get("absent"))
}

func TestUnpickleRefuses(t *testing.T) {
	for _, bad := range []string{
		"", ".", "I5\n", "(.", "(lp0\n", "g5\n.", "I\n.", "VX", "X\xff\xff\xff\x7fabc.", "\x8d\xff\xff\xff\xff\xff\xff\xff\xffa.",
		"S'\n.", "Sa\n.", "S'\\q'\n.", "V\\u12\n.", "V\\ud800\n.", "I1\nI2\n.", "a.", "t.", "R.", "(I1\nd.", "I1\nI2\na.", "\xf0.",
		"\x8a\x09123456789.", "2.", "0.", "b.", "L99999999999999999999\n.",
	} {
		_, err := Unpickle([]byte(bad))
		require.Error(t, err, "%q", bad)
	}
}

// A list may contain itself; what reads it must not follow it for ever.
func TestUnpickleCycle(t *testing.T) {
	v, err := Unpickle([]byte("(lp0\ng0\na."))
	require.NoError(t, err)
	require.Nil(t, pickledList(v))
}

func TestLabelText(t *testing.T) {
	for want, l := range map[string]Label{
		"a": {"a"}, "5": {int64(5)}, "1.0": {1.0}, "1e+16": {1e16}, "1e-05": {1e-5}, "nan": {math.NaN()}, "-inf": {math.Inf(-1)}, "inf": {math.Inf(1)},
		"True": {true}, "None": {}, "('a', '1')": {[]Label{{"a"}, {int64(1)}}}, "('a',)": {[]Label{{"a"}}},
		`('it\'s\\', '\n\x01é')`: {[]Label{{"it's\\"}, {"\n\x01é"}}},
	} {
		require.Equal(t, want, l.Text())
	}
}

func TestZones(t *testing.T) {
	for pickle, want := range map[string]string{
		"cpytz\n_UTC\n(tR.":                            "UTC",
		"cpytz\n_p\n(S'Europe/Berlin'\nI3180\nI0\ntR.": "Europe/Berlin",
		"cbuiltins\ngetattr\n(czoneinfo\nZoneInfo\nV_unpickle\ntR(VAsia/Tokyo\nI01\ntR.": "Asia/Tokyo",
		"cdatetime\ntimezone\n(cdatetime\ntimedelta\n(I0\nI0\nI0\ntRtR.":                 "UTC",
		"cdatetime\ntimezone\n(cdatetime\ntimedelta\n(I0\nI19800\nI0\ntRtR.":             "+05:30",
		"cdatetime\ntimezone\n(cdatetime\ntimedelta\n(I-1\nI72000\nI0\ntRtR.":            "-04:00",
		"cpytz\nFixedOffset\np0\n(I120\ntp1\nRp2\n.":                                     "+02:00",
		"cpytz\nFixedOffset\np0\n(I-90\ntp1\nRp2\n.":                                     "-01:30",
		"Vdateutil//usr/share/zoneinfo/Europe/Rome\n.":                                   "Europe/Rome",
		"cos\nsystem\n(Vls\ntR.":                                                         "",
		"cdatetime\ntimezone\n(I5\ntR.":                                                  "",
		"cpytz\n_p\n(tR.":                                                                "",
		"cpytz\n_p\n(cpytz\n_p\n(tRtR.":                                                  "",
		"cdatetime\ntimezone\nV\nR.":                                                     "",
		"cpytz\n_p\n(I1\ntR.":                                                            "",
		"cpytz\nFixedOffset\n(I1440\ntR.":                                                "",
		"cpytz\nFixedOffset\n(Va\ntR.":                                                   "",
	} {
		v, err := Unpickle([]byte(pickle))
		if err != nil {
			require.Empty(t, want, pickle)
			continue
		}
		got, ok := zoneName(v)
		require.Equal(t, want, got, pickle)
		require.Equal(t, want != "", ok, pickle)
	}
}

// oldOffset is a pickled offset as pandas before 1.1 had it.
func oldOffset(class, state string) string {
	return "ccopy_reg\n_reconstructor\np1\n(c" + class + "\np2\nc__builtin__\nobject\np3\nNtRp4\n(dp5\nS'normalize'\np6\nI00\ns" + state + "sb."
}

func TestFrequencies(t *testing.T) {
	for pickle, want := range map[string]string{
		"cpandas._libs.tslibs.offsets\nMonthEnd\n(I1\nI00\ntR.":       "M",
		"cpandas._libs.tslibs.offsets\nMinute\n(I15\nI00\ntR.":        "15min",
		"cpandas._libs.tslibs.offsets\nQuarterEnd\n(I1\nI00\nI3\ntR.": "Q-MAR",
		"cpandas._libs.tslibs.offsets\nWeek\n(I1\nI00\nI6\ntR.":       "W-SUN",
		"cpandas._libs.tslibs.offsets\nYearEnd\n(I1\nI00\nI13\ntR.":   "",
		"cpandas._libs.tslibs.offsets\nYearEnd\n(I1\nI00\ntR.":        "",
		"cpandas._libs.tslibs.offsets\nLunarPhase\n(I1\nI00\ntR.":     "",
		"cevil\nMonthEnd\n(I1\nI00\ntR.":                              "",
		"N.":                                                          "",
		oldOffset("pandas.tseries.offsets\nMonthEnd", "S'_offset'\np7\ncdatetime\ntimedelta\np8\n(I1\nI0\nI0\ntRp9\nsS'n'\nI1\n"): "M",
		oldOffset("pandas.tseries.offsets\nQuarterEnd", "S'startingMonth'\np7\nI3\nsS'kwds'\np8\n(dp9\ng7\nI3\nssS'n'\nI2\n"):     "2Q-MAR",
		oldOffset("pandas.tseries.offsets\nYearEnd", "Vn\np6\nL1L\nsVmonth\np12\nL6L\n"):                                          "Y-JUN",
		oldOffset("pandas.tseries.offsets\nWeek", "Vn\np6\nI1\nsVweekday\np12\nI2\n"):                                             "W-WED",
		oldOffset("pandas.tseries.offsets\nWeek", "Vn\np6\nI1\n"):                                                                 "",
		oldOffset("pandas.tseries.offsets\nDay", "Vn\np6\nI-1\n"):                                                                 "",
		oldOffset("evil\nDay", "Vn\np6\nI1\n"):                                                                                    "",
		"ccopy_reg\n_reconstructor\n(I1\ntR(dVn\nI1\nsb.":                                                                         "",
	} {
		v, err := Unpickle([]byte(pickle))
		require.NoError(t, err)
		got, ok := frequency(v)
		require.Equal(t, want, got, pickle)
		require.Equal(t, want != "", ok, pickle)
	}
}

func FuzzUnpickle(f *testing.F) {
	for _, seed := range []string{
		"(lp0\nVf\np1\naVi\np2\na.", "(dp0\nI1\n(dp1\nVnames\np2\n(lp3\nNasVtype\np4\nVIndex\np5\nss.", "(lp0\ng0\na.",
		"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x8c\x01a\x94\x88N\x87\x94.", "cdatetime\ntimezone\n(cdatetime\ntimedelta\n(I0\nI0\nI0\ntRtR.",
		"S'it\\'s'\n.", objects("I2\nI1\n", "Va\naNa"), "cpandas._libs.tslibs.offsets\nMonthEnd\np0\n(I1\nI00\ntp1\nRp2\n.",
		scalar("i8", "<", `S'\x07\x00\x00\x00\x00\x00\x00\x00'`+"\n"), oldOffset("pandas.tseries.offsets\nWeek", "Vn\np6\nI1\nsVweekday\np12\nI2\n"),
		objects("I1\nI0\n", ""),
	} {
		f.Add([]byte(seed))
	}
	packed, err := os.Open("../../testdata/frames/pandas.h5.gz")
	require.NoError(f, err)
	defer packed.Close()
	z, err := gzip.NewReader(packed)
	require.NoError(f, err)
	file, err := io.ReadAll(z)
	require.NoError(f, err)
	real := regexp.MustCompile(`\([ld]p\d+\n[^\x00]*?\.\x00`).FindAll(file, -1)
	require.Greater(f, len(real), 10)
	for _, b := range real {
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Unpickle(b)
		if err != nil {
			return
		}
		for _, l := range pickledList(v) {
			_ = l.Text()
		}
		if d, ok := v.(*Dict); ok {
			_ = d.Get("a")
		}
		zoneName(v)
		frequency(v)
		if items, width, ok := objectArray(v); ok {
			require.Zero(t, len(items)%width)
		}
	})
}
