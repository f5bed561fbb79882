package bufpool

import (
	"context"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMemory(limit int64) *Memory {
	return &Memory{Budget: NewBudget(limit, 50*time.Millisecond), Pool: NewPool(limit)}
}

func TestClassesWasteAtMostAQuarter(t *testing.T) {
	for n := 1; n < 1<<20; n += 1 + n/97 {
		c := classOf(n)
		require.GreaterOrEqual(t, c, n)
		require.Equal(t, c, classOf(c), "a class is its own class")
		if n > 512 {
			require.LessOrEqual(t, c, n+n/4+1)
		}
	}
}

func TestBufferIsAlignedAndReused(t *testing.T) {
	p := NewPool(1 << 20)
	b := p.Get(1000)
	require.Len(t, b, 1000)
	p.Put(b)
	again := p.Get(1001)
	require.Same(t, &b[:1][0], &again[0])
	require.EqualValues(t, classOf(1001), p.InUse())
	p.Put(again)
	require.Panics(t, func() { p.Put(make([]byte, 1001)) })
	require.Panics(t, func() { p.Put(again) }, "freed twice")
}

func TestBudgetWaitsInOrderAndGivesUp(t *testing.T) { synctest.Test(t, waitsInOrderAndGivesUp) }

func waitsInOrderAndGivesUp(t *testing.T) {
	b := NewBudget(10, 300*time.Millisecond)
	require.NoError(t, b.Acquire(context.Background(), 8))
	require.False(t, b.TryAcquire(3))
	require.ErrorIs(t, b.Acquire(context.Background(), 3), fault.Exhausted)
	require.ErrorIs(t, b.Acquire(context.Background(), 11), fault.Exhausted)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, b.Acquire(ctx, 3), context.Canceled)
	done := make(chan error, 1)
	go func() { done <- b.Acquire(context.Background(), 10) }()
	synctest.Wait()
	require.True(t, b.Wanted())
	b.Return(8)
	require.NoError(t, <-done)
	b.Return(10)
	require.Zero(t, b.Used())
}

// TestSmallGoesFirst: what is small waits neither for who waits for more nor for what others hold but the reserve.
func TestSmallGoesFirst(t *testing.T) { synctest.Test(t, smallGoesFirst) }

func smallGoesFirst(t *testing.T) {
	b := NewBudget(80, 50*time.Millisecond)
	b.Reserve(10)
	ctx := context.Background()
	require.NoError(t, b.Acquire(ctx, 70))
	require.False(t, b.TryAcquire(1))
	err := b.Acquire(ctx, 1)
	require.ErrorIs(t, err, fault.Exhausted)
	require.True(t, fault.IsLater(err))
	more, small := make(chan error, 1), make(chan error, 1)
	go func() { more <- b.Acquire(ctx, 75) }()
	time.Sleep(10 * time.Millisecond)
	require.True(t, b.Wanted())
	require.NoError(t, b.AcquireSmall(ctx, 10), "before who waits")
	go func() { small <- b.AcquireSmall(ctx, 5) }()
	require.ErrorIs(t, <-more, fault.Exhausted)
	require.True(t, b.Wanted(), "the small one waits still")
	b.Return(5)
	require.NoError(t, <-small)
	b.Return(80)
	require.NoError(t, b.Acquire(ctx, 75), "more than the rest at once")
	b.Return(75)
	require.Zero(t, b.Used())
	require.False(t, fault.IsLater(b.Acquire(ctx, 81)))
}

// TestOwnersTakeTurns: whoever waits often does not keep others waiting.
func TestOwnersTakeTurns(t *testing.T) {
	b := NewBudget(10, time.Minute)
	require.NoError(t, b.Acquire(context.Background(), 10))
	served := make(chan string, 20)
	wait := func(owner string) {
		now, _ := b.Waits()
		go func() {
			if b.Acquire(For(context.Background(), owner), 10) == nil {
				served <- owner
			}
		}()
		require.Eventually(t, func() bool { n, _ := b.Waits(); return n > now }, time.Minute, 100*time.Microsecond)
	}
	for range 4 {
		wait("a")
	}
	wait("b")
	wait("b")
	order := ""
	for i := range 6 {
		b.Return(10)
		order += <-served
		if i == 1 {
			wait("c")
		}
	}
	b.Return(10)
	order += <-served
	require.Equal(t, "ababcaa", order)
	b.Return(10)
	require.Zero(t, b.Used())
}

func TestShortageBringsBackWhatCanBeDoneWithout(t *testing.T) {
	b := NewBudget(10, time.Minute)
	asked := 0
	require.True(t, b.TryAcquire(4))
	spare := int64(4)
	stop := b.OnShortage(func() {
		asked++
		b.Return(spare)
		spare = 0
	})
	require.True(t, b.TryAcquire(6))
	require.Zero(t, asked, "there is enough")
	require.True(t, b.TryAcquire(3))
	require.Equal(t, 1, asked)
	spare = 3
	require.NoError(t, b.Acquire(context.Background(), 4))
	require.Equal(t, 2, asked)
	require.False(t, b.TryAcquire(1))
	require.Equal(t, 3, asked)
	stop()
	require.False(t, b.TryAcquire(1))
	require.Equal(t, 3, asked)
	b.Return(10)
}

func TestLeaseReturnsWithItsLastBuffer(t *testing.T) {
	m := newMemory(1 << 20)
	l, err := m.Lease(context.Background(), 4096)
	require.NoError(t, err)
	a := l.Allocate(1024)
	part := l.Split(1024)
	require.EqualValues(t, 4096, m.Budget.Used())
	part.Close()
	require.EqualValues(t, 3072, m.Budget.Used())
	over := l.Allocate(8192)
	require.EqualValues(t, 1024+8192, m.Budget.Used(), "what goes beyond the lease is counted")
	l.Close()
	l.Free(over)
	require.EqualValues(t, 1024, m.Budget.Used())
	l.Free(a)
	require.Zero(t, m.Budget.Used())
	require.Zero(t, m.Pool.InUse())
}

