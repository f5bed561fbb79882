package cputime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// failed is a test that may fail.
type failed struct {
	testing.TB
	is bool
}

func (f *failed) Helper()               {}
func (f *failed) Errorf(string, ...any) { f.is = true }
func (f *failed) FailNow()              {}

func TestBelow(t *testing.T) {
	idle, busy := &failed{TB: t}, &failed{TB: t}
	stop := Below(idle, 50*time.Millisecond)
	time.Sleep(100 * time.Millisecond)
	stop()
	require.False(t, idle.is, "whoever sleeps takes nothing")
	stop = Below(busy, 20*time.Millisecond)
	for start := used(); used()-start < 50*time.Millisecond; {
	}
	stop()
	require.True(t, busy.is)
}
