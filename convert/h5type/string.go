package h5type

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/spell"
)

// String is the canonical text form, such as
//
//	compound(20){row@0:u32le;name@4:str(16,nullpad,utf8)}
//
// Numbers are a letter, bits of the element and byte order; precision, offset and the fields of a float follow where
// they are not the plain ones. Names and tags that would be ambiguous are quoted as in Go, names as the file has them. The text depends on the
// type alone and is as long as the type has members.
func (t *Type) String() string {
	var b strings.Builder
	t.write(&b)
	return b.String()
}

func (t *Type) write(b *strings.Builder) {
	switch t.Class {
	case Integer, Bitfield, Time:
		t.writeBits(b)
	case Float:
		t.writeFloat(b)
	case String:
		fmt.Fprintf(b, "str(%d,%s,%s)", t.Size, t.Pad, t.charset())
	case Opaque:
		fmt.Fprintf(b, "opaque(%d,'%s')", t.Size, quoted(t.Tag, "'"))
	case Compound:
		t.writeCompound(b)
	case Reference:
		t.writeRef(b)
	case Enum:
		t.writeEnum(b)
	case VarLen:
		t.writeVarLen(b)
	case Array:
		fmt.Fprintf(b, "array[%s]<", joined(t.Dims))
		t.Base.write(b)
		b.WriteByte('>')
	case Complex:
		b.WriteString("complex<")
		t.Base.write(b)
		b.WriteByte('>')
	default:
		fmt.Fprintf(b, "class%d(%d)", t.Class, t.Size)
	}
}

func (t *Type) writeBits(b *strings.Builder) {
	letters := map[Class]string{Integer: "u", Bitfield: "bits", Time: "time"}[t.Class]
	if t.Signed {
		letters = "i"
	}
	fmt.Fprintf(b, "%s%d%s", letters, 8*t.Size, t.Order)
	if t.Precision != 8*t.Size {
		fmt.Fprintf(b, "/prec%d", t.Precision)
	}
	if t.BitOffset != 0 {
		fmt.Fprintf(b, "/off%d", t.BitOffset)
	}
}

func (t *Type) writeFloat(b *strings.Builder) {
	fmt.Fprintf(b, "f%d%s", 8*t.Size, t.Order)
	if t.IsIEEE() {
		return
	}
	fmt.Fprintf(b, "/prec%d/off%d/fields(%d,%d,%d,%d,%d)/bias%d", t.Precision, t.BitOffset,
		t.SignBit, t.ExpPos, t.ExpSize, t.MantPos, t.MantSize, t.ExpBias)
	if t.MantNorm != 2 {
		fmt.Fprintf(b, "/norm%d", t.MantNorm)
	}
}

func (t *Type) writeCompound(b *strings.Builder) {
	fmt.Fprintf(b, "compound(%d){", t.Size)
	for i, m := range t.Members {
		if i > 0 {
			b.WriteByte(';')
		}
		fmt.Fprintf(b, "%s@%d:", quoted(spell.Unescape(m.Name), ";@:{}"), m.Offset)
		m.Type.write(b)
	}
	b.WriteByte('}')
}

func (t *Type) writeEnum(b *strings.Builder) {
	b.WriteString("enum<")
	t.Base.write(b)
	b.WriteString(">{")
	for i, v := range t.Values {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(b, "%s=%s", quoted(spell.Unescape(v.Name), ",={}"), t.enumText(i))
	}
	b.WriteByte('}')
}

func (t *Type) enumText(i int) string {
	switch {
	case t.Size > 8:
		return fmt.Sprintf("0x%x", t.Values[i].Raw)
	case t.Base.Signed:
		return strconv.FormatInt(t.EnumInt(i), 10)
	}
	return strconv.FormatUint(uint64(t.EnumInt(i)), 10)
}

func (t *Type) writeVarLen(b *strings.Builder) {
	if t.VarString {
		fmt.Fprintf(b, "vlstr(%s,%s)", t.Pad, t.charset())
		return
	}
	b.WriteString("vlen<")
	t.Base.write(b)
	b.WriteByte('>')
}

// writeRef adds the size only to references whose size is not the same everywhere.
func (t *Type) writeRef(b *strings.Builder) {
	switch t.RefKind {
	case RefObject:
		b.WriteString("objref")
	case RefRegion:
		b.WriteString("regref")
	case RefObject2:
		fmt.Fprintf(b, "stdref(%d)", t.Size)
	case RefRegion2:
		fmt.Fprintf(b, "stdref(%d,region)", t.Size)
	default:
		fmt.Fprintf(b, "stdref(%d,attribute)", t.Size)
	}
}

func (t *Type) charset() string {
	if t.UTF8 {
		return "utf8"
	}
	return "ascii"
}

func (o Order) String() string {
	return [...]string{"le", "be", "vax"}[min(o, VAX)]
}

func (p Pad) String() string {
	return [...]string{"nullterm", "nullpad", "spacepad"}[min(p, SpacePad)]
}

// quoted is s itself unless it holds one of the special characters, or what a line of text can't show.
func quoted(s, special string) string {
	odd := func(r rune) bool {
		return r == '"' || r == '\\' || !unicode.IsPrint(r) || strings.ContainsRune(special, r)
	}
	if utf8.ValidString(s) && strings.IndexFunc(s, odd) < 0 {
		return s
	}
	return strconv.Quote(s)
}

func joined(dims []int) string {
	text := make([]string, len(dims))
	for i, d := range dims {
		text[i] = strconv.Itoa(d)
	}
	return strings.Join(text, ",")
}
