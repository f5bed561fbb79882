package indexdir

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
)

func constant(s string) func() []byte { return func() []byte { return []byte(s) } }

// opened is a directory and the key of a file that is there.
func opened(t *testing.T) (*Dir, Key) {
	t.Helper()
	d, err := OpenDir(filepath.Join(t.TempDir(), "d"))
	require.NoError(t, err)
	of := filepath.Join(t.TempDir(), "x.h5")
	require.NoError(t, os.WriteFile(of, []byte("x"), 0o600))
	return d, Key{of, blockio.Identity{Dev: 1, Ino: 2, Size: 3, Mtime: 4, Ctime: 5}, "sample"}
}

// TestSections are found by their names, and stay when others are written.
func TestSections(t *testing.T) {
	d, k := opened(t)
	a, b, c := ID{7, 0}, ID{7, 1}, ID{3, math.MaxUint64}
	require.Nil(t, d.Read(Chunks, k, a, 100))
	require.NoError(t, d.Write(Chunks, k, []Section{{b, constant("bee")}, {a, constant("")}}))
	require.NoError(t, d.Write(Chunks, k, []Section{{c, constant("sea")}, {a, constant("ant")}}))
	for id, want := range map[ID]string{a: "ant", b: "bee", c: "sea"} {
		require.Equal(t, want, string(d.Read(Chunks, k, id, 3)))
		require.True(t, d.Has(Chunks, k, id))
		require.Nil(t, d.Read(Chunks, k, id, 2), "longer than what is wanted")
		require.Nil(t, d.Read(Values, k, id, 3), "another kind")
	}
	require.False(t, d.Has(Chunks, k, ID{7, 2}))
	d.Drop(k.Path)
	require.Nil(t, d.Read(Chunks, k, a, 100))
}

// TestOtherStates: nothing is believed of another state of the file, and it is removed.
func TestOtherStates(t *testing.T) {
	for _, change := range []func(*Key){
		func(k *Key) { k.ID.Dev++ }, func(k *Key) { k.ID.Ino++ }, func(k *Key) { k.ID.Size++ }, func(k *Key) { k.ID.Mtime++ },
		func(k *Key) { k.ID.Ctime++ }, func(k *Key) { k.Sample = "another" },
	} {
		d, k := opened(t)
		require.NoError(t, d.Write(Values, k, []Section{{ID{1, 1}, constant("x")}}))
		other := k
		change(&other)
		require.Nil(t, d.Read(Values, other, ID{1, 1}, 9))
		require.Nil(t, d.Read(Values, k, ID{1, 1}, 9), "removed")
	}
}

// TestDamage: every byte of a file is covered by a checksum, or its change is seen otherwise.
func TestDamage(t *testing.T) {
	d, k := opened(t)
	id := ID{1, 2}
	require.NoError(t, d.Write(Values, k, []Section{{id, constant("section")}}))
	name := d.name(Values, k.Path)
	sound, err := os.ReadFile(name)
	require.NoError(t, err)
	for at := range sound {
		b := bytes.Clone(sound)
		b[at] ^= 0x10
		require.NoError(t, os.WriteFile(name, b, 0o600))
		require.Nil(t, d.Read(Values, k, id, 99), "byte %d", at)
		require.NoError(t, os.WriteFile(name, sound[:at], 0o600))
		require.Nil(t, d.Read(Values, k, id, 99), "cut off at %d", at)
	}
	require.NoError(t, os.WriteFile(name, sound, 0o600))
	require.NotNil(t, d.Read(Values, k, id, 99))
	require.NoError(t, os.Remove(name))
	require.NoError(t, os.Symlink("/dev/zero", name))
	require.Nil(t, d.Read(Values, k, id, 99))
	require.NoError(t, d.Write(Values, k, []Section{{id, constant("section")}}))
	require.NotNil(t, d.Read(Values, k, id, 99), "the link is replaced, not followed")
}

func names(t *testing.T, dir string) (out []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		if e.Name() != swept {
			out = append(out, e.Name())
		}
	}
	return out
}

func TestDirIsSwept(t *testing.T) {
	d, k := opened(t)
	require.NoError(t, d.Write(Values, k, []Section{{ID{}, constant("")}}))
	require.NoError(t, os.WriteFile(filepath.Join(d.path, "else"), nil, 0o600))
	require.NoError(t, os.Symlink("/nowhere", filepath.Join(d.path, "link.values")))
	require.NoError(t, os.Remove(k.Path))
	_, err := OpenDir(d.path)
	require.NoError(t, err)
	require.Len(t, names(t, d.path), 3, "once a day")
	day := time.Now().Add(-25 * time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(d.path, swept), day, day))
	_, err = OpenDir(d.path)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"else", "link.values"}, names(t, d.path))
}

func TestDirMustBePrivate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o770))
	_, err := OpenDir(dir)
	require.ErrorIs(t, err, fault.Denied)
	_, err = OpenDir(filepath.Join(dir, "a", "b"))
	require.ErrorIs(t, err, fault.Precondition)
}

// TestKeeper keeps statistics over the end of a program, with what another one has put in meanwhile.
func TestKeeper(t *testing.T) {
	d, k := opened(t)
	unchanged := func() bool { return true }
	open := func(id blockio.Identity) (*Keeper, *File) {
		keeper, err := NewKeeper(1<<20, d.path)
		require.NoError(t, err)
		return keeper, keeper.Of(k.Path, id, func() string { return k.Sample })
	}
	learn := func(f *File, col int) {
		f.Set().Table(800, 4, 10).Put(col, chunkstats.Int, 2, chunkstats.Stat{Has: true, Lo: 1, Hi: uint64(col + 1)})
	}
	_, one := open(k.ID)
	_, two := open(k.ID)
	learn(one, 0)
	learn(two, 1)
	require.NoError(t, one.Save(true, unchanged))
	require.NoError(t, two.Save(true, unchanged))
	keeper, again := open(k.ID)
	for col := range 2 {
		require.EqualValues(t, 1, again.Set().Table(800, 4, 10).Known(col))
	}
	require.EqualValues(t, 2, keeper.Columns.Load())
	require.Equal(t, []string{"statistics"}, again.Came(800))
	require.Empty(t, again.Came(801))
	again.Close()
	require.Zero(t, keeper.Used())

	require.False(t, again.Whole(Values))
	require.NoError(t, again.MakeWhole(Values))
	require.True(t, again.Whole(Values))
	require.False(t, again.Whole(Chunks))

	fresh := k.ID
	fresh.Ctime = time.Now().UnixNano()
	_, f := open(fresh)
	learn(f, 3)
	require.NoError(t, f.Save(true, unchanged))
	require.ErrorIs(t, f.MakeWhole(Values), fault.Unavailable)
	require.Empty(t, names(t, d.path), "what just changed may change again within a tick: nothing is written of it")
}

func FuzzTable(f *testing.F) {
	dir := f.TempDir()
	d := &Dir{dir}
	k := Key{"/a/b.h5", blockio.Identity{Dev: 1, Ino: 2, Size: 3, Mtime: 4, Ctime: 5}, "s"}
	require.NoError(f, d.Write(Chunks, k, []Section{{ID{1, 2}, constant("one")}, {ID{1, 3}, constant("")}}))
	b, err := os.ReadFile(d.name(Chunks, k.Path))
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := readTable(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for _, e := range table.entries {
			if got, err := table.read(bytes.NewReader(b), e.ID, 1<<20); err == nil {
				require.Len(t, got, int(e.n))
			}
		}
	})
}
