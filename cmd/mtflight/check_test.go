package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCheckTells: by exit code, as text and as JSON.
func TestCheckTells(t *testing.T) {
	out := succeed(t, "check", tables, arrays)
	require.Contains(t, out, tables+": sound\n  datasets: 16 (5 without checksums of their values), groups: 5, attributes: 224\n")

	b, err := os.ReadFile("../../testdata/latest.h5")
	require.NoError(t, err)
	const place = 28440 // in chunk 3 of /growing2, of which each has a checksum
	b[place] ^= 1
	damaged := filepath.Join(t.TempDir(), "damaged.h5")
	require.NoError(t, os.WriteFile(damaged, b, 0o600))
	code, out, errOut := command(t, "check", tables, damaged)
	require.Equal(t, 5, code)
	require.Contains(t, out, damaged+": DAMAGED\n  /growing2 chunk [1 0] (rows 40:80): ")
	require.Contains(t, out, "readable: ")
	require.Equal(t, "mtflight: check: 1 of 2 files damaged or unreadable\n", errOut)

	code, out, _ = command(t, "check", "--json", damaged)
	require.Equal(t, 5, code)
	var told struct {
		State    string
		Datasets []struct {
			Path     string
			RowsLost int `json:"rows_lost"`
			Damage   []struct{ Address, Number uint64 }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &told))
	require.Equal(t, "damaged", told.State)
	lost := 0
	for _, d := range told.Datasets {
		if lost += d.RowsLost; d.RowsLost > 0 {
			require.Equal(t, "/growing2", d.Path)
			require.Len(t, d.Damage, 1)
			require.LessOrEqual(t, d.Damage[0].Address, uint64(place))
			require.Less(t, uint64(place), d.Damage[0].Address+40*5*4+4)
		}
	}
	require.Equal(t, 40, lost)

	code, _, errOut = command(t, "check", "../../testdata/refused.h5", tables)
	require.Equal(t, 4, code)
	require.True(t, strings.Contains(errOut, "not everything in ../../testdata/refused.h5 could be read"), errOut)
	code, _, _ = command(t, "check", tables, "absent.h5")
	require.Equal(t, 3, code)
	code, _, errOut = command(t, "check")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "a file is expected")
}
