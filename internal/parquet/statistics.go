package parquet

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow/go/v15/arrow"
)

// observe takes values of a page without nulls into a row group's statistics: in plain encoding, booleans as 0 and 1.
func observe(to metadata.TypedStatistics, plain []byte, flags []int32) {
	switch to := to.(type) {
	case *metadata.BooleanStatistics:
		to.IncNumValues(int64(len(flags)))
		if len(flags) > 0 {
			to.SetMinMax(!slices.Contains(flags, 0), slices.Contains(flags, 1))
		}
	case *metadata.Int32Statistics:
		to.Update(arrow.Int32Traits.CastFromBytes(plain), 0)
	case *metadata.Int64Statistics:
		to.Update(arrow.Int64Traits.CastFromBytes(plain), 0)
	case *metadata.Float32Statistics:
		to.Update(arrow.Float32Traits.CastFromBytes(plain), 0)
	case *metadata.Float64Statistics:
		to.Update(arrow.Float64Traits.CastFromBytes(plain), 0)
	case *metadata.ByteArrayStatistics:
		low, high, n := extremes(plain, 0)
		to.IncNumValues(n)
		to.SetMinMax(low, high)
	case *metadata.FixedLenByteArrayStatistics:
		low, high, n := extremes(plain, to.Descr().TypeLength())
		to.IncNumValues(n)
		to.SetMinMax(low, high)
	case *metadata.Float16Statistics:
		var values []parquet.FixedLenByteArray
		for v := range slices.Chunk(plain, arrow.Float16SizeBytes) {
			values = append(values, v)
		}
		to.Update(values, 0)
	}
}

// extremes are the first and the last of values by their bytes, nil where there is none. width is 0 for those that have
// their length before them.
func extremes(plain []byte, width int) (low, high []byte, n int64) {
	for ; len(plain) > 0; n++ {
		length := width
		if width == 0 {
			length, plain = int(binary.LittleEndian.Uint32(plain)), plain[4:]
		}
		v := plain[:length]
		plain = plain[length:]
		if low == nil || bytes.Compare(v, low) < 0 {
			low = v
		}
		if high == nil || bytes.Compare(v, high) > 0 {
			high = v
		}
	}
	return low, high, n
}
