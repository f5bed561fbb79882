package frame

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// container makes lists, tuples and dictionaries.
func (u *unpickler) container(op byte) (bool, error) {
	var v any
	var items []any
	var err error
	switch op {
	case '(':
		v = mark{}
	case ']', ')', 0x8f:
		v = &List{Tuple: op == ')'}
	case '}':
		v = &Dict{}
	case 'l', 't', 0x91:
		items, err = u.popMark()
		v = &List{Items: items, Tuple: op == 't'}
	case 0x85, 0x86, 0x87:
		items, err = u.popN(int(op) - 0x84)
		v = &List{Items: items, Tuple: true}
	case 'd':
		if items, err = u.popMark(); err == nil {
			d := &Dict{}
			v, err = d, d.add(items)
		}
	default:
		return u.fill(op)
	}
	u.push(v)
	return true, err
}

// fill puts values into the container below them.
func (u *unpickler) fill(op byte) (bool, error) {
	var items []any
	var err error
	switch op {
	case 'a':
		items, err = u.popN(1)
	case 's':
		items, err = u.popN(2)
	case 'e', 'u', 0x90:
		items, err = u.popMark()
	default:
		return false, nil
	}
	if err != nil {
		return true, err
	}
	into, err := u.top()
	if err != nil {
		return true, err
	}
	switch c := into.(type) {
	case *List:
		c.Items = append(c.Items, items...)
	case *Dict:
		err = c.add(items)
	case *Opaque: // a class of its own
	default:
		err = errPickle
	}
	return true, err
}

func (d *Dict) add(items []any) error {
	if len(items)%2 != 0 {
		return errPickle
	}
	for i := 0; i < len(items); i += 2 {
		d.Keys, d.Values = append(d.Keys, items[i]), append(d.Values, items[i+1])
	}
	return nil
}

// memory is the stack's and the memo's opcodes, and those that say nothing about a value.
func (u *unpickler) memory(op byte) (bool, error) {
	var err error
	switch op {
	case '0':
		_, err = u.pop()
	case '1':
		_, err = u.popMark()
	case '2':
		var v any
		v, err = u.top()
		u.push(v)
	case 0x80:
		_, err = u.take(1)
	case 0x95:
		_, err = u.take(8)
	case 'p', 'q', 'r', 0x94:
		return true, u.remember(op)
	case 'g', 'h', 'j':
		return true, u.recall(op)
	default:
		return false, nil
	}
	return true, err
}

func (u *unpickler) key(op byte) (uint64, error) {
	switch op {
	case 'p', 'g':
		s, err := u.line()
		if err != nil {
			return 0, err
		}
		return strconv.ParseUint(s, 10, 64)
	case 'q', 'h':
		return u.number(1)
	case 'r', 'j':
		return u.number(4)
	}
	return uint64(len(u.memo)), nil
}

func (u *unpickler) remember(op byte) error {
	k, err := u.key(op)
	if err != nil {
		return err
	}
	u.memo[k], err = u.top()
	return err
}

func (u *unpickler) recall(op byte) error {
	k, err := u.key(op)
	if err != nil {
		return err
	}
	v, ok := u.memo[k]
	if !ok {
		return errPickle
	}
	u.push(v)
	return nil
}

// call keeps what a pickle wants looked up or called, which is not done.
func (u *unpickler) call(op byte) (bool, error) {
	switch op {
	case 'c':
		module, err := u.line()
		if err != nil {
			return true, err
		}
		name, err := u.line()
		u.push(&Opaque{Name: module + " " + name})
		return true, err
	case 0x93:
		v, err := u.popN(2)
		if err != nil {
			return true, err
		}
		module, _ := v[0].(string)
		name, _ := v[1].(string)
		u.push(&Opaque{Name: module + " " + name})
		return true, nil
	case 'R', 0x81:
		v, err := u.popN(2)
		if err == nil {
			u.push(&Opaque{Call: v[0], Args: v[1]})
		}
		return true, err
	case 0x92:
		v, err := u.popN(3)
		if err == nil {
			u.push(&Opaque{Call: v[0], Args: v[1]})
		}
		return true, err
	case 'b': // the state of what was called
		state, err := u.pop()
		if err != nil {
			return true, err
		}
		into, err := u.top()
		if o, ok := into.(*Opaque); ok {
			o.State = state
		}
		return true, err
	}
	return false, nil
}

// rawUnicode undoes Python's raw-unicode-escape, in which bytes are Latin-1.
func rawUnicode(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		digits := 0
		if s[i] == '\\' && i+1 < len(s) {
			digits = map[byte]int{'u': 4, 'U': 8}[s[i+1]]
		}
		if digits == 0 {
			b.WriteRune(rune(s[i]))
			continue
		}
		if i+2+digits > len(s) {
			return "", errPickle
		}
		r, err := strconv.ParseUint(s[i+2:i+2+digits], 16, 32)
		if err != nil || !utf8.ValidRune(rune(r)) {
			return "", errPickle
		}
		b.WriteRune(rune(r))
		i += 1 + digits
	}
	return b.String(), nil
}

// quoted is a Python 2 string: what is between the quotes, escapes undone.
func quoted(s string) (string, error) {
	if len(s) < 2 || s[0] != s[len(s)-1] || (s[0] != '\'' && s[0] != '"') {
		return "", errPickle
	}
	q, s := s[0], s[1:len(s)-1]
	var b []byte
	for len(s) > 0 {
		if s[0] != '\\' || (len(s) > 1 && s[1] == q) {
			if s[0] == '\\' {
				s = s[1:]
			}
			b, s = append(b, s[0]), s[1:]
			continue
		}
		c, multibyte, rest, err := strconv.UnquoteChar(s, 0)
		switch {
		case err == nil && !multibyte && c < 256:
			b, s = append(b, byte(c)), rest
		case len(s) > 1 && (s[1] == '\'' || s[1] == '"'):
			b, s = append(b, s[1]), s[2:]
		default:
			return "", errPickle
		}
	}
	return string(b), nil
}
