package chunkindex

import (
	"slices"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// fixedArray walks a fixed array (VII.C): the chunks of a dataset that cannot grow beyond its maximal extent.
func (w *walker) fixedArray() error {
	a, err := w.newArray(0)
	if err != nil {
		return err
	}
	size := 8 + uint64(w.File.SizeOfLengths) + uint64(w.File.SizeOfOffsets) + 4
	b, err := w.Block(a.owner, size, "FAHD")
	if err != nil {
		return err
	}
	c := w.File.Cursor(b[5:])
	if err := a.describe(c.U8(), uint64(c.U8())); err != nil {
		return err
	}
	if err := a.pages(c.U8()); err != nil {
		return err
	}
	n, addr := c.Length(), c.Addr()
	if addr == h5file.Undefined {
		return nil
	}
	return a.fixedBlock(addr, n)
}

// fixedBlock reads the data block of n elements: all in one, or in pages of which a bitmap says which are in use.
func (a *array) fixedBlock(addr, n uint64) error {
	size, err := a.Times(n, a.elemSize)
	if err != nil {
		return err
	}
	pages, bitmap := uint64(0), uint64(0)
	if n > a.pageElems {
		pages = (n-1)/a.pageElems + 1
		bitmap = (pages + 7) / 8
		size = 0
	}
	a.x.grow(n)
	b, err := a.Block(addr, a.prefix()+bitmap+size+4, "FADB")
	if err != nil {
		return err
	}
	if err := a.owned(b, addr); err != nil {
		return err
	}
	body := b[a.prefix() : len(b)-4]
	if pages == 0 {
		return a.add(body, 0)
	}
	return a.usedPages(addr+uint64(len(b)), n, slices.Clone(body), 0, 0)
}

// usedPages reads those of the pages of n elements at addr whose bits, from the given one, are set in the bitmap.
func (a *array) usedPages(addr, n uint64, bitmap []byte, from, first uint64) error {
	for done := uint64(0); done < n; done += a.pageElems {
		count := min(a.pageElems, n-done)
		if bit(bitmap, from) {
			if err := a.page(addr, count, first+done); err != nil {
				return err
			}
		}
		from++
		addr += count*a.elemSize + 4
	}
	return nil
}
