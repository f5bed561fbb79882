package parquet

import "encoding/binary"

const (
	shortest = 8   // values of a run; less are packed
	longest  = 504 // values packed under one header of one byte
)

// appendHybrid appends levels or indexes as Parquet's RLE encoding: runs of one value, and values packed in groups of
// eight.
func appendHybrid[T int16 | int32](out []byte, values []T, width int) []byte {
	for len(values) > 0 {
		n := run(values, len(values))
		if n >= shortest {
			out = appendRun(out, values[0], n, width)
		} else {
			n = literals(values)
			groups := (n + 7) / 8
			end := len(out) + 1 + groups*width
			out = append(out, byte(groups<<1|1))
			out = appendPacked(out, values[:n], width)
			out = append(out, make([]byte, end-len(out))...)
		}
		values = values[n:]
	}
	return out
}

// run is how many of the first values are equal, at most so many.
func run[T int16 | int32](values []T, most int) int {
	first := values[0]
	for i, v := range values[:most] {
		if v != first {
			return i
		}
	}
	return most
}

// literals is how many values come before the next run: whole groups, but at the end.
func literals[T int16 | int32](values []T) int {
	most := min(len(values), longest)
	for n := shortest; n+shortest <= most; n += shortest {
		if run(values[n:], shortest) == shortest {
			return n
		}
	}
	return most
}

func appendRun[T int16 | int32](out []byte, value T, n, width int) []byte {
	out = binary.AppendUvarint(out, uint64(n)<<1)
	for ; width > 0; width -= 8 {
		out, value = append(out, byte(value)), value>>8
	}
	return out
}

// appendPacked packs values of a width of at most 32 bits, the first into the lowest bits.
func appendPacked[T int16 | int32](out []byte, values []T, width int) []byte {
	bits, n := uint64(0), 0
	for _, v := range values {
		bits |= uint64(v) << n
		if n += width; n >= 32 {
			out = binary.LittleEndian.AppendUint32(out, uint32(bits))
			bits, n = bits>>32, n-32
		}
	}
	for ; n > 0; n -= 8 {
		out, bits = append(out, byte(bits)), bits>>8
	}
	return out
}
