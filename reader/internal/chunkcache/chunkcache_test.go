package chunkcache

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t *testing.T, c *Cache, key Key, data []byte) {
	chunk, l, mine := c.Begin(key)
	require.Nil(t, chunk)
	require.True(t, mine)
	l.End(data, 0)
}

func TestKeepsTheLastUsed(t *testing.T) {
	c := New(4096)
	one := func(n uint64) Key { return Key{1, 1, n} }
	for n := range uint64(4) {
		load(t, c, one(n), bytes.Repeat([]byte{byte(n)}, 1024))
	}
	chunk, _, _ := c.Begin(one(0))
	require.Equal(t, byte(0), chunk.Data[0])
	load(t, c, one(4), make([]byte, 1024))
	_, l, mine := c.Begin(one(1))
	require.True(t, mine, "1 was used longest ago")
	l.End(nil, 0)
	require.LessOrEqual(t, c.Used(), int64(4096))
	c.Drop(1)
	require.Zero(t, c.Used())
	require.EqualValues(t, 1024, c.pool.InUse(), "somebody still has 0")
	chunk.Release()
	require.Zero(t, c.pool.InUse())
}

func TestOthersWaitForTheLoader(t *testing.T) {
	c := New(4096)
	key := Key{1, 2, 3}
	_, l, mine := c.Begin(key)
	require.True(t, mine)
	_, other, mine := c.Begin(key)
	require.False(t, mine)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := other.Wait(ctx)
	require.ErrorIs(t, err, context.Canceled)
	go l.End([]byte("abc"), 3)
	chunk, err := other.Wait(context.Background())
	require.NoError(t, err)
	require.Equal(t, "abc", string(chunk.Data))
	require.Equal(t, 3, chunk.Planes)
	chunk.Release()
}

func TestAFailedLoadIsTriedAgain(t *testing.T) {
	c := New(4096)
	_, l, _ := c.Begin(Key{})
	_, other, _ := c.Begin(Key{})
	l.End(nil, 0)
	l.End([]byte("late"), 0)
	chunk, err := other.Wait(context.Background())
	require.NoError(t, err)
	require.Nil(t, chunk)
	_, _, mine := c.Begin(Key{})
	require.True(t, mine)
}

func TestManyAtOnceSeeTheirOwnBytes(t *testing.T) {
	c := New(1 << 16)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(g)))
			for range 3000 {
				n := uint64(r.IntN(100))
				chunk, l, mine := c.Begin(Key{0, 0, n})
				if mine {
					l.End(bytes.Repeat([]byte{byte(n)}, 1000+int(n)), 0)
					continue
				}
				if chunk == nil {
					if chunk, _ = l.Wait(context.Background()); chunk == nil {
						continue
					}
				}
				if len(chunk.Data) != 1000+int(n) || chunk.Data[0] != byte(n) || chunk.Data[len(chunk.Data)-1] != byte(n) {
					t.Error("another chunk's bytes")
				}
				chunk.Release()
			}
		})
	}
	wg.Wait()
	c.Drop(0)
	require.Zero(t, c.pool.InUse())
}
