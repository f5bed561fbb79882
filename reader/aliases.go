package reader

import (
	"github.com/mtflight/mtflight/reader/internal/attributes"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// What of the packages below is part of this one's promise.
type (
	Location     = location.Location
	AttributeSet = attributes.Set

	Block     = rows.Block
	Remainder = rows.Remainder
	Placement = fill.Placement
	Memory    = fill.Memory

	Explanation = explain.Explanation
	Statistics  = match.Statistics
	ChunkStats  = match.ChunkStats
	ColumnStats = match.ColumnStats
)

// The remainders.
const (
	KeepRemainder = rows.KeepRemainder
	DropRemainder = rows.DropRemainder
	OnlyRemainder = rows.OnlyRemainder
)

// Uses of PyTables' column indexes: Request.Index.
const (
	IndexAuto = match.IndexAuto
	IndexOff  = match.IndexOff
	IndexOnly = match.IndexOnly
)
