package reader

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// doubtful is a file with a dataset that libhdf5 1.10 describes and our own code refuses: /g/chunked tells of chunks with
// elements of another size than its type's.
func doubtful(t *testing.T) string {
	b, err := os.ReadFile("internal/h5c/testdata/tree.h5")
	require.NoError(t, err)
	at := bytes.Index(b, []byte{4, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0}) // the chunk's extents, of a layout message of version 3
	require.Equal(t, []byte{3, 2, 3}, b[at-11:at-8])
	b[at+8] = 5
	path := filepath.Join(t.TempDir(), "doubtful.h5")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

const doubt = "chunks of elements of 5 bytes, type of 4"

func TestWitnessIsAskedAboutWhatIsRefused(t *testing.T) {
	for name, cfg := range map[string]Config{"helpers": {}, "here": {InProcess: true}} {
		core, logs := observer.New(zap.InfoLevel)
		cfg.Logger = zap.New(core)
		f := corners(t, doubtful(t), cfg)
		d, err := f.Dataset(context.Background(), "/g/chunked")
		require.NoError(t, err, name)
		require.Equal(t, []int64{10, 6}, d.Info().Shape, name)
		require.Contains(t, d.Info().Witness, doubt, name)
		require.Equal(t, "unsupported", d.Info().Kind, name) // what is damaged is not read
		require.EqualValues(t, 1, f.eng.Witnessed(), name)
		tree, err := f.Tree(context.Background())
		require.NoError(t, err, name)
		for _, d := range tree.Datasets {
			require.Equal(t, d.Path == "/g/chunked", d.Witness != "", "%s %s", name, d.Path)
		}
		require.EqualValues(t, 2, f.eng.Witnessed(), name)
		require.Len(t, logs.All(), 2, name)
		for _, l := range logs.All() {
			m := l.ContextMap()
			require.Equal(t, []any{f.loc.Name, "/g/chunked"}, []any{m["file"], m["object"]}, name)
			require.Contains(t, m["reason"], doubt, name)
		}
	}
}

// silent is a witness that must not be asked, or answers with a tree.
type silent struct {
	h5proc.InProcess
	t    *testing.T
	tree *meta.File
}

func (s *silent) Tree(context.Context, h5proc.File) (*meta.File, error) {
	require.NotNil(s.t, s.tree, "the witness is asked")
	return s.tree, nil
}

func (s *silent) Dataset(context.Context, h5proc.File, string) (meta.Dataset, error) {
	require.Fail(s.t, "the witness is asked")
	return meta.Dataset{}, fault.DataLoss
}

func (s *silent) ReadSlab(context.Context, h5proc.File, string, []uint64, []uint64, []byte) error {
	require.Fail(s.t, "the witness is asked")
	return fault.DataLoss
}

func TestNoWitness(t *testing.T) {
	f := corners(t, doubtful(t), Config{NoWitness: true})
	require.NoError(t, f.eng.lib.Close())
	f.eng.lib = &silent{t: t}
	tree, err := f.Tree(context.Background())
	require.NoError(t, err)
	require.Len(t, tree.Datasets, 7)
	d, err := f.Dataset(context.Background(), "/g/chunked")
	require.NoError(t, err)
	require.Contains(t, d.Info().Reason, doubt)
	require.Empty(t, d.Info().Witness)
	require.Zero(t, f.eng.Witnessed())
}

// The witness's word is taken for what is refused and for nothing else, and what only it lists is added, refused or not.
func TestTestimony(t *testing.T) {
	f := corners(t, "internal/h5c/testdata/tree.h5", Config{InProcess: true})
	f.eng.lib = &silent{t: t, tree: &meta.File{
		Groups: []meta.Group{{Path: "/", Addr: 1, Comment: "theirs"}, {Path: "/broken", Addr: 2}, {Path: "/broken/in", Addr: 3}, {Path: "/odd", Addr: 4},
			{Path: "/both", Addr: 9, Err: "theirs"}},
		Datasets: []meta.Dataset{{Path: "/a", Addr: 5, Comment: "theirs"}, {Path: "/b", Addr: 6}, {Path: "/broken/in/c", Addr: 7},
			{Path: "/broken/d", Addr: 8, Err: "theirs"}, {Path: "/odd/a", Addr: 10}, {Path: "/unheard", Addr: 11}},
		Links: []meta.Link{{Path: "/l"}, {Path: "/broken/l"}, {Path: "/broken/m"}},
	}}
	got := f.withWitness(context.Background(), &meta.File{
		Groups: []meta.Group{{Path: "/", Addr: 1, Comment: "ours"}, {Path: "/broken", Addr: 2, Err: "no members"}, {Path: "/both", Addr: 9, Err: "ours"}},
		Datasets: []meta.Dataset{{Path: "/a", Addr: 5, Comment: "ours"}, {Path: "/b", Addr: 6, Err: "no type"}, {Path: "/odd", Addr: 4, Err: "no object"},
			{Path: "/elsewhere", Addr: 10, Comment: "ours"}},
		Links: []meta.Link{{Path: "/broken/l"}, {Path: "/l"}},
	})
	for i := range got.Datasets {
		got.Datasets[i].Cause = nil
	}
	require.ElementsMatch(t, []meta.Group{{Path: "/", Addr: 1, Comment: "ours"}, {Path: "/broken", Addr: 2, Witness: "no members"},
		{Path: "/broken/in", Addr: 3, Witness: "no members"}, {Path: "/odd", Addr: 4, Witness: "no object"}, {Path: "/both", Addr: 9, Err: "ours"}}, got.Groups)
	require.ElementsMatch(t, []meta.Dataset{{Path: "/a", Addr: 5, Comment: "ours"}, {Path: "/b", Addr: 6, Witness: "no type"},
		{Path: "/broken/in/c", Addr: 7, Witness: "no members"}, {Path: "/broken/d", Addr: 8, Err: "theirs", Witness: "no members"},
		{Path: "/elsewhere", Addr: 10, Comment: "ours"}}, got.Datasets)
	require.ElementsMatch(t, []meta.Link{{Path: "/l"}, {Path: "/broken/l"}, {Path: "/broken/m"}}, got.Links)
	require.EqualValues(t, 6, f.eng.Witnessed())
}

// Of the files below MTFLIGHT_CORPUS, as many answers need libhdf5 as are logged; without it all others are the same.
func TestCorpusWithoutWitness(t *testing.T) {
	root := os.Getenv("MTFLIGHT_CORPUS")
	if root == "" {
		t.Skip("MTFLIGHT_CORPUS names no directory")
	}
	without := openEngine(t)
	without.cfg.NoWitness = true
	with, err := NewEngine(Config{Workers: 2})
	require.NoError(t, err)
	defer func() { require.NoError(t, with.Close()) }()
	described := func(e *Engine, path string) map[string]string {
		out := map[string]string{}
		f, err := e.Open(context.Background(), location.Location{Path: path})
		if err != nil {
			return out
		}
		tree, err := f.Tree(context.Background())
		if err != nil {
			return map[string]string{"": err.Error()}
		}
		for _, d := range tree.Datasets {
			if info, err := f.Dataset(context.Background(), d.Path); err != nil {
				out[d.Path] = err.Error()
			} else if text, err := json.Marshal(info.Info()); info.Info().Witness == "" {
				require.NoError(t, err)
				out[d.Path] = string(text)
			}
		}
		return out
	}
	files, datasets := 0, 0
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		files++
		alone := described(without, path)
		for name, text := range described(with, path) {
			datasets++
			require.Equal(t, alone[name], text, "%s %s", path, name)
		}
		return nil
	}))
	t.Logf("%d answers needed libhdf5, beside %d datasets in %d files", with.Witnessed(), datasets, files)
}
