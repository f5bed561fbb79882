package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// size is a number of bytes as a flag: 256MB, 1.5GiB, 4096. Units are powers of 1024, as memory is sold.
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
		return fmt.Errorf("%q is not a size such as 256MB, 1.5GiB or 4096", text)
	}
	*s = size(v * factor)
	return nil
}

func (s *size) String() string {
	if *s == 0 {
		return ""
	}
	return bytesText(int64(*s))
}

// Type is what help calls the value.
func (s *size) Type() string { return "SIZE" }

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
