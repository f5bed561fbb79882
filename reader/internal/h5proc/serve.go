package h5proc

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"

	"github.com/mtflight/mtflight/internal/fault"
)

// helperEnv marks a process as a helper and carries its settings as JSON.
const helperEnv = "MTFLIGHT_HDF5_HELPER"

type settings struct {
	Memory int64
	Roots  []string
}

// maxSlab bounds one slab read.
const maxSlab = 1 << 30

// MaybeServe turns this process into a helper if it was started as one: it serves until its parent is gone and does
// not return. Otherwise it returns at once. Call it first in main, and in TestMain.
func MaybeServe() {
	text, ok := os.LookupEnv(helperEnv)
	if !ok {
		return
	}
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		os.Exit(2)
	}
	confine(s.Memory)
	serve(os.NewFile(3, "requests"), os.NewFile(4, "answers"), s)
	os.Exit(0)
}

// serve answers requests one by one. A goroutine waits for the next one, so that the end of the parent is noticed even
// while libhdf5 is stuck.
func serve(in io.Reader, out io.Writer, s settings) {
	requests := make(chan *request)
	go func() {
		r := bufio.NewReader(in)
		for {
			q := &request{}
			if err := readFrame(r, q, maxRequest); err != nil {
				os.Exit(0)
			}
			requests <- q
		}
	}()
	open := files{roots: s.Roots}
	var room []byte
	for q := range requests {
		if err := serveOne(&open, q, slabRoom(&room, q.Bytes), out); err != nil {
			return
		}
	}
}

// slabRoom is where a slab goes: zeroing fresh memory for each would take longer than some filters. Room for a large one
// isn't kept.
func slabRoom(kept *[]byte, n uint64) []byte {
	const most = 16 << 20
	switch {
	case n > maxSlab:
		return nil // does not fit the request, which is refused for it
	case n > most:
		return make([]byte, n)
	case n > uint64(cap(*kept)):
		*kept = make([]byte, n)
	}
	return (*kept)[:n]
}

// serveOne answers one request; dst is where a slab goes.
func serveOne(open *files, q *request, dst []byte, out io.Writer) error {
	if _, err := out.Write([]byte{picked}); err != nil {
		return err
	}
	r, err := open.answer(context.Background(), q, dst)
	setError(r, err)
	frame, err := encodeFrame(r, maxResponse)
	if err != nil { // too large, not broken
		r = &response{}
		setError(r, fault.New(fault.Exhausted, "h5proc: the answer is too large: %w", err))
		if frame, err = encodeFrame(r, maxResponse); err != nil {
			return err
		}
	}
	if _, err := out.Write(frame); err != nil {
		return err
	}
	if q.Op == opSlab && r.Kind == 0 {
		_, err = out.Write(dst)
	}
	return err
}
