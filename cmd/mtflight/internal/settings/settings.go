// Package settings gives the flags of a command their values from three more places: variables of the environment, a YAML file and the
// flags' own defaults. The flags are the one table: a flag --stage-dir is the variable MTFLIGHT_STAGE_DIR and the key stage-dir, and
// what it accepts is what its Set accepts. Load fills them, Origins say where each value is from, Show writes them as such a file.
package settings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
)

// Prefix is that of the variables.
const Prefix = "MTFLIGHT_"

// Variable is the variable of a flag.
func Variable(flag string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Token is the variable of a bearer, which clients send. It is no flag's.
const Token = Prefix + "TOKEN"

// File is the flag that names the file. It has a variable, but no key.
const File = "config"

// Origins tell where the values are from, by the flags' names: "flag", a variable's name, FILE:LINE, or "default".
type Origins map[string]string

const (
	fromFlag    = "flag"
	fromDefault = "default"
)

// Load gives flags that the command line left alone the values of their variable, else of the file. Errors are fault.Invalid (fault.NotFound
// for a file that is not there) and name the place.
func Load(flags *pflag.FlagSet, lookup func(string) (string, bool)) (Origins, error) {
	origins := Origins{}
	if err := fromEnvironment(flags, lookup, origins); err != nil {
		return nil, err
	}
	entries, err := readFile(flags.Lookup(File).Value.String(), names(flags))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		flag := flags.Lookup(e.key)
		if err := e.fits(flag); err != nil {
			return nil, err
		}
		if flag.Changed { // by the command line or its variable
			continue
		}
		if err := set(flag, e.values); err != nil {
			return nil, fault.New(fault.Invalid, "%s: %s: %w", e.place, e.key, err)
		}
		origins[e.key] = e.place
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if origins[f.Name] == "" {
			origins[f.Name] = map[bool]string{true: fromFlag, false: fromDefault}[f.Changed]
		}
	})
	return origins, nil
}

// fromEnvironment sets flags by their variables. An empty one is none, as programs that start others pass what they don't have.
func fromEnvironment(flags *pflag.FlagSet, lookup func(string) (string, bool), origins Origins) (err error) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := Variable(f.Name)
		text, _ := lookup(name)
		if f.Changed || text == "" || err != nil || f.Name == "help" {
			return
		}
		values := []string{text}
		if isList(f) {
			values = strings.Split(text, ",")
		}
		if e := set(f, values); e != nil {
			err = fault.New(fault.Invalid, "%s: %w", name, e)
		}
		origins[f.Name] = name
	})
	return err
}

// set gives a flag its values, all that it has.
func set(f *pflag.Flag, values []string) error {
	f.Changed = true
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return list.Replace(values)
	}
	return f.Value.Set(values[0])
}

func isList(f *pflag.Flag) bool {
	_, ok := f.Value.(pflag.SliceValue)
	return ok
}

// names are those that a file may have, in order.
func names(flags *pflag.FlagSet) (all []string) {
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != File {
			all = append(all, f.Name)
		}
	})
	return all
}

// Misspelt are the variables that are near to one of the flags' and set nothing, each with a hint. Others may be anybody's.
func Misspelt(flags *pflag.FlagSet, environ []string) (found []string) {
	known := []string{Variable(File)}
	for _, n := range names(flags) {
		known = append(known, Variable(n))
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		rest, ours := strings.CutPrefix(name, Prefix)
		if !ours || name == Token || slices.Contains(known, name) {
			continue
		}
		for _, k := range known {
			if hint := near.Hint(rest, []string{strings.TrimPrefix(k, Prefix)}); hint != "" {
				found = append(found, fmt.Sprintf("%s sets nothing (near: %s)", name, k))
				break
			}
		}
	}
	return found
}

// Given copies to another set of the same flags what the command line gave to this one, by its origins.
func Given(from, to *pflag.FlagSet, origins Origins) {
	from.VisitAll(func(f *pflag.Flag) {
		if origins[f.Name] != fromFlag {
			return
		}
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		_ = set(to.Lookup(f.Name), values) // what the same flag has accepted
	})
}

// Differ are the flags that have other values in another set of the same flags, but for some.
func Differ(a, b *pflag.FlagSet, but ...string) (differ []string) {
	for _, name := range names(b) {
		if !slices.Contains(but, name) && a.Lookup(name).Value.String() != b.Lookup(name).Value.String() {
			differ = append(differ, name)
		}
	}
	return differ
}
