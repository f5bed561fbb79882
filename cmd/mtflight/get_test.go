package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/output"
	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/parquet"
	"github.com/mtflight/mtflight/reader"
)

func TestGetTable(t *testing.T) {
	out := succeed(t, "get", tables, "/events", "--fields", "id,good")
	lines := strings.Split(out, "\n")
	require.Equal(t, "id  good", lines[0])
	require.Equal(t, " 0  true", lines[1])
	require.Equal(t, "first 20 of 5000 rows, 2 columns", lines[21])
	require.Contains(t, succeed(t, "get", tables, "/events"), "choose with --fields")
	require.Contains(t, succeed(t, "get", tables, "/none"), "0 rows, 12 columns")
}

// TestGetFields names columns that do not exist: the error says what was asked for.
func TestGetFields(t *testing.T) {
	for text, asked := range map[string]string{
		`"a, b"`:          `no column "a, b"`,
		`id,"say ""a"""`:  `no column "say \"a\""`,
		"\"two\nlines\"":  `no column "two\nlines"`,
		" id":             `no column " id"`,
		"id,id":           `fields names "id" twice`,
		"":                "fields must name a column",
		`say "a"`:         "as in CSV",
		"id\ngood":        "as in CSV",
		"id,good\nenergy": "as in CSV",
	} {
		code, _, errOut := command(t, "get", tables, "/events", "--fields", text)
		require.NotZero(t, code, text)
		require.Contains(t, errOut, asked, text)
	}
	require.Equal(t, "id,good\n0,true\n", succeed(t, "get", tables, "/events", "--fields", "id", "--fields", "good", "--limit", "1", "--format", "csv"))
}

func TestGetRows(t *testing.T) {
	rows := func(args ...string) string {
		out := succeed(t, append([]string{"get", tables, "/plain", "--fields", "id", "--format", "csv"}, args...)...)
		return strings.Join(strings.Fields(out)[1:], " ")
	}
	require.Equal(t, "3 4", rows("--start", "3", "--stop", "5"))
	require.Equal(t, "998 999", rows("--start", "-2"))
	require.Equal(t, "999 998 997", rows("--step", "-1", "--limit", "3"))
	require.Equal(t, "995 994", rows("--step", "-1", "--offset", "4", "--limit", "2"))
}

func TestGetNetCDF(t *testing.T) {
	dimensions := func(args ...string) string {
		args = append([]string{"get", "../../testdata/climate.nc", "/t2m", "--stop", "1", "--format", "arrows"}, args...)
		r, err := ipc.NewReader(strings.NewReader(succeed(t, args...)))
		require.NoError(t, err)
		defer r.Release()
		text, _ := r.Schema().Metadata().GetValue("netcdf.dimensions")
		return text
	}
	require.Empty(t, dimensions())
	require.Equal(t, `["time","lat","lon"]`, dimensions("--netcdf"))
}

func TestGetCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.csv")
	_, _, told := command(t, "get", tables, "/deep/er/particles", "-o", path)
	require.Contains(t, told, "300 rows")
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 301)
	require.Contains(t, rows[0], "pos.error.low", "structs are flattened")
	require.Equal(t, "299", rows[300][0])
}

func TestGetArrow(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	dir := t.TempDir()
	whole := filepath.Join(dir, "out.arrow")
	succeed(t, "get", tables, "/events", "-o", whole)
	f, err := os.Open(whole)
	require.NoError(t, err)
	defer f.Close()
	r, err := ipc.NewFileReader(f, ipc.WithAllocator(mem))
	require.NoError(t, err)
	defer r.Close()
	rows := int64(0)
	for i := range r.NumRecords() {
		rec, err := r.Record(i)
		require.NoError(t, err)
		rows += rec.NumRows()
	}
	require.Equal(t, int64(5000), rows)

	streamed := succeed(t, "get", tables, "/events", "--format", "arrows")
	s, err := ipc.NewReader(strings.NewReader(streamed), ipc.WithAllocator(mem))
	require.NoError(t, err)
	defer s.Release()
	require.True(t, s.Schema().Equal(r.Schema()))
	code, _, errOut := command(t, "get", tables, "/events", "--format", "arrow")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "--format arrows")
}

func TestGetParquet(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.parquet")
	stored := map[string]string{"snappy": "SNAPPY", "zstd": "ZSTD", "gzip": "GZIP", "lz4": "LZ4_RAW", "none": "UNCOMPRESSED"}
	for _, codec := range parquet.Codecs {
		succeed(t, "get", tables, "/events", "-o", path, "--compression", codec)
		r, err := file.OpenParquetFile(path, false)
		require.NoError(t, err)
		require.Equal(t, int64(5000), r.NumRows())
		require.Equal(t, 12, r.MetaData().Schema.Root().NumFields())
		require.Equal(t, "id", r.MetaData().Schema.Column(0).Name())
		chunk, err := r.MetaData().RowGroup(0).ColumnChunk(0)
		require.NoError(t, err)
		require.Equal(t, stored[codec], chunk.Compression().String())
		require.NoError(t, r.Close())
	}
}

