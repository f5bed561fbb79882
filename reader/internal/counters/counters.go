// Package counters tells what an engine has done, and what it holds now: Sources are where that is counted anyway, Counters what they say.
package counters

import (
	"sync/atomic"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/indexdir"
	"github.com/mtflight/mtflight/reader/internal/pages"
	"github.com/mtflight/mtflight/reader/internal/sched"
)

// Counters is what an engine has done since it was made, and what it holds now. Bytes and counts only grow where nothing else is said.
type Counters struct {
	Reads       int64 // system calls that read
	BytesRead   int64 // that they gave
	BytesMapped int64 // taken from files that are mapped, or mapped for the kernel to send

	ChunksDecoded, BytesDecoded int64 // that went through filters; bytes as they were before them

	TasksDone                           int64 // of workers
	TasksWaiting, TasksRunning, Workers int   // now
	BudgetUsed, BudgetLimit             int64 // bytes now: buffers, mapped pages, what was staged
	PagesHeld                           int64 // bytes now, part of BudgetUsed
	BudgetWaiting, BudgetWaits          int64 // requests that wait for bytes now; how often one had to
	ChunkCacheBytes, StatisticsBytes    int64 // now, beside the budget
	ColumnCacheBytes                    int64 // now, part of BudgetUsed
	ColumnHits, ColumnMisses            int64 // of columns of a batch, asked for in the cache
	AnswerHits, AnswerMisses            int64 // of conditions and orders, whose rows were asked for there
	ChunkHits, ChunkMisses              int64 // of chunks that were wanted in part
	KeptIndexes, KeptColumns            int64 // chunk indexes, and statistics of columns, that came from the index directory
	FileHits, FileMisses                int64 // files known when they were asked for, and not
	Files                               int64 // whose metadata is kept now
	Witnesses, FilterHelpers            Helpers
	Witnessed                           int64 // answers of libhdf5
	Disks                               []Disk
}

// Disk is what waits for a mounted file system now.
type Disk = disks.State

// Helpers are counts of helper processes of one role. Alive is now.
type Helpers = h5proc.Counts

// Sources are where an engine counts. The first ones count by themselves, the others are set before the first use.
type Sources struct {
	Tally                                  blockio.Tally
	FileHits, FileMisses, Files, Witnessed atomic.Int64

	Workers     *sched.Pool
	WorkerCount int
	Mem         *bufpool.Memory
	Pages       *pages.Keeper
	Chunks      *chunkcache.Cache
	Columns     *colcache.Cache
	Kept        *indexdir.Keeper
	Lib, Filter interface{ Counts() h5proc.Counts }
	Disks       *disks.Disks
}

// Now is what they say. It may be called at any time; values that belong together may be a moment apart.
func (s *Sources) Now() Counters {
	load := s.Workers.Load()
	c := Counters{
		Reads: s.Tally.Reads.Load(), BytesRead: s.Tally.Read.Load(), BytesMapped: s.Tally.Mapped.Load(),
		ChunksDecoded: s.Tally.Chunks.Load(), BytesDecoded: s.Tally.Decoded.Load(),
		TasksDone: load.Done, TasksWaiting: load.Waiting, TasksRunning: load.Running, Workers: s.WorkerCount,
		BudgetUsed: s.Mem.Budget.Used(), BudgetLimit: s.Mem.Budget.Limit(), PagesHeld: s.Pages.Held(),
		ChunkCacheBytes: s.Chunks.Used(), StatisticsBytes: s.Kept.Used(),
		FileHits: s.FileHits.Load(), FileMisses: s.FileMisses.Load(), Files: s.Files.Load(),
		Witnesses: s.Lib.Counts(), FilterHelpers: s.Filter.Counts(), Witnessed: s.Witnessed.Load(),
		Disks: s.Disks.States(),
	}
	c.KeptIndexes, c.KeptColumns = s.Kept.Indexes.Load(), s.Kept.Columns.Load()
	waiting, waits := s.Mem.Budget.Waits()
	c.BudgetWaiting, c.BudgetWaits = int64(waiting), waits
	c.ChunkHits, c.ChunkMisses = s.Chunks.Asked()
	c.ColumnCacheBytes = s.Columns.Held()
	c.AnswerHits, c.AnswerMisses = s.Columns.Answered()
	c.ColumnHits, c.ColumnMisses = s.Columns.Asked()
	return c
}
