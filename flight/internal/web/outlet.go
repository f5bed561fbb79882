package web

import (
	"net/http"
	"time"
)

// outlet is where an answer goes. A client that takes nothing for too long loses its connection.
type outlet struct {
	http.ResponseWriter
	deadline *http.ResponseController
	started  bool
	stalled  time.Duration // at most for one piece
	sent     func(bytes int64)
	most     int64 // bytes of the whole answer, before what gzip makes of it
	wrote    int64
}

const piece = 256 << 10

// Write is io.Writer, piece by piece.
func (o *outlet) Write(p []byte) (n int, err error) {
	if o.wrote += int64(len(p)); o.wrote > o.most {
		return 0, tooMany(o.most)
	}
	o.started = true
	for err == nil && n < len(p) {
		var m int
		_ = o.deadline.SetWriteDeadline(time.Now().Add(o.stalled)) // a test's recorder has none
		m, err = o.ResponseWriter.Write(p[n:min(n+piece, len(p))])
		n += m
		o.sent(int64(m))
	}
	return n, err
}

// Unwrap is for http.ResponseController.
func (o *outlet) Unwrap() http.ResponseWriter { return o.ResponseWriter }
