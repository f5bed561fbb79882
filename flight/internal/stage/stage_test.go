package stage

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
)

// budget has room for n bytes.
type budget struct{ n int64 }

func (b *budget) Reserve(_ context.Context, n int64, _ bool) (bool, error) {
	if n > b.n {
		return false, nil
	}
	b.n -= n
	return true, nil
}

func (b *budget) Return(n int64) { b.n += n }

func (b *budget) OnShortage(func()) (stop func()) { return func() {} }

func TestOpenRemovesLeftovers(t *testing.T) {
	base := filepath.Join(t.TempDir(), "base")
	alive, err := Open(base, 1<<20, &budget{1 << 20})
	require.NoError(t, err)
	dead := filepath.Join(base, "s-1-dead")
	require.NoError(t, os.Mkdir(dead, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dead, "f-1"), []byte("x"), 0o600))
	other := filepath.Join(base, "not-ours")
	require.NoError(t, os.Mkdir(other, 0o700))
	next, err := Open(base, 1<<20, &budget{1 << 20})
	require.NoError(t, err)
	require.NoDirExists(t, dead)
	require.DirExists(t, alive.dir.path)
	require.DirExists(t, other)
	require.NoError(t, alive.Close())
	require.NoDirExists(t, alive.dir.path)
	require.NoError(t, next.Close())
}

func TestOpenRefusesOthersDirectories(t *testing.T) {
	open := filepath.Join(t.TempDir(), "open")
	require.NoError(t, os.Mkdir(open, 0o755))
	_, err := Open(open, 1, &budget{})
	require.ErrorIs(t, err, fault.Denied)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(t.TempDir(), link))
	_, err = Open(link, 1, &budget{})
	require.ErrorIs(t, err, fault.Denied)
	_, err = Open(filepath.Join(open, "no", "where"), 1, &budget{})
	require.ErrorIs(t, err, fault.Precondition)
}

func TestLeaseEndsOnceAndByTime(t *testing.T) {
	b := &budget{1 << 20}
	s, err := Open(filepath.Join(t.TempDir(), "base"), 8*page, b)
	require.NoError(t, err)
	sp, err := s.newSpace("f")
	require.NoError(t, err)
	r, err := sp.region(context.Background(), page+1)
	require.NoError(t, err)
	require.Len(t, r.mem, 2*page)
	require.EqualValues(t, 2*page, s.Used())
	require.NoError(t, r.unmap())
	_, err = sp.region(context.Background(), 7*page)
	require.ErrorIs(t, err, fault.Exhausted)
	ended := make(chan bool, 2)
	l := s.Lease(Owner{Connection: 1}, nil, func() error { ended <- true; return sp.close() })
	l.Expire(time.Millisecond, func() {})
	<-ended
	require.NoError(t, l.End())
	require.Empty(t, ended)
	_, err = s.Find(Owner{Connection: 1}, l.ID)
	require.ErrorIs(t, err, fault.NotFound)
	require.Zero(t, s.Used())
	require.EqualValues(t, 1<<20, b.n)
	require.NoFileExists(t, sp.path)
	require.NoError(t, s.Close())
}

// What the file system has no room for is an error before anything is touched, and counts no memory.
func TestNoRoom(t *testing.T) {
	s := openStore(t, 64*huge)
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_FSIZE, &before))
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 3 * huge, Max: before.Max}))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_FSIZE, &before)) }()
	ctx := context.Background()

	f, err := s.NewFile(arrow.NewSchema(nil, nil), 16*huge)
	require.NoError(t, err)
	for range 2 { // a step ahead does not fit, what is needed does
		_, err = f.claim(ctx, huge)
		require.NoError(t, err)
	}
	require.LessOrEqual(t, s.Used(), int64(3*huge))
	_, err = f.claim(ctx, 2*huge)
	require.ErrorIs(t, err, fault.Exhausted)
	require.ErrorContains(t, err, "no room")
	require.LessOrEqual(t, s.Used(), int64(3*huge))
	require.NoError(t, f.Close())
	require.Zero(t, s.Used())

	r, err := s.NewRing(arrow.NewSchema(nil, nil), 2, 0)
	require.NoError(t, err)
	_, err = r.Place(ctx, []int64{4 * huge}, true)
	require.ErrorIs(t, err, fault.Exhausted)
	require.NoError(t, r.Close())
	require.Zero(t, s.Used())
}

// TestWhoHasMostLeasesGivesWay: an identity on all of its connections together, its oldest result first, and no ring.
func TestWhoHasMostLeasesGivesWay(t *testing.T) {
	s := &Store{leases: map[string]*Lease{}}
	var ended []string
	lease := func(o Owner, name string, r *Ring) *Lease {
		return s.Lease(o, r, func() error { ended = append(ended, name); return nil })
	}
	many, other, nobody := Owner{1, "many"}, Owner{3, "other"}, Owner{4, ""}
	lease(many, "ring", &Ring{})
	lease(many, "first", nil)
	lease(Owner{2, "many"}, "second", nil)
	require.Equal(t, 3, s.LeasesOf(many))
	require.Zero(t, s.LeasesOf(nobody))
	gave, err := s.GiveWay(many)
	require.NoError(t, err)
	require.False(t, gave, "not to itself")
	gave, err = s.GiveWay(other)
	require.NoError(t, err)
	require.True(t, gave)
	require.Equal(t, []string{"first"}, ended)
	lease(other, "others", nil)
	gave, _ = s.GiveWay(other)
	require.False(t, gave, "it has no fewer then")
	gave, _ = s.GiveWay(nobody)
	require.True(t, gave)
	gave, _ = s.GiveWay(nobody)
	require.False(t, gave)
	require.Equal(t, []string{"first", "second"}, ended)
}
