package login

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/internal/secret"
)

// tokens are names and the SHA-256 of each one's token: of 256 random bits, so that no slow hash is needed.
type tokens []token

type token struct {
	name string
	hash [sha256.Size]byte
}

// tokenPrefix lets people and scanners of secrets know a token.
const tokenPrefix = "mtf_"

// NewToken makes a token and the line of the file that stands for it.
func NewToken(name string) (text, line string, err error) {
	if err := CheckName(name); err != nil {
		return "", "", err
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	text = tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	hash := sha256.Sum256([]byte(text))
	return text, name + " sha256:" + hex.EncodeToString(hash[:]), nil
}

// CheckName refuses names of users and tokens that could be mistaken for something else.
func CheckName(name string) error {
	bad := strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == ':' || r == '#' || r == '*' || r == 0x7f })
	if name == "" || len(name) > 128 || name[0] == '@' || bad {
		return fault.New(fault.Invalid, "%q is no name: write up to 128 bytes without blanks, ':', '#', '*' and an '@' at their beginning", name)
	}
	return nil
}

func readTokens(path string) (tokens, error) {
	all := tokens{}
	err := lines(path, secret.Trusted, func(line string) error {
		name, hash, _ := strings.Cut(line, " ")
		if err := CheckName(name); err != nil {
			return err
		}
		t := token{name: name}
		text, is := strings.CutPrefix(strings.TrimSpace(hash), "sha256:")
		if n, err := hex.Decode(t.hash[:], []byte(text[:min(len(text), 2*sha256.Size)])); !is || err != nil || n != sha256.Size || len(text) != 2*sha256.Size {
			return fault.New(fault.Invalid, "write NAME sha256:HASH in 64 hexadecimal digits, as `mtflight token new` does")
		}
		all = append(all, t)
		return nil
	})
	return all, err
}

// find compares with every hash, however early one is the right one.
func (all tokens) find(text string) (i identity.Identity, found bool) {
	hash := sha256.Sum256([]byte(text))
	for _, t := range all {
		if subtle.ConstantTimeCompare(hash[:], t.hash[:]) == 1 {
			i, found = identity.Identity{Name: t.name, How: "token"}, true
		}
	}
	return i, found
}

// lines gives the lines of a file that are neither empty nor comments, and says in which one an error is.
func lines(path string, read func(string) ([]byte, error), each func(line string) error) error {
	content, err := read(path)
	if err != nil {
		return err
	}
	in := bufio.NewScanner(bytes.NewReader(content))
	for n := 1; in.Scan(); n++ {
		line := strings.TrimSpace(in.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := each(line); err != nil {
			return fault.New(fault.Invalid, "%s, line %d: %w", path, n, err)
		}
	}
	if in.Err() != nil {
		return fault.New(fault.Invalid, "%s: %w", path, fmt.Errorf("a line is too long: %w", in.Err()))
	}
	return nil
}
