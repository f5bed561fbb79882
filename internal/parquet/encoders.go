package parquet

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
)

// encoder encodes the values of a leaf, those of one batch at a time.
type encoder interface {
	// bind chooses the batch that from and to count in.
	bind(shredded) error
	// plain appends values in Parquet's plain encoding.
	plain(out []byte, from, to int) []byte
	// look appends values' indexes in the dictionary, where new values are put.
	look(out []int32, from, to int) []int32
	// dictionary is its plain encoding and how many values it has.
	dictionary() ([]byte, int)
	// forget empties it.
	forget()
}

func encoderOf(physical parquet.Type, width int) encoder {
	switch physical {
	case parquet.Types.Boolean:
		return new(flags)
	case parquet.Types.Int32, parquet.Types.Float:
		return &numbers[uint32]{batchOf: numbers32}
	case parquet.Types.Int64, parquet.Types.Double:
		return &numbers[uint64]{batchOf: numbers64}
	}
	return &texts{width: max(width, 0)}
}

// numbers are values of four or eight bytes, whatever they mean.
type numbers[T uint32 | uint64] struct {
	batchOf func(shredded) ([]T, error)
	batch   []T
	table   numberTable[T]
}

func (e *numbers[T]) bind(s shredded) (err error) {
	e.batch, err = e.batchOf(s)
	return err
}

func (e *numbers[T]) plain(out []byte, from, to int) []byte {
	return append(out, bytesOfNumbers(e.batch[from:to])...)
}

func (e *numbers[T]) look(out []int32, from, to int) []int32 {
	return e.table.look(out, e.batch[from:to])
}

func (e *numbers[T]) dictionary() ([]byte, int) {
	return bytesOfNumbers(e.table.values), len(e.table.values)
}

func (e *numbers[T]) forget() { e.table = numberTable[T]{} }

// bytesOfNumbers is their memory.
func bytesOfNumbers[T uint32 | uint64](values []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(values))), len(values)*int(unsafe.Sizeof(one)))
}

// texts are values of bytes, each with its length before it, or all of one width.
type texts struct {
	s       shredded
	bytes   []byte
	offsets []int32
	wide    []int64
	width   int
	table   textTable
}

func (e *texts) bind(s shredded) error {
	s, err := s.looked()
	if err != nil {
		return err
	}
	e.s, e.bytes, e.offsets, e.wide = s, nil, nil, nil
	switch {
	case s.n == 0:
	case e.width > 0:
		if t, ok := s.data.DataType().(arrow.FixedWidthDataType); !ok || t.Bytes() != e.width {
			return fmt.Errorf("parquet: values of %s are not %d bytes long", s.data.DataType(), e.width)
		}
		e.bytes = bytesOf(s.data, 1)
	case s.data.DataType().Layout().Buffers[1].ByteWidth == arrow.Int64SizeBytes:
		e.bytes, e.wide = bytesOf(s.data, 2), arrow.Int64Traits.CastFromBytes(bytesOf(s.data, 1))
	default:
		e.bytes, e.offsets = bytesOf(s.data, 2), arrow.Int32Traits.CastFromBytes(bytesOf(s.data, 1))
	}
	return nil
}

func (e *texts) value(i int) []byte {
	slot := e.s.slot(i)
	switch {
	case e.offsets != nil:
		return e.bytes[e.offsets[slot]:e.offsets[slot+1]]
	case e.wide != nil:
		return e.bytes[e.wide[slot]:e.wide[slot+1]]
	}
	return e.bytes[slot*e.width : (slot+1)*e.width]
}

func (e *texts) put(out, v []byte) []byte {
	if e.width == 0 {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(v)))
	}
	return append(out, v...)
}

func (e *texts) plain(out []byte, from, to int) []byte {
	for i := from; i < to; i++ {
		out = e.put(out, e.value(i))
	}
	return out
}

func (e *texts) look(out []int32, from, to int) []int32 {
	for i := from; i < to; i++ {
		out = append(out, e.table.index(e.value(i), e.put))
	}
	return out
}

func (e *texts) dictionary() ([]byte, int) { return e.table.plain, e.table.count }

func (e *texts) forget() { e.table = textTable{} }

// flags are booleans. They are always looked up: as 0 and 1, which is what is packed.
type flags struct{ s shredded }

func (e *flags) bind(s shredded) (err error) {
	e.s, err = s.looked()
	return err
}

func (e *flags) look(out []int32, from, to int) []int32 {
	for i := from; i < to; i++ {
		one := int32(0)
		if bitutil.BitIsSet(bytesOf(e.s.data, 1), e.s.slot(i)) {
			one = 1
		}
		out = append(out, one)
	}
	return out
}

func (e *flags) plain(out []byte, _, _ int) []byte { return out }

func (e *flags) dictionary() ([]byte, int) { return nil, 0 }

func (e *flags) forget() {}
