package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var fletcher32Entry = entry{
	info:  Info{ID: 3, Name: "fletcher32", Params: "none", Code: "own Go"},
	open:  func([]uint32, int) (decoder, error) { return fletcher32{}, nil },
	fixed: true,
	grows: 4,
}

// fletcher32 is H5Z_FILTER_FLETCHER32: four bytes of checksum follow the data.
type fletcher32 struct{}

func (fletcher32) decode(_ *Scratch, src []byte, _ size) ([]byte, error) {
	if len(src) < 4 {
		return nil, errors.New("the checksum is missing")
	}
	data := src[:len(src)-4]
	stored := binary.LittleEndian.Uint32(src[len(data):])
	sum := fletcher32Sum(data)
	if stored != sum && stored != legacyOrder(sum) {
		return nil, fmt.Errorf("checksum is %08x, the file says %08x", sum, stored)
	}
	return data, nil
}

// legacyOrder returns the sum as libhdf5 before 1.6.3 stored it on little-endian machines: bytes swapped in each half.
func legacyOrder(sum uint32) uint32 {
	return sum&0x00ff00ff<<8 | sum>>8&0x00ff00ff
}

// fletcher32Sum is H5_checksum_fletcher32: a, the sum of big-endian 16-bit words, and b, the sum of a after each of
// them, both in ones' complement. An odd last byte is a high byte.
func fletcher32Sum(data []byte) uint32 {
	const most = 8 << 8 // more would overflow the sums of fletcherWords
	var a, b uint64
	for len(data) >= 8 {
		n := min(len(data)&^7, most)
		sum, sums := fletcherWords(data[:n])
		b += uint64(n/2)*a + sums
		a += sum
		a, b = a&0xffff+a>>16, b&0xffff+b>>16
		data = data[n:]
	}
	for ; len(data) >= 2; data = data[2:] {
		a += uint64(binary.BigEndian.Uint16(data))
		b += a
	}
	if len(data) == 1 {
		a += uint64(data[0]) << 8
		b += a
	}
	return ones(b)<<16 | ones(a)
}

// ones folds a sum in ones' complement to 16 bits; only 0 becomes 0.
func ones(v uint64) uint32 {
	for v > 0xffff {
		v = v&0xffff + v>>16
	}
	return uint32(v)
}

// fletcherWords returns the sum of the words of data, a multiple of eight bytes, and the sum of the sums after each.
// Four words go side by side, each in a lane of 32 bits: with x the sum of a lane and y that of its sums, the word in
// lane j and its successors count four times for each y and j times less for x.
func fletcherWords(data []byte) (sum, sums uint64) {
	const lanes = 0x0000ffff0000ffff
	var x02, x13, y02, y13 uint64
	for ; len(data) >= 8; data = data[8:] {
		v := binary.BigEndian.Uint64(data)
		x02 += v >> 16 & lanes
		x13 += v & lanes
		y02 += x02
		y13 += x13
	}
	x0, x1, x2, x3 := x02>>32, x13>>32, x02&0xffffffff, x13&0xffffffff
	y := y02>>32 + y13>>32 + y02&0xffffffff + y13&0xffffffff
	return x0 + x1 + x2 + x3, 4*y - x1 - 2*x2 - 3*x3
}
