package reader

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestConditionOfArrays asks arrays, whose whole chunks are decoded right into batches where there are batches.
func TestConditionOfArrays(t *testing.T) {
	for _, file := range []string{"layouts.h5", "latest.h5"} {
		f := corners(t, "../testdata/"+file, Config{Workers: 2, InProcess: true})
		all := rowsJSON(t, frameOf(t, f, "/line"), Request{})
		condition := "line >= 0"
		require.JSONEq(t, all, rowsJSON(t, frameOf(t, f, "/line"), Request{Where: &condition}))
		require.Len(t, strings.Split(all, ","), 200)
		none := "line < 0"
		require.JSONEq(t, `[]`, rowsJSON(t, frameOf(t, f, "/line"), Request{Where: &none}))
	}
}

// TestConditionWithoutDiskFails: rows are found and taken along until there are too many to note them in memory.
func TestConditionWithoutDiskFails(t *testing.T) {
	f := opened(t, "testdata/corners/earliest.h5", 32<<20)
	t.Setenv("TMPDIR", "/no/such/folder")
	condition := "endless == 3"
	p, err := frameOf(t, f, "/endless").Plan(t.Context(), Request{Where: &condition})
	require.NoError(t, err)
	run := p.Run(t.Context())
	defer run.Release()
	for run.Next() {
	}
	require.ErrorIs(t, run.Err(), ErrExhausted)
}
