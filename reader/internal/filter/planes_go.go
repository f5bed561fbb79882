//go:build !cgo || purego || !(amd64 || arm64)

package filter

func unshuffle(dst, src []byte, w int) { unshuffleGo(dst, src, w) }

func bitUnshuffle(dst, src, tmp []byte, w int) { bitUnshuffleGo(dst, src, tmp, w) }
