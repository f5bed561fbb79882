package planes

import "encoding/binary"

var le = binary.LittleEndian

// The masks select the bytes that trade places in a transposition of blocks of 1, 2 and 4 bytes.
const (
	mask1 = 0x00ff00ff00ff00ff
	mask2 = 0x0000ffff0000ffff
	mask4 = 0x00000000ffffffff
)

// trade swaps the high block of each pair in a with the low block of the pair in b.
func trade(a, b uint64, shift uint, mask uint64) (uint64, uint64) {
	t := (a>>shift ^ b) & mask
	return a ^ t<<shift, b ^ t
}

// go8 transposes squares of 8 planes by 8 elements.
func go8(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	n &^= 7
	for i := 0; i < n; i += 8 {
		at := start + i
		a, b := le.Uint64(planes[at:]), le.Uint64(planes[at+pitch:])
		c, d := le.Uint64(planes[at+2*pitch:]), le.Uint64(planes[at+3*pitch:])
		e, f := le.Uint64(planes[at+4*pitch:]), le.Uint64(planes[at+5*pitch:])
		g, h := le.Uint64(planes[at+6*pitch:]), le.Uint64(planes[at+7*pitch:])
		a, e = trade(a, e, 32, mask4)
		b, f = trade(b, f, 32, mask4)
		c, g = trade(c, g, 32, mask4)
		d, h = trade(d, h, 32, mask4)
		a, c = trade(a, c, 16, mask2)
		b, d = trade(b, d, 16, mask2)
		e, g = trade(e, g, 16, mask2)
		f, h = trade(f, h, 16, mask2)
		a, b = trade(a, b, 8, mask1)
		c, d = trade(c, d, 8, mask1)
		e, f = trade(e, f, 8, mask1)
		g, h = trade(g, h, 8, mask1)
		to := dst[i*stride : (i+7)*stride+8]
		le.PutUint64(to, a)
		le.PutUint64(to[stride:], b)
		le.PutUint64(to[2*stride:], c)
		le.PutUint64(to[3*stride:], d)
		le.PutUint64(to[4*stride:], e)
		le.PutUint64(to[5*stride:], f)
		le.PutUint64(to[6*stride:], g)
		le.PutUint64(to[7*stride:], h)
	}
	return n
}

// go4 transposes two squares of 4 by 4 at a time.
func go4(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	n &^= 7
	for i := 0; i < n; i += 8 {
		at := start + i
		a, b := le.Uint64(planes[at:]), le.Uint64(planes[at+pitch:])
		c, d := le.Uint64(planes[at+2*pitch:]), le.Uint64(planes[at+3*pitch:])
		a, c = trade(a, c, 16, mask2)
		b, d = trade(b, d, 16, mask2)
		a, b = trade(a, b, 8, mask1)
		c, d = trade(c, d, 8, mask1)
		to := dst[i*stride : (i+7)*stride+4]
		if stride == 4 {
			le.PutUint64(to, a&mask4|b<<32)
			le.PutUint64(to[8:], c&mask4|d<<32)
			le.PutUint64(to[16:], a>>32|b&^mask4)
			le.PutUint64(to[24:], c>>32|d&^mask4)
			continue
		}
		le.PutUint32(to, uint32(a))
		le.PutUint32(to[stride:], uint32(b))
		le.PutUint32(to[2*stride:], uint32(c))
		le.PutUint32(to[3*stride:], uint32(d))
		le.PutUint32(to[4*stride:], uint32(a>>32))
		le.PutUint32(to[5*stride:], uint32(b>>32))
		le.PutUint32(to[6*stride:], uint32(c>>32))
		le.PutUint32(to[7*stride:], uint32(d>>32))
	}
	return n
}

// spread moves the low 4 bytes of x to the even bytes of the result.
func spread(x uint64) uint64 {
	x = (x&mask4 | x<<16) & mask2
	return (x | x<<8) & mask1
}

// go2 transposes four squares of 2 by 2 at a time.
func go2(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	n &^= 7
	for i := 0; i < n; i += 8 {
		a, b := le.Uint64(planes[start+i:]), le.Uint64(planes[start+i+pitch:])
		to := dst[i*stride : (i+7)*stride+2]
		if stride == 2 {
			le.PutUint64(to, spread(a)|spread(b)<<8)
			le.PutUint64(to[8:], spread(a>>32)|spread(b>>32)<<8)
			continue
		}
		a, b = trade(a, b, 8, mask1)
		for k := 0; k < 8; k += 2 {
			le.PutUint16(to[k*stride:], uint16(a))
			le.PutUint16(to[(k+1)*stride:], uint16(b))
			a, b = a>>16, b>>16
		}
	}
	return n
}
