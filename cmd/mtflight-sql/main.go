// Command mtflight-sql is the SQL engine of an mtflight server, DuckDB, in a process of its own: it answers one statement, over two pipes,
// and ends. It gets the rows of tables from the server, opens no file and no socket, and is confined as the server's other helpers are.
// It is of no use by hand.
package main

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/mtflight/mtflight/internal/jail"
)

// memoryEnv is how many bytes the statement may take.
const memoryEnv = "MTFLIGHT_SQL_MEMORY"

// headroom is address space beside what the statement may take: stacks of threads, the heap's arenas, libraries' own.
const headroom = 2 << 30

func main() {
	memory, err := strconv.ParseInt(os.Getenv(memoryEnv), 10, 64)
	if err != nil || memory <= 0 {
		fmt.Fprintln(os.Stderr, "mtflight-sql is started by mtflight serve, beside which it is looked for (--sql PATH says where else)")
		os.Exit(2)
	}
	if err := run(memory); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Descriptors of the pipes.
const (
	asked    = 3
	answered = 4
)

func run(memory int64) error {
	debug.SetMemoryLimit(max(memory/8, 16<<20))
	if err := watch(memory); err != nil {
		return err
	}
	if err := jail.Enter(2*memory + headroom); err != nil {
		return fmt.Errorf("the SQL engine cannot be confined: %w", err)
	}
	db, err := open(memory - max(memory/4, 24<<20)) // the rest is for what DuckDB does not count, and for rows on their way
	if err != nil {
		return err
	}
	if err := jail.Seal(); err != nil {
		return fmt.Errorf("the SQL engine cannot be confined: %w", err)
	}
	l := newLink(os.NewFile(asked, "asked"), os.NewFile(answered, "answered"))
	return l.serve(db)
}
