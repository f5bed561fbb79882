package collection

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
)

// meanings are the attributes without which a dataset's numbers say something else (CF Conventions 1.11, sections 3.1, 4.4.1 and 8.1, and NetCDF
// Users Guide, "Attribute Conventions"): the same numbers with other ones are other values. The first file's go to the client, for all files.
var meanings = []string{"units", "calendar", "scale_factor", "add_offset", "_Unsigned"}

// absences are those that name values which stand for none: options.netcdf makes each file's null.
var absences = []string{"_FillValue", "missing_value"}

// ofColumn is a column's attribute of a PyTables table.
var ofColumn = regexp.MustCompile(`^FIELD_(\d+)_ATTR_(.+)$`)

// codesOf are the enumerations of the columns whose integers a request gives or sorts by: the same ones have to be called the same.
func codesOf(columns []convert.Column, r reader.Request) map[string]string {
	out := map[string]string{}
	integers := r.Options.Enum == "int" || r.Options.Layout == "rows"
	for _, c := range columns {
		if asked := integers && (r.Fields == nil || slices.Contains(r.Fields, c.Name)); !asked && c.Name != r.SortBy {
			continue
		}
		if text := enumerations(c.Type); text != "" {
			out[c.Name] = text
		}
	}
	return out
}

// enumerations are the names and integers of those in a type, whatever holds the integers.
func enumerations(t *h5type.Type) (text string) {
	if t.Class == h5type.Enum {
		_, text, _ = strings.Cut(t.String(), ">") // behind the base type's
		return text
	}
	for _, m := range t.Members {
		text += enumerations(m.Type)
	}
	if t.Base != nil {
		text += enumerations(t.Base)
	}
	return text
}

// sameCodes refuses files in which the same integers of an enumeration have other names. first are the first variants that have each column.
func sameCodes(first map[string]*variant, b *variant) error {
	for _, name := range slices.Sorted(maps.Keys(b.codes)) {
		a := first[name]
		if a == nil {
			first[name] = b
			continue
		}
		if x, y := a.codes[name], b.codes[name]; x != y {
			return fault.New(fault.Precondition, "the enumeration of column %s is %s in %s and %s in %s: its integers are other values there, read each file by itself, or its names without sort_by", spell.Quote(name), said(x), a.name, said(y), b.name)
		}
	}
	return nil
}

// meaningsOf are those of a dataset and, of a table, of its columns, each value as JSON.
func meaningsOf(attributes json.RawMessage, r reader.Request) map[string]string {
	names := meanings
	if !r.Options.NetCDF {
		names = slices.Concat(meanings, absences)
	}
	var all map[string]json.RawMessage
	_ = json.Unmarshal(attributes, &all) // they were written by package meta
	out := map[string]string{}
	for name, v := range all {
		of, what := "", name
		if m := ofColumn.FindStringSubmatch(name); m != nil {
			of, what = "column "+string(all["FIELD_"+m[1]+"_NAME"])+": ", m[2]
		}
		if slices.Contains(names, what) {
			out[of+"attribute "+spell.Quote(what)] = string(v)
		}
	}
	return out
}

// sameMeaning refuses files whose numbers say different things.
func sameMeaning(a, b *variant) error {
	names := maps.Clone(a.meanings)
	maps.Copy(names, b.meanings)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if x, y := a.meanings[name], b.meanings[name]; x != y {
			return fault.New(fault.Precondition, "%s is %s in %s and %s in %s: the same numbers are other values there, read each file by itself", name, said(x), a.name, said(y), b.name)
		}
	}
	return nil
}

func said(value string) string {
	if value == "" {
		return "missing"
	}
	return fmt.Sprintf("%.100s", value)
}
