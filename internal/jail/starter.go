package jail

import "runtime"

// Starter starts helpers in a thread of its own: the kernel ends a helper when the thread that started it ends, and Go's
// threads come and go.
type Starter chan func()

// NewStarter makes one, which the caller ends.
func NewStarter() Starter {
	s := make(Starter)
	go func() {
		runtime.LockOSThread() // which ends with this goroutine, and then with it what was started
		for start := range s {
			start()
		}
	}()
	return s
}

// Do runs f there.
func (s Starter) Do(f func() error) (err error) {
	done := make(chan struct{})
	s <- func() {
		defer close(done)
		err = f()
	}
	<-done
	return err
}

// End ends the thread, and with it what was started in it.
func (s Starter) End() { close(s) }
