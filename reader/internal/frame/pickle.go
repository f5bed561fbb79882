package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"strings"
)

// What a pickle may hold, as Go values: nil, bool, int64, float64, string, []byte, *List, *Dict and *Opaque.
type (
	// List is a list, a tuple or a set.
	List struct {
		Items []any
		Tuple bool
	}
	// Dict is a dictionary in the order of its writing.
	Dict struct{ Keys, Values []any }
	// Opaque is what only calling something would tell: a class or function by its name, or a call of one.
	Opaque struct {
		Name  string // "module name"; "" for a call
		Call  any    // what would be called
		Args  any    // with what
		State any    // what the result would be given then
	}
)

// Get is the value of a key, nil without it.
func (d *Dict) Get(key any) any {
	if d == nil {
		return nil
	}
	for i := len(d.Keys) - 1; i >= 0; i-- { // the last one counts
		switch d.Keys[i].(type) {
		case string, int64, bool:
			if d.Keys[i] == key {
				return d.Values[i]
			}
		}
	}
	return nil
}

var (
	errPickle = errors.New("not a pickle that can be read without running it")
	errMark   = errors.New("a pickle's stack is empty")
)

// Unpickled is about how many bytes in memory a byte of a pickle takes at most.
const Unpickled = 64

// Unpickle reads a pickle of protocols 0 to 5 without running it. Memory and time are linear in its length, which
// callers bound; values may be shared and may contain themselves.
func Unpickle(b []byte) (any, error) {
	u := &unpickler{rest: b, memo: map[uint64]any{}}
	for {
		op, err := u.take(1)
		if err != nil {
			return nil, err
		}
		if op[0] == '.' {
			if len(u.stack) != 1 {
				return nil, errMark
			}
			return u.pop()
		}
		if err := u.step(op[0]); err != nil {
			return nil, err
		}
	}
}

type mark struct{}

type unpickler struct {
	rest  []byte
	stack []any
	memo  map[uint64]any
}

func (u *unpickler) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.rest) {
		return nil, errPickle
	}
	b := u.rest[:n]
	u.rest = u.rest[n:]
	return b, nil
}

func (u *unpickler) line() (string, error) {
	i := bytes.IndexByte(u.rest, '\n')
	if i < 0 {
		return "", errPickle
	}
	b, err := u.take(i + 1)
	return string(b[:max(0, len(b)-1)]), err
}

// number is a little-endian number of n bytes.
func (u *unpickler) number(n int) (uint64, error) {
	b, err := u.take(n)
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// counted is bytes behind their number, which has n bytes.
func (u *unpickler) counted(n int) ([]byte, error) {
	size, err := u.number(n)
	if err != nil || size > uint64(len(u.rest)) {
		return nil, errPickle
	}
	return u.take(int(size))
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

func (u *unpickler) pop() (any, error) {
	if len(u.stack) == 0 {
		return nil, errMark
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	if _, is := v.(mark); is {
		return nil, errMark
	}
	return v, nil
}

func (u *unpickler) top() (any, error) {
	v, err := u.pop()
	if err == nil {
		u.push(v)
	}
	return v, err
}

// popN takes the uppermost n values, in the order they were pushed.
func (u *unpickler) popN(n int) ([]any, error) {
	out := make([]any, n)
	for i := n - 1; i >= 0; i-- {
		v, err := u.pop()
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// popMark takes what lies above the last mark, and the mark.
func (u *unpickler) popMark() ([]any, error) {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, is := u.stack[i].(mark); is {
			out := append([]any(nil), u.stack[i+1:]...)
			u.stack = u.stack[:i]
			return out, nil
		}
	}
	return nil, errMark
}

// step does one opcode (Lib/pickletools.py lists them), from the most usual ones on.
func (u *unpickler) step(op byte) error {
	for _, try := range []func(byte) (bool, error){u.literal, u.binary, u.container, u.memory, u.call} {
		if done, err := try(op); done || err != nil {
			return err
		}
	}
	return errPickle
}

// literal is protocol 0's way to write values: as lines of text.
func (u *unpickler) literal(op byte) (bool, error) {
	if !strings.ContainsRune("ILFSV", rune(op)) {
		return false, nil
	}
	s, err := u.line()
	if err != nil {
		return true, err
	}
	var v any
	switch op {
	case 'I', 'L':
		v, err = integer(s)
	case 'F':
		v, err = strconv.ParseFloat(s, 64)
	case 'S':
		v, err = quoted(s)
	case 'V':
		v, err = rawUnicode(s)
	}
	u.push(v)
	return true, err
}

func integer(s string) (any, error) {
	if s == "00" || s == "01" {
		return s == "01", nil
	}
	return strconv.ParseInt(strings.TrimSuffix(s, "L"), 10, 64)
}

// binary is the values of protocols 1 and later.
func (u *unpickler) binary(op byte) (bool, error) {
	var v any
	var err error
	switch op {
	case 'N':
	case 0x88, 0x89:
		v = op == 0x88
	case 'K', 'M', 'J', 0x8a:
		v, err = u.binaryInt(op)
	case 'G':
		var b []byte
		if b, err = u.take(8); err == nil {
			v = math.Float64frombits(binary.BigEndian.Uint64(b))
		}
	case 'X', 'T', 'B':
		v, err = u.text(4, op == 'B')
	case 'U', 'C', 0x8c:
		v, err = u.text(1, op == 'C')
	case 0x8d, 0x8e:
		v, err = u.text(8, op == 0x8e)
	default:
		return false, nil
	}
	u.push(v)
	return true, err
}

func (u *unpickler) text(n int, raw bool) (any, error) {
	b, err := u.counted(n)
	if err != nil {
		return nil, err
	}
	if raw {
		return append([]byte(nil), b...), nil
	}
	return string(b), nil
}

func (u *unpickler) binaryInt(op byte) (any, error) {
	switch op {
	case 'K':
		v, err := u.number(1)
		return int64(v), err
	case 'M':
		v, err := u.number(2)
		return int64(v), err
	case 'J':
		v, err := u.number(4)
		return int64(int32(v)), err
	}
	b, err := u.counted(1)
	if err != nil || len(b) > 8 {
		return nil, errPickle
	}
	var full [8]byte
	copy(full[:], b)
	if n := len(b); n > 0 && b[n-1] >= 0x80 {
		for i := n; i < 8; i++ {
			full[i] = 0xFF
		}
	}
	return int64(binary.LittleEndian.Uint64(full[:])), nil
}
