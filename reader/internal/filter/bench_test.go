package filter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkDecode decodes the 1 MiB chunks that testdata/make.py --bench DIR writes, given as MTFLIGHT_BENCH=DIR, on one
// goroutine; MB/s count decoded bytes, a shuffle left to the caller costs nothing.
func BenchmarkDecode(b *testing.B) {
	dir := os.Getenv("MTFLIGHT_BENCH")
	if dir == "" {
		b.Skip("MTFLIGHT_BENCH names no directory with a bench.zip")
	}
	for _, c := range load(b, filepath.Join(dir, "bench.zip")) {
		b.Run(c.Name, func(b *testing.B) {
			p, s, stored := pipeline(b, c.Elem, c.specs()...), NewScratch(nil, nil), []byte(c.Stored)
			b.SetBytes(int64(len(c.Decoded)))
			for b.Loop() {
				_, err := p.Decode(s, stored, c.Mask, len(c.Decoded))
				require.NoError(b, err)
			}
		})
	}
}
