package sched

import (
	"bytes"
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
	q := p.NewQueue(1)
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
	a, b := p.NewQueue(1), p.NewQueue(1)
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

func TestFirstGoesBeforeOthersInTurns(t *testing.T) {
	p := New(1)
	defer p.Close()
	a, b, c := p.NewQueue(1), p.NewQueue(1), p.NewQueue(1)
	c.First()
	defer c.Close()
	defer a.Close()
	defer b.Close()
	var order []byte
	hold := make(chan struct{})
	var wg sync.WaitGroup
	wg.Add(13)
	a.Add(func() { <-hold; wg.Done() })
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
	require.Equal(t, byte('c'), order[0], "%s", order)
	require.NotEqual(t, byte('c'), order[1], "%s", order)
	require.Less(t, bytes.LastIndexByte(order, 'c'), 9, "%s", order)
}

func TestLimitAndClose(t *testing.T) {
	p := New(4)
	defer p.Close()
	q := p.NewQueue(2)
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
	other := p.NewQueue(4)
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
	slow, other := p.NewQueue(2), p.NewQueue(9)
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
