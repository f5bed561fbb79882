package collection

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// Folders named KEY=VALUE are what Hive, Spark, DuckDB and Polars call partitions: all rows of the files below have that value.

// absent is the value that stands for null.
const absent = "__HIVE_DEFAULT_PARTITION__"

// partitionKeys are the keys of the folders that files are in, with the types of their values: texts are those that are named, else those with a value
// that is no integer. Errors: fault.Precondition where files have other keys than the first.
func partitionKeys(files []reader.Location, texts []string) ([]*made, error) {
	keys := keysIn(files[0].Name)
	if len(keys) == 0 {
		return nil, fault.New(fault.Precondition, "options.partitions: %s is in no folder KEY=VALUE", files[0].Name)
	}
	out := make([]*made, len(keys))
	for i, key := range keys {
		if slices.Contains(keys[:i], key) {
			return nil, fault.New(fault.Precondition, "options.partitions: %s is in two folders %s=..", files[0].Name, key)
		}
		out[i] = &made{name: key, key: true, text: slices.Contains(texts, key)}
	}
	for _, f := range files {
		if !slices.Equal(keysIn(f.Name), keys) {
			return nil, fault.New(fault.Precondition, "options.partitions: %s and %s are in folders of other keys, or in another order", files[0].Name, f.Name)
		}
		for _, m := range out {
			text, known := partition(f.Name, m.name)
			if _, whole := integer(text); whole || !known || m.text {
				continue
			}
			if texts != nil {
				return nil, fault.New(fault.Precondition, "options.partitions: %s of %s is no integer of 64 bits: name it among the texts, or give true", spell.Quote(m.name), f.Name)
			}
			m.text = true
		}
	}
	return out, nil
}

// keysIn are the keys of a name's folders.
func keysIn(name string) (keys []string) {
	for _, folder := range folders(name) {
		if key, _, is := strings.Cut(folder, "="); is && key != "" {
			keys = append(keys, plainText(key))
		}
	}
	return keys
}

// partition is the value of a key; false: it stands for null.
func partition(name, key string) (value string, known bool) {
	for _, folder := range folders(name) {
		if k, v, is := strings.Cut(folder, "="); is && plainText(k) == key {
			return plainText(v), v != absent
		}
	}
	return "", false
}

func folders(name string) []string {
	all := strings.Split(name, "/")
	return all[:len(all)-1]
}

// plainText takes the escapes out of a part of a folder's name, if they are some.
func plainText(part string) string {
	if text, err := url.PathUnescape(part); err == nil && utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return text
	}
	return part
}

// integer is a value as an integer, if it is one.
func integer(text string) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && text[0] != '+'
}
