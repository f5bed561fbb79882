package flight

import (
	"context"
	"errors"
	"net"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/peer"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/stage"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// stageTime is how long a client may leave a staged file alone; what it has mapped by then it keeps.
const stageTime = 10 * time.Minute

// openStages makes the server's place in shared memory. Without it a server can do everything else, so that what is
// wrong is said when somebody asks.
func (s *Server) openStages() {
	if s.cfg.StageDir == "" {
		s.noStages = fault.New(fault.Unsupported, "stage: the server has no --stage-dir: ask by DoGet")
		return
	}
	limit := s.cfg.StageMemory
	if limit <= 0 {
		_, budget := s.engine.Memory()
		limit = budget / 2
	}
	s.stages, s.noStages = stage.Open(s.cfg.StageDir, limit, s.engine)
	if s.noStages != nil {
		s.log.Warn("nothing can be staged", zap.Error(s.noStages))
	}
}

func (s *Server) closeStages() error {
	if s.stages == nil {
		return nil
	}
	return s.stages.Close()
}

// staging checks that the client may have data staged and plans its request.
func (s *Server) staging(ctx context.Context, body []byte) (*reader.Plan, error) {
	if s.noStages != nil {
		return nil, s.noStages
	}
	if err := sameHost(ctx); err != nil {
		return nil, err
	}
	if err := s.roomToStage(ctx); err != nil {
		return nil, err
	}
	r, err := protocol.ParseTicket(body)
	if err != nil {
		return nil, err
	}
	return s.plan(ctx, r)
}

// roomToStage refuses an identity (without a login a connection) more results than it may have, each of which is an open file, and all of them a quarter
// of those: there the oldest of who has the most gives way.
func (s *Server) roomToStage(ctx context.Context) error {
	if most := s.cfg.Limits.Leases; s.stages.LeasesOf(ownerOf(ctx)) >= most {
		return fault.New(fault.Exhausted, "stage: you have %d results and rings already: release some first, or raise --max-leases", most)
	}
	if most := max(1, admission.OpenFiles()/4); s.stages.Leases() >= most {
		if gave, err := s.stages.GiveWay(ownerOf(ctx)); gave {
			return err
		}
		return fault.Later(fault.New(fault.Exhausted, "stage: there are %d results and rings already: ask again later, by DoGet, or raise ulimit -n", most))
	}
	return nil
}

// sameHost refuses clients that cannot map our files.
func sameHost(ctx context.Context) error {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return fault.New(fault.Denied, "stage: nothing is known of the client's address")
	}
	switch a := p.Addr.(type) {
	case *net.UnixAddr:
		return nil
	case *net.TCPAddr:
		if a.IP.IsLoopback() {
			return nil
		}
	}
	return fault.New(fault.Denied, "stage: only clients on the server's host can map shared memory: connect by a Unix socket or a loopback address, or ask by DoGet")
}

// staged is the answer to stage.
type staged struct {
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"`
	Rows    int64  `json:"rows"`
	Lease   string `json:"lease"`
	Seconds int    `json:"seconds"`
}

