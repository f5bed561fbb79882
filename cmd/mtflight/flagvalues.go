package main

import (
	"fmt"
	"io/fs"
	"strconv"
)

// fileMode is a flag of permissions in octal digits.
type fileMode fs.FileMode

func (m *fileMode) String() string { return fmt.Sprintf("%04o", uint32(*m)) }
func (m *fileMode) Type() string   { return "mode" }

func (m *fileMode) Set(text string) error {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		return fmt.Errorf("write permissions in octal digits, as 0660")
	}
	*m = fileMode(n)
	return nil
}

// unless is a choice as a flag, on or off, for something that says whether it is off.
type unless bool

// Set parses a flag's value.
func (o *unless) Set(text string) error {
	if text != "on" && text != "off" {
		return fmt.Errorf("%q is neither on nor off", text)
	}
	*o = text == "off"
	return nil
}

func (o *unless) String() string {
	if *o {
		return "off"
	}
	return "on"
}

// Type is what help calls the value.
func (o *unless) Type() string { return "on|off" }
