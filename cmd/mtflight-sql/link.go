package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mtflight/mtflight/internal/sqlwire"
)

// link is the two pipes to the server. Frames that come are told to who waits for them.
type link struct {
	in, out *os.File
	writing sync.Mutex
	answers chan sqlwire.Frame // but for rows

	mu    sync.Mutex
	scans map[uint32]*scan
	next  uint32
}

func newLink(in, out *os.File) *link {
	return &link{in: in, out: out, answers: make(chan sqlwire.Frame, 4), scans: map[uint32]*scan{}}
}

// serve answers the one statement.
func (l *link) serve(db *database) error {
	first, err := sqlwire.Read(l.in, nil)
	if errors.Is(err, io.EOF) { // it was not needed
		return nil
	}
	var s sqlwire.Statement
	if err == nil {
		err = json.Unmarshal(first.Payload, &s)
	}
	if err != nil {
		return fmt.Errorf("no statement came: %w", err)
	}
	go l.receive()
	if err := db.answer(l, s); err != nil {
		return l.sendJSON(sqlwire.Failed, 0, failureOf(err))
	}
	return l.send(sqlwire.Done, 0)
}

// receive takes the server's frames. Without the server there is nothing to do.
func (l *link) receive() {
	for {
		f, err := sqlwire.Read(l.in, nil)
		if err != nil {
			os.Exit(0)
		}
		if f.Kind != sqlwire.Rows && f.Kind != sqlwire.End {
			l.answers <- f
			continue
		}
		l.mu.Lock()
		s := l.scans[f.Scan]
		l.mu.Unlock()
		s.came <- f // which has room for all that was asked for
	}
}

func (l *link) send(kind sqlwire.Kind, scan uint32, parts ...[]byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return sqlwire.Write(l.out, kind, scan, parts...)
}

func (l *link) sendJSON(kind sqlwire.Kind, scan uint32, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return l.send(kind, scan, text)
}

// failure is an error of a kind that the server knows.
type failure struct{ sqlwire.Failure }

func (f failure) Error() string { return f.Message }

func failed(kind, format string, args ...any) error {
	return failure{sqlwire.Failure{Kind: kind, Message: fmt.Sprintf(format, args...)}}
}

func failureOf(err error) sqlwire.Failure {
	var f failure
	if errors.As(err, &f) {
		return f.Failure
	}
	return sqlwire.Failure{Kind: "internal", Message: err.Error()}
}
