package output

import (
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/util"
	"github.com/schollz/progressbar/v3"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/internal/sink"
)

// Progress shows bytes, rate and time left where there is a terminal to see it; else it only counts. The bytes to come
// are reckoned from the rows, by those seen so far.
type Progress struct {
	bar   *progressbar.ProgressBar // nil: not shown
	start time.Time
	total int64 // rows, -1 if unknown
	bytes int64
	rows  int64
}

// NewProgress begins to count, for total rows, -1 where that is not known.
func NewProgress(errOut io.Writer, show bool, total int64) *Progress {
	p := &Progress{start: time.Now(), total: total}
	if show && terminal.Of(errOut).Terminal {
		p.bar = progressbar.NewOptions64(-1, progressbar.OptionSetWriter(errOut), progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionFullWidth(), progressbar.OptionClearOnFinish())
	}
	return p
}

func (p *Progress) add(r arrow.Record) {
	n := util.TotalRecordSize(r)
	p.bytes += n
	p.rows += r.NumRows()
	if p.bar != nil {
		if p.total > 0 && p.rows > 0 {
			p.bar.ChangeMax64(max(p.bytes, int64(float64(p.bytes)/float64(p.rows)*float64(p.total))))
		}
		_ = p.bar.Add64(n) // a terminal that can't be written to is no reason to stop
	}
}

func (p *Progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// rate is in bytes a second since the start.
func (p *Progress) rate() int64 {
	return int64(float64(p.bytes) / max(time.Since(p.start).Seconds(), 1e-6))
}

// Copy moves at most `most` rows, all if it is negative. It has them counted.
func Copy(s sink.Sink, rows array.RecordReader, most int64, p *Progress) error {
	defer p.finish()
	for most != p.rows && rows.Next() {
		r := rows.Record()
		if most >= 0 && r.NumRows() > most-p.rows {
			r = r.NewSlice(0, most-p.rows)
			defer r.Release()
		}
		if err := s.Write(r); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		p.add(r)
	}
	if most == p.rows {
		return nil
	}
	return rows.Err()
}
