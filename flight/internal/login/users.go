package login

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/secret"
)

// users are passwords' hashes by name.
type users map[string]hash

// hash is one of argon2id (RFC 9106), written as its reference implementation does:
// $argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH.
type hash struct {
	memory, passes uint32
	lanes          uint8
	salt, sum      []byte
	text           string
}

// What new hashes take: OWASP's least. Each core may be at one, beside the memory budget.
const (
	hashMemory = 19 << 10 // KiB
	hashPasses = 2
	hashLanes  = 1
)

// HashPassword makes the line of the file for a user.
func HashPassword(name, password string) (line string, err error) {
	if err := CheckName(name); err != nil {
		return "", err
	}
	if len(password) < 8 || len(password) > maxPassword {
		return "", fault.New(fault.Invalid, "a password has 8 to %d bytes", maxPassword)
	}
	h := hash{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: make([]byte, 16), sum: make([]byte, 32)}
	_, _ = rand.Read(h.salt) // never fails
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s:$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", name, argon2.Version, h.memory, h.passes, h.lanes, encode(h.salt), encode(h.of(password))), nil
}

const maxPassword = 1024

func (h hash) of(password string) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.sum)))
}

func (h hash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.of(password), h.sum) == 1
}

// mark tells this hash from a later one of the same name.
func (h hash) mark() string {
	sum := sha256.Sum256([]byte(h.text))
	return hex.EncodeToString(sum[:8])
}

// nobody is compared with where a name is not known, so that this takes as long.
var nobody = hash{memory: hashMemory, passes: hashPasses, lanes: hashLanes, salt: make([]byte, 16), sum: make([]byte, 32)}

func readUsers(path string) (users, error) {
	all := users{}
	return all, lines(path, secret.Read, func(line string) error {
		name, text, _ := strings.Cut(line, ":")
		if err := CheckName(name); err != nil {
			return err
		}
		if _, twice := all[name]; twice {
			return fault.New(fault.Invalid, "%s is there twice", name)
		}
		h, err := parseHash(text)
		all[name] = h
		return err
	})
}

func parseHash(text string) (h hash, err error) {
	bad := fault.New(fault.Invalid, "write NAME:$argon2id$v=19$m=..,t=..,p=..$SALT$HASH, as `mtflight user add` does")
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, bad
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.memory, &h.passes, &h.lanes); err != nil {
		return h, bad
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	sum, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	h.salt, h.sum, h.text = salt, sum, text
	switch {
	case err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(sum) < 16 || len(sum) > 64:
		return h, bad
	case h.memory < 8*uint32(h.lanes) || h.memory > 256<<10 || h.passes < 1 || h.passes > 16 || h.lanes < 1 || h.lanes > 16:
		return h, fault.New(fault.Invalid, "a hash of m=%d, t=%d, p=%d: at most m=%d, t=16 and p=16", h.memory, h.passes, h.lanes, 256<<10)
	}
	return h, nil
}
