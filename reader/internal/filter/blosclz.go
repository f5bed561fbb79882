package filter

import "encoding/binary"

// blosclz decodes a BloscLZ stream, a descendant of FastLZ, into dst and returns its length. After a first control byte,
// of which only the low five bits count, each control byte below 32 copies so many bytes plus one from the stream; the
// others copy from what was decoded: length in the high three bits, distance in the low five and the bytes that follow.
func blosclz(dst, src []byte) (int, error) {
	const far = 8191 // distances from here on are stored in 16 more bits
	if len(src) == 0 {
		return 0, errStream
	}
	ctrl, ip, op := int(src[0]&31), 1, 0
	for {
		if ctrl < 32 {
			n := ctrl + 1
			if n > len(dst)-op || n > len(src)-ip {
				return 0, errStream
			}
			copyLiterals(dst[op:], src[ip:], n)
			op, ip = op+n, ip+n
		} else {
			n, dist := ctrl>>5-1, ctrl&31<<8
			for more := n == 6; more; ip++ {
				if ip+1 >= len(src) {
					return 0, errStream
				}
				n += int(src[ip])
				more = src[ip] == 255
			}
			if ip >= len(src) {
				return 0, errStream
			}
			code := int(src[ip])
			ip++
			n += 3
			dist += code
			if code == 255 && ctrl&31 == 31 {
				if ip+1 >= len(src) {
					return 0, errStream
				}
				dist = int(src[ip])<<8 + int(src[ip+1]) + far
				ip += 2
			}
			dist++
			if n > len(dst)-op || dist > op {
				return 0, errStream
			}
			if from := op - dist; n <= 16 && dist >= 16 && op+16 <= len(dst) {
				*(*[16]byte)(dst[op:]) = *(*[16]byte)(dst[from:])
			} else {
				copyMatch(dst, op, dist, n)
			}
			op += n
		}
		if ip >= len(src) {
			return op, nil
		}
		ctrl = int(src[ip])
		ip++
	}
}

// copyMatch copies n bytes from dist bytes before op to op; they may overlap, which repeats them. Up to 15 bytes of dst
// after them may change.
func copyMatch(dst []byte, op, dist, n int) {
	from, end := op-dist, op+n
	switch {
	case end+16 > len(dst):
		copyRepeated(dst, op, dist, n)
	case dist >= 16:
		for ; op < end; op, from = op+16, from+16 {
			*(*[16]byte)(dst[op:]) = *(*[16]byte)(dst[from:])
		}
	case dist >= 8:
		for ; op < end; op, from = op+8, from+8 {
			*(*[8]byte)(dst[op:]) = *(*[8]byte)(dst[from:])
		}
	default:
		v := binary.LittleEndian.Uint64(dst[from:]) & (1<<(8*dist) - 1)
		for k := dist; k < 8; k *= 2 {
			v |= v << (8 * k)
		}
		for step := 8 - 8%dist; op < end; op += step { // whole repetitions
			binary.LittleEndian.PutUint64(dst[op:], v)
		}
	}
}

// copyRepeated is copyMatch without a byte too much.
func copyRepeated(dst []byte, op, dist, n int) {
	from := op - dist
	for n > dist { // each round doubles what can be copied at once
		copy(dst[op:op+dist], dst[from:op])
		op, n = op+dist, n-dist
		dist *= 2
	}
	copy(dst[op:op+n], dst[from:from+n])
}

// copyLiterals copies the n <= 32 first bytes of src, of which there are so many in both. Bytes of dst after them may
// change.
func copyLiterals(dst, src []byte, n int) {
	if len(dst) >= 32 && len(src) >= 32 { // a copy of known length is no call
		*(*[32]byte)(dst) = *(*[32]byte)(src)
		return
	}
	copy(dst, src[:n])
}
