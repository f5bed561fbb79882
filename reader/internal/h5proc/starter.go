package h5proc

import "runtime"

// starter starts helpers in a thread of its own: the kernel ends a helper when the thread that started it ends, and Go's
// threads come and go.
type starter chan func()

func newStarter() starter {
	s := make(starter)
	go func() {
		runtime.LockOSThread() // which ends with this goroutine, and then with it what was started
		for start := range s {
			start()
		}
	}()
	return s
}

// do runs f there.
func (s starter) do(f func() error) (err error) {
	done := make(chan struct{})
	s <- func() {
		defer close(done)
		err = f()
	}
	<-done
	return err
}

func (s starter) end() { close(s) }