func TestConcurrentLeasesBalance(t *testing.T) {
	m := &Memory{Budget: NewBudget(1<<20, time.Minute), Pool: NewPool(1 << 20)}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(g)))
			for range 500 {
				l, err := m.Lease(context.Background(), int64(r.IntN(1<<18)))
				if err != nil {
					t.Error(err)
					return
				}
				a, b := l.Allocate(r.IntN(9999)), l.Allocate(r.IntN(9999))
				a = l.Reallocate(r.IntN(20000)+1, a)
				l.Close()
				l.Free(b)
				l.Free(a)
			}
		})
	}
	wg.Wait()
	require.Zero(t, m.Budget.Used())
	require.Zero(t, m.Pool.InUse())
}

func TestPoolKeepsLessBesideOtherMemory(t *testing.T) {
	m := newMemory(1 << 20)
	whole := m.Pool.Get(1 << 20)
	m.Pool.Put(whole)
	require.True(t, m.TryReserve(1<<19))
	b := m.Pool.Get(1 << 20)
	require.NotSame(t, &whole[0], &b[0], "it was given up for what lies elsewhere")
	m.Pool.Put(b)
	m.Return(1 << 19)
	require.NoError(t, m.Reserve(context.Background(), 1<<20))
	require.ErrorIs(t, m.Reserve(context.Background(), 1), fault.Exhausted)
	require.False(t, m.TryReserve(1))
	m.Return(1 << 20)
	m.Pool.Put(m.Pool.Get(1 << 20))
	require.NotZero(t, m.Pool.idle)
	require.Zero(t, m.Budget.Used())
}

func TestTellsWhatLiesElsewhere(t *testing.T) {
	m := newMemory(1 << 30)
	var told []int64
	m.Moved = func(n int64) { told = append(told, n) }
	l, err := m.Lease(context.Background(), 1<<27)
	require.NoError(t, err)
	l.Borrow(moveStep - 1)
	require.Empty(t, told)
	require.True(t, m.TryReserve(1))
	l.Borrow(moveStep)
	l.Return(moveStep)
	require.Equal(t, []int64{moveStep, 2 * moveStep}, told, "less is not worth telling")
	l.Return(moveStep - 1)
	m.Return(1)
	require.Equal(t, []int64{moveStep, 2 * moveStep, 0}, told)
	l.Close()
	require.Zero(t, m.Budget.Used())
}

// TestBudgetRefusesWhatHasOverflowed: sums of hostile sizes wrap around.
func TestBudgetRefusesWhatHasOverflowed(t *testing.T) {
	b := NewBudget(10, time.Millisecond)
	require.True(t, b.TryAcquire(4))
	for _, n := range []int64{-1, math.MinInt64, math.MaxInt64, math.MaxInt64 - 3} {
		require.False(t, b.TryAcquire(n))
		require.ErrorIs(t, b.Acquire(context.Background(), n), fault.Exhausted)
		require.EqualValues(t, 4, b.Used())
	}
	b.Return(4)
}

func TestPartGrowsShrinksAndGivesAllBack(t *testing.T) {
	m := newMemory(100)
	l, err := m.Lease(context.Background(), 40)
	require.NoError(t, err)
	part := l.Part(60)
	require.EqualValues(t, 40, part.Budget.Limit())
	require.True(t, part.Budget.TryAcquire(30))
	require.True(t, part.Budget.TryAcquire(30), "the whole has as much to spare")
	require.EqualValues(t, 60, m.Budget.Used())
	require.False(t, part.Budget.TryAcquire(1), "it is no more than that")
	require.ErrorIs(t, part.Budget.Acquire(context.Background(), 41), fault.Exhausted)
	part.Budget.Return(50)
	part.Budget.Shrink()
	require.EqualValues(t, 10, m.Budget.Used())
	require.EqualValues(t, 30, part.Budget.Lacks())
	more, err := m.Lease(context.Background(), 30)
	require.NoError(t, err)
	more.Refill(part.Budget)
	require.NoError(t, part.Budget.Acquire(context.Background(), 30))
	part.Budget.force(50)
	require.EqualValues(t, 90, m.Budget.Used(), "what goes beyond it is the whole's")
	part.Budget.Close()
	require.EqualValues(t, 90, m.Budget.Used())
	part.Budget.Return(90)
	require.Zero(t, m.Budget.Used())
}

// TestPartWaitsForItsOwn: bytes of a part go to who waits for them, though others wait for the whole.
func TestPartWaitsForItsOwn(t *testing.T) {
	m := &Memory{Budget: NewBudget(100, time.Minute), Pool: NewPool(100)}
	l, err := m.Lease(context.Background(), 60)
	require.NoError(t, err)
	part := l.Part(60)
	require.True(t, part.Budget.TryAcquire(60))
	others, own := make(chan error, 1), make(chan error, 1)
	go func() { others <- m.Budget.Acquire(context.Background(), 100) }()
	require.Eventually(t, m.Budget.Wanted, time.Minute, time.Millisecond)
	go func() { own <- part.Budget.Acquire(context.Background(), 50) }()
	require.Eventually(t, part.Budget.Wanted, time.Minute, time.Millisecond)
	part.Budget.Return(50)
	require.NoError(t, <-own)
	part.Budget.Return(60)
	part.Budget.Close()
	require.NoError(t, <-others)
	m.Budget.Return(100)
}
