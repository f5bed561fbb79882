//go:build !cgo || purego

package where

// libraryLoops are none without the C library.
func libraryLoops(string) (doubles func(a, b, out []float64), singles func(a, b, out []float32)) {
	return nil, nil
}
