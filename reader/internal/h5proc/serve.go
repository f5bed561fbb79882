package h5proc

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/jail"
	"github.com/mtflight/mtflight/reader/internal/h5c"
)

// helperEnv marks a process as a helper and carries its settings as JSON.
const helperEnv = "MTFLIGHT_HDF5_HELPER"

type settings struct {
	Role   role
	Memory int64
	Shared int      // bytes of memory shared with the parent, file 5
	Load   []uint16 // filters whose plug-ins a filter helper loads before it is sealed
	Trust  h5c.Trust
}

// maxSlab bounds one slab read.
const maxSlab = 1 << 30

// init turns a process that was started as a helper into one, before main: a program that embeds the reader would
// otherwise run again, open the same file, and start a helper, without end. The goroutine of init is bound to a thread,
// and each answer would wait for the switch to it.
func init() {
	if text, ok := os.LookupEnv(helperEnv); ok {
		go help(text)
		select {}
	}
}

// help serves until the parent is gone, and does not return.
func help(text string) {
	var s settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		os.Exit(2)
	}
	memory, err := shared(s.Shared)
	if err != nil {
		os.Exit(2)
	}
	_ = unix.SetNonblock(3, true) // so that who waits for requests holds no thread
	demand(jail.Enter(s.Memory))
	in, out := os.NewFile(3, "requests"), os.NewFile(4, "answers")
	if s.Role == filterRole {
		h5c.Admit(s.Trust)
		serveFilters(in, out, memory, s.Load)
	} else {
		serve(in, out, os.NewFile(6, "file"), memory)
	}
	os.Exit(0)
}

// demand ends a helper that is not confined, with the reason.
func demand(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, unconfined, err)
		os.Exit(2)
	}
}

// incoming reads requests. A goroutine waits for the next one, so that the end of the parent is noticed even while a call
// is stuck.
func incoming[T any](in io.Reader, read func(io.Reader) (T, error)) <-chan T {
	requests := make(chan T)
	go func() {
		for r := bufio.NewReader(in); ; {
			q, err := read(r)
			if err != nil {
				os.Exit(0)
			}
			requests <- q
		}
	}()
	return requests
}

// serve answers one request about the file of a descriptor. It opens no file any more, this one neither. A slab that fits
// into the shared memory is left there.
func serve(in io.Reader, out io.Writer, disk *os.File, slabs []byte) {
	demand(jail.Seal())
	q := <-incoming(in, func(r io.Reader) (*request, error) {
		q := &request{}
		return q, readFrame(r, q, maxRequest)
	})
	dst, left := slabs, true
	if q.Bytes <= uint64(len(slabs)) {
		dst = slabs[:q.Bytes]
	} else if left = false; q.Bytes <= maxSlab {
		dst = make([]byte, q.Bytes)
	} // else it does not fit the request, which is refused for it
	_ = serveOne(disk, q, dst, left, out)
}

// serveOne answers one request; dst is where a slab goes, and left says that it stays there.
func serveOne(disk *os.File, q *request, dst []byte, left bool, out io.Writer) error {
	if _, err := out.Write([]byte{picked}); err != nil {
		return err
	}
	r, err := answer(context.Background(), disk, q, dst)
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
	if q.Op == opSlab && r.Kind == 0 && !left {
		_, err = out.Write(dst)
	}
	return err
}

// answer carries out a request; dst is where a slab goes.
func answer(ctx context.Context, disk *os.File, q *request, dst []byte) (*response, error) {
	r := &response{}
	f, err := h5c.Open(disk)
	if err != nil {
		return r, err
	}
	defer f.Close()
	switch q.Op {
	case opTree:
		r.File, err = f.Tree(ctx)
	case opDataset:
		r.Dataset, err = f.Dataset(q.Name)
	case opSlab:
		err = f.ReadSlab(q.Name, q.Start, q.Count, dst)
	default:
		err = fmt.Errorf("h5proc: operation %d", q.Op)
	}
	return r, err
}
