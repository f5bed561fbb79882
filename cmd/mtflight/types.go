package main

import "regexp"

// longTypes are Arrow's names of nested types, innermost first, and what people write.
var longTypes = []struct {
	name  *regexp.Regexp
	short string
}{
	{regexp.MustCompile(`dictionary<values=(\w+), indices=\w+, ordered=\w+>`), `dictionary<$1>`},
	{regexp.MustCompile(`fixed_size_list<item: ((?:[^<>]|<[^<>]*>)*?)(?:, nullable)?>\[(\d+)\]`), `$1[$2]`},
	{regexp.MustCompile(`\blist<item: ((?:[^<>]|<[^<>]*>)*?)(?:, nullable)?>`), `list<$1>`},
}

// shortType is an Arrow type as people write it: float32[3], list<int32>, dictionary<utf8>.
func shortType(name string) string {
	for _, long := range longTypes {
		name = long.name.ReplaceAllString(name, long.short)
	}
	return name
}

var extent = regexp.MustCompile(`\[\d+\]$`)

// number is the text form of HDF5's integers and floats.
var number = regexp.MustCompile(`^([fiu])(8|16|32|64)(le|be|)$`)

// numberType is an HDF5 type by Arrow's name where it is a plain number.
func numberType(h5 string) string {
	m := number.FindStringSubmatch(h5)
	if m == nil {
		return h5
	}
	name := map[string]string{"f": "float", "i": "int", "u": "uint"}[m[1]] + m[2]
	if m[3] == "be" {
		return name + " (big endian)"
	}
	return name
}

// elementType is the type of an array's elements: its shape has the axes.
func elementType(name string) string { return extent.ReplaceAllString(shortType(name), "") }
