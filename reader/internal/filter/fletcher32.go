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

// fletcher32Sum is H5_checksum_fletcher32: sums of big-endian 16-bit words, an odd last byte being a high byte. The sums
// are folded every 360 words, the most that 32 bits hold.
func fletcher32Sum(data []byte) uint32 {
	var a, b uint32
	for len(data) >= 2 {
		n := min(len(data)&^1, 720)
		for i := 0; i < n; i += 2 {
			a += uint32(binary.BigEndian.Uint16(data[i:]))
			b += a
		}
		a, b = a&0xffff+a>>16, b&0xffff+b>>16
		data = data[n:]
	}
	if len(data) == 1 {
		a += uint32(data[0]) << 8
		b += a
		a, b = a&0xffff+a>>16, b&0xffff+b>>16
	}
	a, b = a&0xffff+a>>16, b&0xffff+b>>16
	return b<<16 | a
}