// Every dataset of testdata goes into every format, or is refused in words, with nothing left on disk.
func TestGetEverything(t *testing.T) {
	var datasets []struct{ File, Path, Kind string }
	for line := range strings.Lines(succeed(t, "ls", "--json", "../../testdata")) {
		var d struct{ File, Path, Kind string }
		require.NoError(t, json.Unmarshal([]byte(line), &d))
		datasets = append(datasets, d)
	}
	require.Greater(t, len(datasets), 60)
	dir := t.TempDir()
	s, err := newLocal(reader.Config{})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.close()) }()
	c := newGet()
	c.SetContext(context.Background())
	c.SetOut(io.Discard)
	c.SetErr(io.Discard)
	for _, d := range datasets {
		for _, format := range output.Formats {
			f := getFlags{output: filepath.Join(dir, "out"), format: format}
			f.request = reader.Request{File: d.File, Dataset: d.Path, Options: convert.Options{Strings: "binary"}}
			err := getFrom(c, s, f)
			if err == nil {
				require.NoError(t, os.Remove(f.output))
				continue
			}
			require.True(t, fault.Of(err) == fault.Unsupported || format == "npy" && fault.Of(err) == fault.Precondition, "%s %s as %s: %v", d.File, d.Path, format, err)
			require.NoFileExists(t, f.output)
		}
	}
	require.Empty(t, entries(t, dir))
}

func TestGetRefuses(t *testing.T) {
	for _, c := range []struct {
		code int
		says string
		args []string
	}{
		{3, "no such file", []string{"/no/such.h5", "/x"}},
		{3, `(near: "/events")`, []string{tables, "/evnts"}},
		{3, `its name is the absolute path "/events"`, []string{tables, "events"}},
		{3, `no such dataset "/evnts" (near: "/events")`, []string{tables, "evnts"}},
		{3, `(near: "/deep/er/particles")`, []string{tables, "/deep/er/particle"}},
		{3, `"/" is a group, not a dataset: in it: "/`, []string{tables, ""}},
		{3, `"/events" is no group (columns of a table are asked for by fields)`, []string{tables, "/events/id"}},
		{3, `no column "low" (near: "pos/error/low")`, []string{tables, "/deep/er/particles", "--fields", "low"}},
		{3, `/events: sort_by: no column "enrgy" (near: "energy")`, []string{tables, "/events", "--sort-by", "enrgy"}},
		{3, "energy", []string{tables, "/events", "--fields", "enrgy"}},
		{2, "its ending names no format", []string{tables, "/events", "-o", "x.docx"}},
		{2, "it is a directory: name a file in it (`mtflight ls ../../testdata` lists them)", []string{"../../testdata", "/x"}},
		{10, "grpc://127.0.0.1:1 does not answer: is the server running there?", []string{"grpc://127.0.0.1:1", tables, "/x"}},
		{2, "must be grpc://HOST:PORT", []string{"ftp://127.0.0.1:1", tables, "/x"}},
		{2, "write `mtflight get [grpc://HOST:PORT] FILE", []string{"http://127.0.0.1:1", tables, "/x"}}, // a store's file is no location
		{4, "integer of 16 bytes", []string{"../../testdata/refused.h5", "/wide_integer"}},
		{1, "write /dev/full: no space left on device", []string{tables, "/events", "--format", "csv", "-o", "/dev/full"}},
		{1, "write /dev/full: no space left on device", []string{tables, "/events", "--format", "parquet", "-o", "/dev/full"}},
		{8, "strings", []string{types, "/strings/not_utf8"}},
		{5, "text.h5", []string{textFile(t), "/x"}},
		{2, "its ending names no format: end it in .arrow", []string{tables, "/events", "-o", "x"}},
		{2, "csv is not compressed: leave out --compression, or write .parquet", []string{tables, "/events", "-o", "x.csv", "--compression", "zstd"}},
		{2, "table is not compressed", []string{tables, "/events", "--compression", "none"}},
		{2, `unknown compression "lzma": choose --compression among snappy, zstd`, []string{tables, "/events", "-o", "x.parquet", "--compression", "lzma"}},
		{2, ".npy starts with the number of rows", []string{tables, "/events", "--where", "energy > 2", "--fields", "id", "--format", "npy"}},
		{4, `column "name": values of type`, []string{tables, "/events", "-o", "x.npy"}},
		{2, "choose --format among table", []string{tables, "/events", "--format", "docx"}},
		{3, "write /no/such/dir/x.csv: its directory is not there: make it first", []string{tables, "/events", "-o", "/no/such/dir/x.csv"}},
		{2, "it is a directory: name a file in it", []string{tables, "/events", "--format", "csv", "-o", t.TempDir()}},
	} {
		code, _, errOut := command(t, append([]string{"get"}, c.args...)...)
		require.Equal(t, c.code, code, errOut)
		require.Contains(t, errOut, c.says)
		require.Equal(t, 1, strings.Count(errOut, "\n"), "one line: %s", errOut)
	}
}

