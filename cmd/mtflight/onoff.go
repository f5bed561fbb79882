package main

import "fmt"

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
