// Package cputime bounds, in tests, what a call costs, however busy the machine is with other things: by the processor time of its
// goroutine, which stands still while that waits for a processor. What is left to other goroutines is not counted.
package cputime

import (
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Below begins to count; stop, which the same goroutine calls, fails the test unless less than most was used by then.
func Below(t testing.TB, most time.Duration) (stop func()) {
	runtime.LockOSThread()
	start := used()
	return func() {
		took := used() - start
		runtime.UnlockOSThread()
		require.Less(t, took, most, "processor time")
	}
}

// used is the processor time of this thread so far.
func used() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
