package bench

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// subject is the dataset that is measured, with what it takes.
type subject struct {
	bench  Bench
	engine *reader.Engine // which keeps nothing that was decoded
	plan   *reader.Plan
	report *Report
	ends   []func() // last one first
}

// open plans a read of the whole dataset.
func (b Bench) open(ctx context.Context) (s *subject, err error) {
	s = &subject{bench: b}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if s.engine, err = reader.NewEngine(without(b.Engine)); err != nil {
		return s, err
	}
	s.ends = append(s.ends, func() { _ = s.engine.Close() }) // measured and done
	at, err := reader.At(b.File)
	if err != nil {
		return s, err
	}
	file, err := s.engine.Open(ctx, at)
	if err != nil {
		return s, err
	}
	d, err := file.Dataset(ctx, b.Dataset)
	if err != nil {
		return s, err
	}
	if s.plan, err = d.Plan(ctx, protocol.Request{Fields: b.Fields}); err != nil {
		return s, err
	}
	info := d.Info()
	s.report = &Report{Bytes: int64(info.Bytes), Filters: info.Filters, Workers: s.engine.Counters().Workers}
	if s.report.Bytes <= 0 {
		return s, fault.New(fault.Invalid, "bench: %s: it has no elements", b.Dataset)
	}
	return s, nil
}

// without is an engine's configuration without a cache of columns.
func without(c reader.Config) reader.Config {
	c.Cache = -1
	return c
}

func (s *subject) close() {
	for i := len(s.ends) - 1; i >= 0; i-- {
		s.ends[i]()
	}
}

// stages are those of Command's text.
func (s *subject) stages(ctx context.Context) ([]measured, error) {
	out := []measured{{name: memory, bytes: copied, do: s.copy}}
	apart, err := s.apart(ctx)
	if err != nil {
		return nil, err
	}
	out = append(append(out, apart...), measured{name: all, bytes: s.report.Bytes, do: s.read})
	if objectstore.Is(s.bench.File) {
		const why = "not measured of files in stores"
		return append(out, measured{name: sent, why: why}, measured{name: served, why: why}), nil
	}
	kept, err := s.sent(ctx)
	if err != nil {
		return nil, err
	}
	whole, err := s.served(ctx)
	return append(out, kept, whole), err
}

// copied is how many bytes are copied in memory, block by block.
const copied, block = 1 << 30, 4 << 20

// copy copies them in the workers.
func (s *subject) copy(context.Context) error {
	var group sync.WaitGroup
	for range s.report.Workers {
		group.Go(func() {
			from, to := make([]byte, block), make([]byte, block)
			for left := copied / s.report.Workers; left > 0; left -= block {
				copy(to, from)
			}
		})
	}
	group.Wait()
	return nil
}

// apart are reading and decoding, each alone.
func (s *subject) apart(ctx context.Context) ([]measured, error) {
	st, err := s.plan.Stages(mostStored)
	if err != nil {
		if why := strings.TrimPrefix(err.Error(), "unsupported: "); errors.Is(err, fault.Unsupported) {
			return []measured{{name: read, why: why}, {name: decode, why: why}}, nil
		}
		return nil, err
	}
	stored, elements := st.Bytes()
	s.report.Stored = stored
	one := measured{name: read, bytes: elements, do: st.Read}
	if len(s.report.Filters) == 0 {
		return []measured{one, {name: decode, why: "it has no filters"}}, nil
	}
	held, err := st.Hold(ctx)
	if err != nil {
		return nil, err
	}
	s.ends = append(s.ends, held.Close)
	_, elements = held.Bytes()
	return []measured{one, {name: decode, bytes: elements, do: held.Decode}}, nil
}

// read reads all of it to Arrow.
func (s *subject) read(ctx context.Context) error {
	run := s.plan.Run(ctx)
	defer run.Release()
	for run.Next() {
	}
	return run.Err()
}