// TestOnlyDataset leaves out the dataset where a file has one, or one frame.
func TestOnlyDataset(t *testing.T) {
	one := "../../reader/internal/h5c/testdata/block-0.h5"
	require.Equal(t, succeed(t, "get", one, "/x"), succeed(t, "get", one))
	require.Equal(t, succeed(t, "explain", one, "/x"), succeed(t, "explain", one))
	require.Equal(t, succeed(t, "stats", one, "/x"), succeed(t, "stats", one))
	code, _, errOut := command(t, "get", arrays)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "arrays.h5: it has 12 datasets: name one: \"/cube\", \"/octets\", \"/ragged\", ..")
	frame := &reader.Tree{Groups: []reader.GroupInfo{{Path: "/"}, {Path: "/f", Frame: "pandas fixed"}},
		Datasets: []reader.Info{{Path: "/f/axis0"}, {Path: "/f/block0_values"}}}
	path, err := only("x.h5", frame)
	require.NoError(t, err)
	require.Equal(t, "/f", path)
	_, err = only("x.h5", &reader.Tree{})
	require.ErrorIs(t, err, fault.NotFound)
}

func TestGetSelect(t *testing.T) {
	require.Equal(t, "cube\n\"[3,-4]\"\n\"[-9,-9]\"\n", succeed(t, "get", arrays, "/cube", "--select", "1, [4, 0], ::2", "--format", "csv"))
	for code, args := range map[int][]string{2: {arrays, "/cube", "--select", "1,,"}, 7: {arrays, "/cube", "--select", "6"}} {
		got, _, errOut := command(t, append([]string{"get"}, args...)...)
		require.Equal(t, code, got, errOut)
		require.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
		require.Contains(t, errOut, "select")
	}
}

func TestGetArray(t *testing.T) {
	out := succeed(t, "get", arrays, "/wave/zlib")
	require.Regexp(t, `^ +0 +1 .*… .*1023\n`, out)
	require.Regexp(t, `(?m)^59 `, out)
	require.Contains(t, out, "60x1024 of float32")
	out = succeed(t, "get", arrays, "/wave/zlib", "--select", "10:12, :3")
	require.Contains(t, out, "2x3 of float32")
	require.Contains(t, succeed(t, "get", arrays, "/cube"), "[5, :, :]")
}

func TestStats(t *testing.T) {
	location := serveFolder(t, "../../testdata")
	here := succeed(t, "stats", tables, "/events")
	require.Regexp(t, `(?m)^id +int64 +5000 +0 +0 +0 +4999`, here)
	require.Contains(t, here, "5000 rows")
	require.Equal(t, here, succeed(t, "stats", location, "tables.h5", "/events"))
	args := []string{"tables.h5", "/events", "--json", "--chunks", "--fields", "id,name"}
	there := succeed(t, append([]string{"stats", location}, args...)...)
	t.Chdir("../../testdata")
	require.Equal(t, succeed(t, append([]string{"stats"}, args...)...), there)
	require.Contains(t, there, `"chunks":[{"start":0`)
	code, _, errOut := command(t, "stats", "tables.h5", "/events", "--fields", "nam")
	require.Equal(t, 3, code)
	require.Contains(t, errOut, `"name"`)
}

func TestGetStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	var told bytes.Buffer
	require.Equal(t, 130, run(ctx, []string{"get", tables, "/events", "-o", filepath.Join(dir, "out.csv")}, &bytes.Buffer{}, &told))
	require.Equal(t, "mtflight: interrupted\n", told.String())
	require.Empty(t, entries(t, dir))
}

func entries(t *testing.T, dir string) (names []string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range left {
		names = append(names, e.Name())
	}
	return names
}

// A file gets its new content at once or not at all, where a link leads to it, and pipes stay what they are.
func TestGetOverwrites(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file.csv"), filepath.Join(dir, "link.csv")
	require.NoError(t, os.WriteFile(file, []byte("old"), 0o600))
	require.NoError(t, os.Symlink("file.csv", link))
	code, _, _ := command(t, "get", types, "/strings/not_utf8", "-o", link)
	require.Equal(t, 8, code)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "old", string(text))
	require.NoError(t, os.Chmod(file, 0o640))
	succeed(t, "get", tables, "/plain", "--fields", "id", "--stop", "2", "-o", link)
	text, err = os.ReadFile(link)
	require.NoError(t, err)
	require.Equal(t, "id\n0\n1\n", string(text))
	mode, err := os.Stat(file)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), mode.Mode(), "who may read it stays as it was")

	fifo := filepath.Join(dir, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	read := make(chan string)
	go func() {
		text, _ := os.ReadFile(fifo)
		read <- string(text)
	}()
	succeed(t, "get", tables, "/plain", "--fields", "id", "--stop", "2", "--format", "csv", "-o", fifo)
	require.Equal(t, "id\n0\n1\n", <-read)
	require.Equal(t, []string{"fifo", "file.csv", "link.csv"}, entries(t, dir))
	info, err := os.Lstat(fifo)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&os.ModeNamedPipe)
}

func parquetRows(t *testing.T, path string) int64 {
	t.Helper()
	r, err := file.OpenParquetFile(path, false)
	require.NoError(t, err)
	defer r.Close()
	return r.NumRows()
}
