package protocol

import (
	"encoding/json"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
)

// Tree is what a file holds.
type Tree struct {
	State    string      `json:"-"` // of the file: Request.State
	Groups   []GroupInfo `json:"groups"`
	Datasets []Info      `json:"datasets"`
	Links    []LinkInfo  `json:"links"`
	Pattern  string      `json:"pattern,omitempty"` // of the files of a collection; "": it is one file
}

// GroupInfo is a group or a committed type.
type GroupInfo struct {
	Path       string          `json:"path"`
	Named      bool            `json:"named_type,omitempty"`
	Frame      string          `json:"frame,omitempty"` // what wrote it, if it is a data frame that can be asked for
	Attributes json.RawMessage `json:"attributes"`
	Comment    string          `json:"comment,omitempty"`
	Type       string          `json:"type,omitempty"` // of a committed type: its canonical text
	Error      string          `json:"error,omitempty"`
	Witness    string          `json:"witness,omitempty"` // why libhdf5 was asked about it
	Order      int64           `json:"order,omitempty"`   // as of LinkInfo
}

// LinkInfo is a link that is not hard, or a further hard link of an object.
type LinkInfo struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"` // hard, soft, external, user
	File   string `json:"file,omitempty"`
	Target string `json:"target,omitempty"` // of a hard link: the path by which the object is listed
	Order  int64  `json:"order,omitempty"`  // its place, from 1, among the links of its group as they were made, where the file keeps that
}

// Info describes a dataset without its chunk index.
type Info struct {
	Path       string          `json:"path"`
	Kind       string          `json:"kind"`             // table, array, vlarray, unsupported
	Reason     string          `json:"reason,omitempty"` // why unsupported
	Type       string          `json:"type,omitempty"`   // canonical text of the HDF5 type; what wrote a frame
	Shape      []int64         `json:"shape"`            // null: null dataspace
	MaxShape   []int64         `json:"max_shape"`        // -1: unlimited
	Layout     string          `json:"layout,omitempty"`
	Chunks     []int64         `json:"chunks"`
	Filters    []string        `json:"filters"` // deflate, shuffle, .. or the id; null: unknown, or those of a frame's parts
	Rows       Count           `json:"rows"`
	Bytes      Count           `json:"bytes"`  // of its elements
	Stored     Count           `json:"stored"` // in the file; listings leave it unknown where it takes a walk of the chunk index
	Attributes json.RawMessage `json:"attributes"`
	Comment    string          `json:"comment,omitempty"`
	Witness    string          `json:"witness,omitempty"` // why libhdf5 was asked about it
	Order      int64           `json:"order,omitempty"`   // in a Tree: as of LinkInfo
	Schema     *arrow.Schema   `json:"-"`                 // of a request for the whole; nil if unsupported
}

// Count is a number of rows or bytes, Unknown where nothing says it: null in JSON.
type Count int64

// Unknown is a Count that nothing says.
const Unknown Count = -1

// MarshalJSON is part of json.Marshaler.
func (c Count) MarshalJSON() ([]byte, error) {
	if c < 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// UnmarshalJSON is part of json.Unmarshaler.
func (c *Count) UnmarshalJSON(text []byte) error {
	if *c = Unknown; string(text) == "null" {
		return nil
	}
	return json.Unmarshal(text, (*int64)(c))
}
