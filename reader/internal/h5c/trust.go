package h5c

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Trust says which plug-ins are loaded. The zero value is for those of root, of any content.
type Trust struct {
	User   int      // beside root, who may be able to write them and the folders above them
	Hashes []string // SHA-256 of their files in hexadecimal, lower case; none: any
}

// trust is this process's. Guarded by lib.
var trust = Trust{User: os.Geteuid()}

// Admit says for the whole process which plug-ins are loaded from now on; those that are loaded stay.
func Admit(t Trust) {
	lib.Lock()
	defer lib.Unlock()
	trust = t
}

// refuses is why a library must not be loaded.
func (t Trust) refuses(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return errors.New("it cannot be found")
	}
	for at := real; ; at = filepath.Dir(at) {
		if err := t.writable(at); err != nil || at == filepath.Dir(at) {
			if err == nil {
				err = t.known(real)
			}
			return err
		}
	}
}

// writable is an error if others than root and the user may write a file or a folder.
func (t Trust) writable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return errors.New("a folder above it cannot be looked at")
	}
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	const others = 0o022
	ours := info.IsDir() && info.Mode()&fs.ModeSticky != 0 // what is in it is its owner's
	switch {
	case owner != 0 && owner != t.User:
		return fmt.Errorf("%s belongs to another user (%d): it has to be root's, or of the user that reads files", filepath.Base(path), owner)
	case info.Mode().Perm()&others != 0 && !ours:
		return fmt.Errorf("others may write %s: take that from them (chmod go-w)", filepath.Base(path))
	}
	return nil
}

// known is an error if content is asked for and a file has another one.
func (t Trust) known(path string) error {
	if len(t.Hashes) == 0 {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return errors.New("it cannot be read")
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return errors.New("it cannot be read")
	}
	if hash := hex.EncodeToString(sum.Sum(nil)); !slices.Contains(t.Hashes, hash) {
		return fmt.Errorf("its SHA-256 %s is none of those that may be loaded", hash)
	}
	return nil
}
