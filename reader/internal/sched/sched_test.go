package sched

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEveryTaskRunsOnceInOrder(t *testing.T) {
	p := New(1)
	defer p.Close()
	q := p.NewQueue(nil, 1)
	defer q.Close()
	var got []int
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Add(1)
		q.Add(func() { got = append(got, i); wg.Done() })
	}
	wg.Wait()
	for i, v := range got {
		require.Equal(t, i, v)
	}
	require.Len(t, got, 100)
}

func TestQueuesTakeTurns(t *testing.T) {
	p := New(1)
	defer p.Close()
	a, b := p.NewQueue(nil, 1), p.NewQueue(nil, 1)
	defer a.Close()
	defer b.Close()
	var order []byte
	hold := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(9)
	a.Add(func() { <-hold; wg.Done() })
	for range 4 {
		a.Add(func() { order = append(order, 'a'); wg.Done() })
	}
	for range 4 {
		b.Add(func() { order = append(order, 'b'); wg.Done() })
	}
	close(hold)
	wg.Wait()
	require.Contains(t, []string{"babababa", "abababab"}, string(order))
}

// TestOwnersTakeTurns: who reads much at once keeps nobody waiting for more than one task of it.
func TestOwnersTakeTurns(t *testing.T) {
	p := New(1)
	defer p.Close()
	var order []byte
	hold := make(chan struct{})
	var wg sync.WaitGroup
	add := func(owner any, name byte, n int) {
		q := p.NewQueue(owner, 1)
		t.Cleanup(q.Close)
		wg.Add(n)
		for range n {
			q.Add(func() { order = append(order, name); wg.Done() })
		}
	}
	first := p.NewQueue(nil, 1)
	t.Cleanup(first.Close)
	begun := make(chan struct{})
	first.Add(func() { close(begun); <-hold })
	<-begun
	for range 5 {
		add("many", 'm', 4)
	}
	add("one", 'o', 4)
	add(nil, 'x', 2)
	add(nil, 'y', 2)
	close(hold)
	wg.Wait()
	require.Equal(t, "momomomo", squeeze(order, "xy")[:8], "%s", order)
	require.Less(t, bytes.LastIndexAny(order, "xy"), 12, "%s", order)
}

func squeeze(b []byte, without string) string {
	return string(bytes.Map(func(r rune) rune {
		if strings.ContainsRune(without, r) {
			return -1
		}
		return r
	}, b))
}

func TestFirstGoesBeforeOthersInTurns(t *testing.T) {
	p := New(1)
	defer p.Close()
	a, b, c := p.NewQueue(nil, 1), p.NewQueue(nil, 1), p.NewQueue(nil, 1)
	c.First()
	defer c.Close()
	defer a.Close()
	defer b.Close()
	var order []byte
	hold, begun := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(13)
	a.Add(func() { close(begun); <-hold; wg.Done() })
	<-begun
	for range 4 {
		a.Add(func() { order = append(order, 'a'); wg.Done() })
	}
	for range 4 {
		b.Add(func() { order = append(order, 'b'); wg.Done() })
	}
	for range 4 {
		c.Add(func() { order = append(order, 'c'); wg.Done() })
	}
	close(hold)
	wg.Wait()
	require.Equal(t, "cbcacbcababa", string(order))
}

func TestLimitAndClose(t *testing.T) {
	p := New(4)
	defer p.Close()
	q := p.NewQueue(nil, 2)
	var running, most, ended atomic.Int32
	for range 200 {
		q.Add(func() {
			n := running.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			running.Add(-1)
			ended.Add(1)
		})
	}
	q.Close()
	require.Zero(t, running.Load(), "closed means none is running")
	require.LessOrEqual(t, most.Load(), int32(2))
	after := ended.Load()
	other := p.NewQueue(nil, 4)
	done := make(chan struct{})
	other.Add(func() { close(done) })
	<-done
	other.Close()
	require.Equal(t, after, ended.Load(), "dropped tasks stay dropped")
}

// TestLentWorkers: others work for those whose tasks wait, and no more of them than were lent.
func TestLentWorkers(t *testing.T) {
	p := New(1)
	defer p.Close()
	slow, other := p.NewQueue(nil, 2), p.NewQueue(nil, 9)
	hold := make(chan struct{})
	begun := make(chan struct{}, 2)
	for range 2 {
		slow.Add(func() { begun <- struct{}{}; <-hold })
	}
	<-begun
	var running, most atomic.Int32
	done := make(chan struct{}, 100)
	task := func() {
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(100 * time.Microsecond)
		running.Add(-1)
		done <- struct{}{}
	}
	for range 50 {
		other.Add(task)
	}
	require.Zero(t, len(done), "the worker waits")
	p.Lend(1)
	<-begun // the other of the slow ones holds the lent one
	p.Lend(1)
	for range 50 {
		<-done
	}
	require.EqualValues(t, 1, most.Load(), "as many as before")
	close(hold)
	p.Lend(-2)
	for range 50 {
		other.Add(task)
	}
	for range 50 {
		<-done
	}
	require.Eventually(t, func() bool { p.mu.Lock(); defer p.mu.Unlock(); return p.alive == 1 || p.idle == p.alive }, time.Minute, time.Millisecond)
	slow.Close()
	other.Close()
}
