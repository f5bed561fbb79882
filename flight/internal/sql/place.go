package sql

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
)

// place is the file and dataset of a name.
func (c *session) place(parts []string) (file, dataset string, err error) {
	switch {
	case len(parts) == 3 && strings.EqualFold(parts[0], Catalog):
		return parts[1], parts[2], nil
	case len(parts) == 2:
		return parts[0], parts[1], nil
	case len(parts) != 1:
		return "", "", fault.New(fault.NotFound, "SQL: no table %s: name it \"FILE\".\"/DATASET\"", strings.Join(parts, "."))
	}
	var files []string
	err = c.service.Files(c.ctx, func(file string) error {
		if files = append(files, file); len(files) > 1 {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return "", "", err
	}
	if len(files) != 1 {
		return "", "", fault.New(fault.NotFound, "SQL: no table %s: name it with its file, %s", parts[0], c.example(parts[0]))
	}
	return files[0], parts[0], nil
}

// maxLooked bounds the files that are looked into for a table that is named without one.
const maxLooked = 64

// example is how a table is named with its file: one of this name or nearly, if that is found soon.
func (c *session) example(table string) string {
	var all []string
	names, looked := map[string]string{}, 0
	_ = c.service.Files(c.ctx, func(file string) error {
		datasets, _ := c.service.Datasets(c.ctx, file) // what cannot be read is no example
		for _, d := range datasets {
			short := strings.TrimPrefix(d.Path, "/")
			if names[short] == "" {
				names[short] = fmt.Sprintf("%q.%q", file, d.Path)
				all = append(all, short)
			}
		}
		if looked++; looked == maxLooked || names[strings.TrimPrefix(table, "/")] != "" {
			return errEnough
		}
		return nil
	})
	if full := names[strings.TrimPrefix(table, "/")]; full != "" {
		return full
	}
	if alike := near.Near(strings.TrimPrefix(table, "/"), all); len(alike) > 0 {
		return names[alike[0]]
	}
	return "\"FILE\".\"/DATASET\""
}
