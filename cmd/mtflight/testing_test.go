package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	tables = "../../testdata/tables.h5"
	arrays = "../../testdata/arrays.h5"
	types  = "../../testdata/types.h5"
	pandas = "../../testdata/pandas.h5"
)

// TestMain has commands wait for longer than users like to: machines that test are busy.
func TestMain(m *testing.M) {
	dialTimeout, lookTime, completeTime = time.Minute, time.Minute, time.Minute
	os.Exit(m.Run())
}

// command runs one command line and gives what it printed.
func command(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(context.Background(), args, &o, &e)
	return code, o.String(), e.String()
}

// succeed is command that must exit with 0.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errOut := command(t, args...)
	require.Zero(t, code, "%v: %s", args, errOut)
	return out
}

// textFile is one that is only named like HDF5.
func textFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "text.h5")
	require.NoError(t, os.WriteFile(path, []byte("no data here, only words\n"), 0o600))
	return path
}

// settle waits until a file that was just written is one of which something is kept.
func settle(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	require.NoError(t, err)
	changed := time.Unix(0, info.Sys().(*syscall.Stat_t).Ctim.Nano())
	time.Sleep(time.Until(changed.Add(2 * time.Second)))
}
