package values

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/mtflight/mtflight/internal/blockcache"
	"github.com/mtflight/mtflight/reader"
)

// Size is a number of bytes as a flag: 256MB, 1.5GiB, 65536. Units are powers of 1024, as memory is sold.
type Size int64

var units = []struct {
	suffix string
	bytes  float64
}{{"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {"T", 1 << 40}}

// Set parses a flag's value.
func (s *Size) Set(text string) error {
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
		return fmt.Errorf("%q is %s: write a unit, as in 256MB", text, Bytes(int64(v*factor)))
	}
	*s = Size(v * factor)
	return nil
}

// String is exact, in the largest unit that is.
func (s *Size) String() string {
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
func (s *Size) Type() string { return "SIZE" }

// Budget is a size that an engine can work with.
type Budget Size

const leastBudget = 16 << 20

// Set parses a flag's value.
func (b *Budget) Set(text string) error {
	var s Size
	if err := s.Set(text); err != nil {
		return err
	}
	if s < leastBudget {
		return fmt.Errorf("%s is too little to read anything: give at least %s", Bytes(int64(s)), Bytes(leastBudget))
	}
	*b = Budget(s)
	return nil
}

func (b *Budget) String() string { return (*Size)(b).String() }

// Type is what help calls the value.
func (b *Budget) Type() string { return (*Size)(b).Type() }

// Room is a size that may be 0: none. It is negative then, for an engine.
type Room Size

// Set parses a flag's value.
func (r *Room) Set(text string) error {
	if strings.TrimSpace(text) == "0" {
		*r = -1
		return nil
	}
	return (*Size)(r).Set(text)
}

func (r *Room) String() string {
	if *r < 0 {
		return "0"
	}
	return (*Size)(r).String()
}

// Type is what help calls the value.
func (r *Room) Type() string { return (*Size)(r).Type() }

// Count is a number of workers as a flag, 0 where it was not given.
type Count int

const mostWorkers = 1000

// Set parses a flag's value.
func (c *Count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostWorkers {
		return fmt.Errorf("must be a number from 1 to %d: leave it out for the default", mostWorkers)
	}
	*c = Count(n)
	return nil
}

func (c *Count) String() string {
	if *c == 0 {
		return ""
	}
	return strconv.Itoa(int(*c))
}

// Type is what help calls the value.
func (c *Count) Type() string { return "N" }

// Bytes is a number of bytes for people.
func Bytes(n int64) string {
	text := fmt.Sprintf("%d B", n)
	for _, u := range units {
		if v := float64(n) / u.bytes; v >= 1 {
			digits := max(0, 2-int(math.Log10(v))) // three in all; 1000 to 1023 have four
			text = fmt.Sprintf("%.*f %sB", digits, v, u.suffix)
		}
	}
	return text
}

// BlockCache is a directory and how many bytes it may take, as DIR:SIZE.
type BlockCache struct{ *reader.Config }

// Set parses a flag's value.
func (b BlockCache) Set(text string) error {
	var s Size
	i := strings.LastIndexByte(text, ':')
	if i < 1 {
		return fmt.Errorf("%q is no directory and size: write DIR:SIZE, as in /var/cache/mtflight:50GB", text)
	}
	if err := s.Set(text[i+1:]); err != nil {
		return fmt.Errorf("%w: write DIR:SIZE, as in /var/cache/mtflight:50GB", err)
	}
	if s < blockcache.Least {
		return fmt.Errorf("%s is too little: give at least %s", Bytes(int64(s)), Bytes(blockcache.Least))
	}
	b.BlockDir, b.BlockBytes = text[:i], int64(s)
	return nil
}

func (b BlockCache) String() string {
	if b.Config == nil || b.BlockDir == "" {
		return ""
	}
	size := Size(b.BlockBytes)
	return b.BlockDir + ":" + size.String()
}

// Type is what help calls the value.
func (b BlockCache) Type() string { return "DIR:SIZE" }
