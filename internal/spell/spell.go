// Package spell writes names of files, objects, attributes and columns, which may be any bytes, as UTF-8 that can be asked
// for: each byte that is no UTF-8 is \xNN, and a backslash that would read as the beginning of such is \x5c. Other names
// stay as they are. Two names never have one spelling.
//
// Names are spelled wherever this program handles them, from where they are read out of a file or directory to where they are
// looked up in one again. What names a file on disk from inside another one (an external link, a virtual source) is bytes.
package spell

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Escape is the spelling of a name. It is valid UTF-8, of at most four times as many bytes.
func Escape(raw string) string {
	if utf8.ValidString(raw) && !strings.Contains(raw, `\x`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRuneInString(raw[i:])
		if r == utf8.RuneError && n == 1 || reads(raw[i:]) {
			fmt.Fprintf(&b, `\x%02x`, raw[i])
		} else {
			b.WriteString(raw[i : i+n])
		}
		i += n
	}
	return b.String()
}

// Unescape is the name of a spelling: Unescape(Escape(raw)) is raw. What no name is spelled like, such as \xE9 or \x41, stays
// as it is, so no slash, dot or NUL comes out that did not go in.
func Unescape(s string) string {
	if !strings.Contains(s, `\x`) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		n := Escaped(s)
		if n > 0 {
			v, _ := strconv.ParseUint(s[2:n], 16, 8) // two digits
			b.WriteByte(byte(v))
		} else {
			n = 1
			b.WriteByte(s[0])
		}
		s = s[n:]
	}
	return b.String()
}

// Escaped is the length of the \xNN that s begins with, 0 if there is none.
func Escaped(s string) int {
	const length = len(`\xNN`)
	switch {
	case !reads(s) || strings.ToLower(s[:length]) != s[:length]:
		return 0
	case s[2] >= '8' || s[:length] == `\x5c` && reads(`\`+s[length:]):
		return length
	}
	return 0
}

// reads tells whether s begins with a backslash, an x and two hexadecimal digits, of either case.
func reads(s string) bool {
	return len(s) >= 4 && s[0] == '\\' && s[1] == 'x' && isHex(s[2]) && isHex(s[3])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// Quote is a spelling in quotes for a message: as strconv.Quote, but with backslashes as the spelling has them.
func Quote(s string) string { return strings.ReplaceAll(strconv.Quote(s), `\\`, `\`) }
