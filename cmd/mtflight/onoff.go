package main

import "fmt"

// onOff is a choice as a flag, on or off.
type onOff bool

// Set parses a flag's value.
func (o *onOff) Set(text string) error {
	if text != "on" && text != "off" {
		return fmt.Errorf("%q is neither on nor off", text)
	}
	*o = text == "on"
	return nil
}

func (o *onOff) String() string {
	if *o {
		return "on"
	}
	return "off"
}

// Type is what help calls the value.
func (o *onOff) Type() string { return "on|off" }
