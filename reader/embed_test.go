package reader

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// embedding is a program of a user who has read no more than the package's example.
const embedding = `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mtflight/mtflight/reader"
)

func read(ctx context.Context, file string) (rows int64, err error) {
	eng, err := reader.NewEngine(reader.Config{})
	if err != nil {
		return 0, err
	}
	defer eng.Close()
	f, err := eng.Open(ctx, reader.Location{Path: file})
	if err != nil {
		return 0, err
	}
	ds, err := f.Dataset(ctx, "/events")
	if err != nil {
		return 0, err
	}
	plan, err := ds.Plan(ctx, reader.Request{Fields: []string{"t"}})
	if err != nil {
		return 0, err
	}
	run := plan.Run(ctx)
	defer run.Release()
	for run.Next() {
		rows += run.Record().NumRows()
	}
	return rows, run.Err()
}

func main() {
	mains, _ := os.OpenFile("MAINS", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	fmt.Fprintln(mains, "main")
	fmt.Println(read(context.Background(), "FILE"))
}
`

// likeThis are flags that have go build make what is there already.
func likeThis() (flags []string) {
	for _, key := range []string{"-race", "-tags"} {
		if value, ok := builtWith()[key]; ok {
			flags = append(flags, key+"="+value)
		}
	}
	return flags
}

// A program that embeds this package needs nothing but its calls: a helper is never a second run of its main, which
// would open the file again, in a helper of its own, and so on.
func TestEmbeddingNeedsNoSetUp(t *testing.T) {
	dir := t.TempDir()
	source, program, mains := filepath.Join(dir, "main.go"), filepath.Join(dir, "program"), filepath.Join(dir, "mains")
	file, err := filepath.Abs("../testdata/tables.h5")
	require.NoError(t, err)
	text := strings.NewReplacer("FILE", file, "MAINS", mains).Replace(embedding)
	require.NoError(t, os.WriteFile(source, []byte(text), 0o600))
	said, err := exec.Command("go", append([]string{"build", "-o", program}, append(likeThis(), source)...)...).CombinedOutput()
	require.NoError(t, err, string(said))

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // what it has started, too
	cmd.WaitDelay = time.Second
	said, err = cmd.CombinedOutput()
	started, _ := os.ReadFile(mains)
	require.NoError(t, err, "%d processes ran main: %s", strings.Count(string(started), "\n"), said)
	require.Equal(t, "5000 <nil>\n", string(said))
	require.Equal(t, "main\n", string(started))
}
