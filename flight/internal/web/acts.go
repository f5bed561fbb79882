package web

import (
	"context"
	"net/http"
)

// An act is an action that can be asked for.
type act struct {
	name, about string
	parameters  []parameter
	many        bool // its answers are a list
}

var (
	file    = parameter{"file", text, "file, by its name below the server's roots", true}
	dataset = parameter{"dataset", text, "absolute HDF5 path of a dataset", true}
)

var acts = []act{
	{"list", "Groups, datasets and links of files.", []parameter{
		{"file", text, "glob of files' names; one without wildcards names one file", false}, {"dataset", text, "glob of datasets' paths", false},
		{"kind", text, "table, array, vlarray, sparse or columns", false}, {"frames", truth, "data frames and sparse matrices, too", false},
		{"columns", truth, "tables of columns, too", false}, {"attributes", truth, "false: without attributes, which may be most of the answer", false}}, true},
	{"describe", "Schema, layout, chunks, filters and attributes of a dataset.", []parameter{file, dataset}, false},
	{"attributes", "Values of an object's attributes, of any size.", []parameter{file, {"object", text, "absolute HDF5 path of a dataset or group", true},
		{"names", texts, "attributes; all where none is named", false}}, false},
	{"stats", "Rows, nulls, minimum and maximum of columns, as far as they are known.", []parameter{file, dataset,
		{"fields", texts, "columns; all where none is named", false}, {"chunks", truth, "of each chunk, too", false}}, true},
	{"explain", "How a request would be answered: what is read, and what is not.", ofData, false},
	{"about", "Version of the server, and what it can do.", nil, false},
}

// act answers by an action's JSON.
func (h *Handler) act(a act) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h.call(w, r, a.name, func(ctx context.Context, out *outlet) error {
			body, err := h.bodyFrom(ctx, out, r, a.parameters)
			if err != nil {
				return err
			}
			fresh(w.Header(), "application/json")
			return h.answers(ctx, out, a, body)
		})
	}
}

// answers writes what the action gives, as a list if there may be several.
func (h *Handler) answers(ctx context.Context, out *outlet, a act, body []byte) error {
	between := ""
	if a.many {
		between = "["
	}
	err := h.service.Act(ctx, a.name, body, func(one []byte) error {
		_, err := out.Write(append([]byte(between), one...))
		between = ",\n"
		return err
	})
	if err != nil || !a.many {
		return err
	}
	end := "]\n"
	if between == "[" {
		end = "[]\n"
	}
	_, err = out.Write([]byte(end))
	return err
}

// fresh are the headers of what may be another thing the next time.
func fresh(h http.Header, media string) {
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept, Authorization, Origin")
}
