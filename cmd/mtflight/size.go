package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a number of bytes as a flag: 256MB, 1.5GiB, 65536. Units are powers of 1024, as memory is sold.
type size int64

var units = []struct {
	suffix string
	bytes  float64
}{{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}}

// Set parses a flag's value.
func (s *size) Set(text string) error {
	number := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(text)), "B"), "I")
	factor := 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = rest, u.bytes
			break
		}
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	if err != nil || math.IsNaN(v) || v*factor < 1 || v*factor > 1<<60 {
		return fmt.Errorf("%q is not a size such as 256MB or 1.5GiB", text)
	}
	if v*factor < 1<<10 {
		return fmt.Errorf("%q is %s: write a unit, as in 256MB", text, bytesText(int64(v*factor)))
	}
	*s = size(v * factor)
	return nil
}

// String is exact, in the largest unit that is.
func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	text := fmt.Sprint(int64(*s))
	for _, u := range units {
		if whole := int64(*s) / int64(u.bytes); whole*int64(u.bytes) == int64(*s) {
			text = fmt.Sprintf("%d%sB", whole, u.suffix)
		}
	}
	return text
}

// Type is what help calls the value.
func (s *size) Type() string { return "SIZE" }

// budget is a size that an engine can work with.
type budget size

const leastBudget = 16 << 20

// Set parses a flag's value.
func (b *budget) Set(text string) error {
	var s size
	if err := s.Set(text); err != nil {
		return err
	}
	if s < leastBudget {
		return fmt.Errorf("%s is too little to read anything: give at least %s", bytesText(int64(s)), bytesText(leastBudget))
	}
	*b = budget(s)
	return nil
}

func (b *budget) String() string { return (*size)(b).String() }

// Type is what help calls the value.
func (b *budget) Type() string { return (*size)(b).Type() }

// room is a size that may be 0: none. It is negative then, for an engine.
type room size

// Set parses a flag's value.
func (r *room) Set(text string) error {
	if strings.TrimSpace(text) == "0" {
		*r = -1
		return nil
	}
	return (*size)(r).Set(text)
}

func (r *room) String() string {
	if *r < 0 {
		return "0"
	}
	return (*size)(r).String()
}

// Type is what help calls the value.
func (r *room) Type() string { return (*size)(r).Type() }

// count is a number of workers as a flag, 0 where it was not given.
type count int

const mostWorkers = 1000

// Set parses a flag's value.
func (c *count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostWorkers {
		return fmt.Errorf("must be a number from 1 to %d: leave it out for the default", mostWorkers)
	}
	*c = count(n)
	return nil
}

func (c *count) String() string {
	if *c == 0 {
		return ""
	}
	return strconv.Itoa(int(*c))
}

// Type is what help calls the value.
func (c *count) Type() string { return "N" }

// bytesText is a number of bytes for people.
func bytesText(n int64) string {
	text := fmt.Sprintf("%d B", n)
	for _, u := range units {
		if v := float64(n) / u.bytes; v >= 1 {
			digits := max(0, 2-int(math.Log10(v))) // three in all; 1000 to 1023 have four
			text = fmt.Sprintf("%.*f %sB", digits, v, u.suffix)
		}
	}
	return text
}
