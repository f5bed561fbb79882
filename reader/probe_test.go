package reader

import (
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/bufpool"
)

func TestNextSet(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for n := range 70 {
		set := make([]byte, n)
		var want, got []int64
		for i := range set {
			if set[i] = byte(rng.Intn(8) / 7); set[i] != 0 {
				want = append(want, int64(i))
			}
		}
		for i := next(set, 0); i < int64(n); i = next(set, i+1) {
			got = append(got, i)
		}
		require.Equal(t, want, got)
	}
}

func TestKept(t *testing.T) {
	mem := &bufpool.Memory{Budget: bufpool.NewBudget(8<<20, time.Second), Pool: bufpool.NewPool(8 << 20)}
	k := newKept(mem, 100, 0)
	rows := make([]byte, 100*777)
	for i := range rows {
		rows[i] = byte(i / 100)
	}
	var all []byte
	for k.add(rows) {
		all = append(all, rows...)
		require.EqualValues(t, len(all)/100, k.Len())
	}
	require.Greater(t, len(all), 1<<20)
	require.LessOrEqual(t, mem.Budget.Used(), int64(2<<20), "a quarter of the budget")
	for i, s := range k.segments {
		from := i * int(k.band) * 100
		if from < len(all) {
			to := min(len(all), from+len(s))
			require.Equal(t, all[from:to], s[:to-from])
		}
	}
	k.close()
	require.Zero(t, mem.Budget.Used())
}

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