func (s *Server) stage(ctx context.Context, body []byte, answer func(any) error) error {
	p, err := s.staging(ctx, body)
	if err != nil {
		return err
	}
	if p.Endless() {
		return fault.New(fault.Invalid, "stage: a stream without an end has no file: set stream.cycles, or ask for a ring")
	}
	if err := s.stages.Fits(p.Bytes()); err != nil {
		return err
	}
	f, err := s.stages.NewFile(p.Schema(), p.Bytes())
	if err != nil {
		return err
	}
	if err = fillFile(ctx, p, f); err == nil {
		err = f.Finish(ctx)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	callOf(ctx).sent(f.Rows(), f.Size())
	lease := s.stages.Lease(ownerOf(ctx), nil, f.Close)
	s.keep(ctx, lease)
	return answer(staged{Path: f.Path(), Bytes: f.Size(), Rows: f.Rows(), Lease: lease.ID, Seconds: int(stageTime.Seconds())})
}

// keep leaves a lease to its time and its connection.
func (s *Server) keep(ctx context.Context, l *stage.Lease) {
	connection := wire.LedgerOf(ctx)
	connection.AtEnd(l.ID, func() { s.endLease(l) })
	l.Expire(stageTime, func() { connection.NotAtEnd(l.ID) })
}

func (s *Server) endLease(l *stage.Lease) {
	if err := l.End(); err != nil {
		s.log.Warn("end of a lease", zap.Error(err))
	}
}

func fillFile(ctx context.Context, p *reader.Plan, f *stage.File) error {
	run := runIn(ctx, p, f, p.Bounded())
	defer run.Release()
	for run.Next() {
		if err := f.Write(ctx, run.Record(), run.Memory()); err != nil {
			return err
		}
	}
	return run.Err()
}

// runIn has the workers decode right into shared memory if they can.
func runIn(ctx context.Context, p *reader.Plan, at reader.Placement, can bool) *reader.Run {
	if can {
		return p.RunIn(ctx, at)
	}
	return p.Run(ctx)
}

// ringOpened is the first answer of ring, ringBlock every other one.
type ringOpened struct {
	Path  string `json:"path"`
	Slots int    `json:"slots"`
	Lease string `json:"lease"`
}

type ringBlock struct {
	stage.Slot
	reader.Block
}

var errReleased = fault.New(fault.Invalid, "stage: the ring was released")

func (s *Server) ring(ctx context.Context, body []byte, answer func(any) error) error {
	p, err := s.staging(ctx, body)
	if err != nil {
		return err
	}
	slots := p.ReadAhead() + 1
	bytes := p.BlockBytes() * int64(slots)
	if all := p.Bytes(); all >= 0 {
		bytes = min(bytes, all)
	}
	ring, err := s.stages.NewRing(p.Schema(), slots, bytes)
	if err != nil {
		return err
	}
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	left := make(chan struct{}) // by the workers
	lease := s.stages.Lease(ownerOf(ctx), ring, func() error {
		cancel(errReleased)
		<-left
		return ring.Close()
	})
	err = fillRing(running, p, ring, lease.ID, answer)
	close(left)
	if errors.Is(context.Cause(running), errReleased) {
		err = nil
	}
	if err != nil || ring.Finish() {
		return errors.Join(err, lease.End())
	}
	s.keep(ctx, lease)
	return nil
}

// fillRing sends the place of one block after the other. It returns when the workers have left the ring.
func fillRing(ctx context.Context, p *reader.Plan, ring *stage.Ring, lease string, answer func(any) error) error {
	if err := answer(ringOpened{Path: ring.Path(), Slots: ring.Slots(), Lease: lease}); err != nil {
		return err
	}
	c := callOf(ctx)
	run := runIn(ctx, p, ring, ring.InPlace())
	defer run.Release()
	for run.Next() {
		slot, err := ring.Write(ctx, run.Record(), run.Memory())
		if err != nil {
			return err
		}
		c.sent(run.Record().NumRows(), slot.Bytes)
		if err := answer(ringBlock{slot, run.Block()}); err != nil {
			return err
		}
	}
	return run.Err()
}

// ownerOf is whose a lease is.
func ownerOf(ctx context.Context) stage.Owner {
	return stage.Owner{Connection: wire.LedgerOf(ctx), Name: identity.Of(ctx).Name}
}

// release ends a lease, or takes slots of a ring back.
func (s *Server) release(ctx context.Context, body []byte, answer func(any) error) error {
	if s.noStages != nil {
		return s.noStages
	}
	r, err := stage.ParseRelease(body)
	if err != nil {
		return err
	}
	lease, err := s.stages.Find(ownerOf(ctx), r.ID)
	if err == nil {
		err = r.Of(lease)
	}
	if err != nil {
		return err
	}
	return answer(struct{}{})
}
