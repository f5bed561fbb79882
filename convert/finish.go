package convert

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

type buffer = memory.Buffer

func newBuffer(mem memory.Allocator, n int) *buffer {
	b := memory.NewResizableBuffer(mem)
	b.Resize(n)
	return b
}

// Resolver finds what elements only point to. Calls come from the goroutine that runs Record, one after the other.
type Resolver interface {
	// Heap gives an object of the global heap (section III.E). The bytes need to last until the next call only.
	Heap(addr uint64, index uint32) ([]byte, error)
	// RefName gives the path, in UTF-8, of the object whose header is at addr; ok is false where nothing has a name there.
	RefName(addr uint64) (name string, ok bool, err error)
}

// maxExpanded is how many bytes variable-length data, names of enumeration values and paths may take in a batch. Many
// elements may name one heap object, so that a small file can ask for any amount.
const maxExpanded = 1 << 30

// finisher is what finishing a batch's columns shares.
type finisher struct {
	mem      memory.Allocator
	resolver Resolver
	left     int64 // of maxExpanded
}

// spend takes bytes from what the batch may expand to.
func (f *finisher) spend(n int64) error {
	if n > f.left {
		return fault.New(fault.Exhausted, "variable-length data of one batch is too much: ask for a smaller batch_rows")
	}
	f.left -= n
	return nil
}

func errListTooLong() error {
	return fault.New(fault.Precondition, "a batch's lists hold over %d values: ask for a smaller batch_rows", math.MaxInt32)
}

// valueError says which value is meant. Arrays around it turn its place into theirs, until it is a row.
type valueError struct {
	at  int
	err error
}

func (e *valueError) Error() string { return e.err.Error() }
func (e *valueError) Unwrap() error { return e.err }

func failed(at int, err error) error { return &valueError{at, err} }

// lift turns the place of an error among the values of arrays into the array.
func lift(err error, place func(at int) int) error {
	var v *valueError
	if errors.As(err, &v) {
		return &valueError{place(v.at), v.err}
	}
	return err
}

// located names column and row of a value's error, keeping its kind.
func located(err error, column string, firstRow int64) error {
	row, cause := firstRow, err
	var v *valueError
	if errors.As(err, &v) {
		row, cause = firstRow+int64(v.at), v.err
	}
	if kind := fault.Of(cause); kind != nil {
		return fault.New(kind, "column %s: row %d: %w", spell.Quote(column), row, cause)
	}
	return fmt.Errorf("column %s: row %d: %w", spell.Quote(column), row, cause)
}
