package where

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const maxTimeText = 64 // bytes

var (
	timeText = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?(Z|[+-]\d\d(?::?\d\d)?)?)?$`)

	// weeks, days, hours, minutes and seconds; only the last may have a fraction
	durationText = regexp.MustCompile(`^([+-])?P(?:([\d.,]+)W)?(?:([\d.,]+)D)?(?:T(?:([\d.,]+)H)?(?:([\d.,]+)M)?(?:([\d.,]+)S)?)?$`)
	calendarText = regexp.MustCompile(`^[+-]?P[^T]*[YM]`)
)

const (
	timeForm     = "write ISO 8601, as '2024-01-31' or '2024-01-31T12:30:00.5'"
	durationForm = "write ISO 8601, as 'PT1H30M' or '-P1DT0.5S'"
)

// parseTime gives the nanoseconds since 1970 of an ISO 8601 time, in UTC where the column has a zone; else the text
// has none either.
func parseTime(text, zone string) (*big.Rat, string) {
	m := timeText.FindStringSubmatch(text)
	if m == nil || len(text) > maxTimeText {
		return nil, fmt.Sprintf("%s is no time: %s", clip(text), timeForm)
	}
	part := func(i int) int { n, _ := strconv.Atoi(m[i]); return n }
	t := time.Date(part(1), time.Month(part(2)), part(3), part(4), part(5), part(6), 0, time.UTC)
	if t.Year() != part(1) || int(t.Month()) != part(2) || t.Day() != part(3) || part(4) > 23 || part(5) > 59 || part(6) > 59 {
		return nil, fmt.Sprintf("there is no time %s: %s", clip(text), timeForm)
	}
	offset, ok := zoneOffset(m[8])
	switch {
	case !ok:
		return nil, fmt.Sprintf("there is no time zone %s: write an offset as +02:00, or Z", m[8])
	case zone == "" && m[8] != "":
		return nil, "its times have no zone: leave " + m[8] + " out"
	case zone != "" && m[8] == "":
		return nil, fmt.Sprintf("its times are of the zone %s: write an offset, as %s+02:00 or %sZ", clip(zone), withClock(text, m[4]), withClock(text, m[4]))
	}
	nanos := new(big.Rat).SetInt64(t.Unix() - int64(offset))
	if m[7] != "" {
		fraction, _ := new(big.Rat).SetString("0." + m[7])
		nanos.Add(nanos, fraction)
	}
	return nanos.Mul(nanos, big.NewRat(1e9, 1)), ""
}

// withClock is a text with a time of day, which an offset can follow.
func withClock(text, hour string) string {
	if hour == "" {
		return clip(text) + "T00:00"
	}
	return clip(text)
}

// zoneOffset is the seconds of an offset that was written, 0 for Z and nothing.
func zoneOffset(text string) (seconds int, ok bool) {
	if text == "" || text == "Z" {
		return 0, true
	}
	digits := strings.ReplaceAll(text[1:], ":", "") + "00"
	hours, _ := strconv.Atoi(digits[:2])
	minutes, _ := strconv.Atoi(digits[2:4])
	seconds = hours*3600 + minutes*60
	if text[0] == '-' {
		seconds = -seconds
	}
	return seconds, hours < 24 && minutes < 60
}

// parseDuration gives the nanoseconds of an ISO 8601 duration.
func parseDuration(text string) (*big.Rat, string) {
	if calendarText.MatchString(text) {
		return nil, clip(text) + ": years and months have no fixed length: write days"
	}
	m := durationText.FindStringSubmatch(text)
	if m == nil || len(text) > maxTimeText || strings.HasSuffix(text, "T") {
		return nil, fmt.Sprintf("%s is no duration: %s", clip(text), durationForm)
	}
	total, parts, fraction := new(big.Rat), 0, false
	for i, seconds := range []int64{7 * 86400, 86400, 3600, 60, 1} {
		digits := strings.ReplaceAll(m[2+i], ",", ".")
		if digits == "" {
			continue
		}
		n, ok := new(big.Rat).SetString(digits)
		if !ok || fraction || !isDigit(digits[0]) || !isDigit(digits[len(digits)-1]) {
			return nil, fmt.Sprintf("%s is no duration: %s", clip(text), durationForm)
		}
		parts, fraction = parts+1, strings.Contains(digits, ".")
		total.Add(total, n.Mul(n, big.NewRat(seconds, 1)))
	}
	if parts == 0 {
		return nil, fmt.Sprintf("%s is no duration: %s", clip(text), durationForm)
	}
	if m[1] == "-" {
		total.Neg(total)
	}
	return total.Mul(total, big.NewRat(1e9, 1)), ""
}
