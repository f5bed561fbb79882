package flight

import (
	"cmp"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/keepalive"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// Limits are of what clients may hold: docs/limits.md. Zero values are the defaults of DefaultLimits.
type Limits struct {
	Connections    int           // at once; at most half of the files that the process may have open
	Streams        int           // calls of one connection at once
	Header         int           // bytes of a call's header list, as HTTP/2 counts them
	ReceiveTimeout time.Duration // in which each message of a client has to come, the first one too
	Idle, Age      time.Duration // of connections: without a call, and in all, after which no more calls are taken and those that run go on
	MaxWait        time.Duration // for memory that others hold: the Engine's Config.MaxWait
	StallTimeout   time.Duration // that a client may take nothing of its stream while others wait for memory
	SQLTime        time.Duration // of a SQL statement, from its turn to its end
	SQLStatements  int           // of an identity (without a login of a connection) at once
	SQLMemory      int64         // bytes that each may take; beside the Engine's; 0: a sixteenth of it, in it
	SQLRows        int64         // of a statement's result; 0: all
	Leases         int           // results and rings of an identity (without a login of a connection) in shared memory
	NoReflection   bool          // gRPC's reflection is not served
}

// DefaultLimits is the one place of their defaults. Idle is longer than what is staged stays, which ends with its connection.
func DefaultLimits() Limits {
	return Limits{Connections: 1024, Streams: 128, Header: 16 << 10, ReceiveTimeout: 20 * time.Second, Idle: 30 * time.Minute, Age: 24 * time.Hour,
		MaxWait: 15 * time.Second, StallTimeout: 10 * time.Second, SQLTime: 10 * time.Minute, SQLStatements: 3, Leases: 256}
}

// complete fills in defaults, and checks the rest.
func (l Limits) complete() (Limits, error) {
	d := DefaultLimits()
	l.Connections, l.Streams, l.Header = cmp.Or(l.Connections, d.Connections), cmp.Or(l.Streams, d.Streams), cmp.Or(l.Header, d.Header)
	l.ReceiveTimeout, l.Idle, l.Age = cmp.Or(l.ReceiveTimeout, d.ReceiveTimeout), cmp.Or(l.Idle, d.Idle), cmp.Or(l.Age, d.Age)
	l.MaxWait, l.StallTimeout = cmp.Or(l.MaxWait, d.MaxWait), cmp.Or(l.StallTimeout, d.StallTimeout)
	l.SQLTime, l.SQLStatements, l.Leases = cmp.Or(l.SQLTime, d.SQLTime), cmp.Or(l.SQLStatements, d.SQLStatements), cmp.Or(l.Leases, d.Leases)
	if min(l.Connections, l.Leases, l.Streams, l.Header, l.SQLStatements) < 0 || min(l.SQLMemory, l.SQLRows) < 0 || max(l.Streams, l.Header) > math.MaxInt32 || min(l.ReceiveTimeout, l.Idle, l.Age, l.MaxWait, l.StallTimeout, l.SQLTime) < 0 {
		return l, fault.New(fault.Invalid, "flight: a limit is negative or too large: leave it out for its default")
	}
	l.Connections = min(l.Connections, max(1, admission.OpenFiles()/2))
	return l, nil
}

// calls is how many of all connections run at once: what each takes beside its batches is no more than a part of the memory.
func (l Limits) calls(e *reader.Engine) int {
	_, memory := e.Memory()
	return int(min(max(memory/callBytes, 256), int64(16*l.Streams)))
}

const handshakeTime = 20 * time.Second // of TLS and HTTP/2

// Sizes in bytes. A request is at most 1 MiB, but DoExchange sends batches. What a call sends before it is read stays within the
// window of its stream, a whole message is given room as it is read.
const (
	maxReceive   = 16 << 20
	receiveRoom  = maxReceive + maxReceive/4 // of all that is read and not taken yet
	streamWindow = 64 << 10
	windowSize   = 4 << 20 // of a connection
	callBytes    = 128 << 10
)

func (s *Server) options() []grpc.ServerOption {
	l := s.cfg.Limits
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(wire.NewCodec()),
		grpc.StatsHandler(wire.Connections{}),
		grpc.InTapHandle(s.door.Tap),
		experimental.BufferPool(s.door.Pool()),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
		grpc.Creds(wire.Handshaker{Failed: s.unheard}),
		grpc.ConnectionTimeout(handshakeTime),
		grpc.MaxConcurrentStreams(uint32(l.Streams)),
		grpc.MaxHeaderListSize(uint32(l.Header)),
		grpc.MaxRecvMsgSize(maxReceive),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(windowSize),
		grpc.WriteBufferSize(0), // gathering connections do better
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: l.Idle, MaxConnectionAge: l.Age, Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
}
