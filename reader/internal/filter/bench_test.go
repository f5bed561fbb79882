package filter

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkDecode decodes the 1 MiB chunks that testdata/make.py --bench DIR writes, given as MTFLIGHT_BENCH=DIR, on one
// goroutine and on as many as there are CPUs; MB/s count decoded bytes, all of which are in their place afterwards.
func BenchmarkDecode(b *testing.B) {
	dir := os.Getenv("MTFLIGHT_BENCH")
	if dir == "" {
		b.Skip("MTFLIGHT_BENCH names no directory with a bench.zip")
	}
	for _, c := range load(b, filepath.Join(dir, "bench.zip")) {
		p, stored := pipeline(b, c.Elem, c.specs()...), []byte(c.Stored)
		decoder := func() func() {
			s, dst := NewScratch(nil, nil), make([]byte, len(c.Decoded))
			return func() { require.NoError(b, p.DecodeInto(s, stored, c.Mask, dst)) }
		}
		b.Run(c.Name+"/one", func(b *testing.B) {
			decode := decoder()
			b.SetBytes(int64(len(c.Decoded)))
			for b.Loop() {
				decode()
			}
		})
		b.Run(c.Name+"/all", func(b *testing.B) {
			b.SetBytes(int64(len(c.Decoded)))
			b.RunParallel(func(pb *testing.PB) {
				for decode := decoder(); pb.Next(); {
					decode()
				}
			})
		})
	}
}
