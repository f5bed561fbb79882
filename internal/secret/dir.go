package secret

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/mtflight/mtflight/internal/fault"
)

// Dir makes a directory of mode 0700, or takes one that only this user may write to; flag names it. Errors: fault.Precondition, fault.Denied.
func Dir(path, flag string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Precondition, "%w: choose another --%s", err, flag)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fault.New(fault.Precondition, "%w: choose another --%s", err, flag)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(owner.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return fault.New(fault.Denied, "%s must be a directory of this user that nobody else may write to: choose another --%s", path, flag)
	}
	return nil
}
