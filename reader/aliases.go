package reader

import (
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader/internal/attributes"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/counters"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// What of the packages below is part of this one's promise.
type (
	Request   = protocol.Request
	Stream    = protocol.Stream
	Block     = protocol.Block
	Remainder = protocol.Remainder

	Tree      = protocol.Tree
	GroupInfo = protocol.GroupInfo
	LinkInfo  = protocol.LinkInfo
	Info      = protocol.Info
	Count     = protocol.Count

	Location     = location.Location
	AttributeSet = attributes.Set
	Placement    = fill.Placement
	Memory       = fill.Memory
	ChunkError   = store.ChunkError // among the causes of an error of a Run

	Identity    = blockio.Identity // tells a state of a file from others
	Bounds      = match.Bounds
	Counters    = counters.Counters
	Disk        = counters.Disk
	Explanation = explain.Explanation
	Statistics  = match.Statistics
	ChunkStats  = match.ChunkStats
	ColumnStats = match.ColumnStats
)

var At = location.At // the location of a path on disk, or of a URL of a store, that no client sent
// The remainders.
const (
	KeepRemainder = protocol.KeepRemainder
	DropRemainder = protocol.DropRemainder
	OnlyRemainder = protocol.OnlyRemainder
)

// Uses of PyTables' column indexes: Request.Index.
const (
	IndexAuto = protocol.IndexAuto
	IndexOff  = protocol.IndexOff
	IndexOnly = protocol.IndexOnly
)

// Unknown is a Count that nothing says.
const Unknown = protocol.Unknown
