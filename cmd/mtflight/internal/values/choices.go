// Package values is what flags take: sizes, numbers, permissions, choices, as pflag.Value. Bytes writes a size for people.
package values

import (
	"fmt"
	"io/fs"
	"strconv"
)

// FileMode is a flag of permissions in octal digits.
type FileMode fs.FileMode

func (m *FileMode) String() string { return fmt.Sprintf("%04o", uint32(*m)) }
func (m *FileMode) Type() string   { return "mode" }

func (m *FileMode) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return fmt.Errorf("write permissions in octal digits, as 0660")
	}
	*m = FileMode(n)
	return nil
}

// Unless is a choice as a flag, on or off, for something that says whether it is off.
type Unless bool

// Set parses a flag's value.
func (o *Unless) Set(text string) error {
	if text != "on" && text != "off" {
		return fmt.Errorf("%q is neither on nor off", text)
	}
	*o = text == "off"
	return nil
}

func (o *Unless) String() string {
	if *o {
		return "off"
	}
	return "on"
}

// Type is what help calls the value.
func (o *Unless) Type() string { return "on|off" }
