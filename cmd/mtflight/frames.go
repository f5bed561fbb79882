package main

import (
	"fmt"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// frameFlag says how many frames are listed: to tell a frame's columns its group has to be opened, and some files have
// thousands.
type frameFlag string

const (
	someFrames frameFlag = "some"
	allFrames  frameFlag = "all"
	noFrames   frameFlag = "none"
)

// mostFrames is how many frames a listing opens if not told otherwise; others it names.
const mostFrames = 100

// Set parses a flag's value; as a flag of true and false it means all and none.
func (f *frameFlag) Set(text string) error {
	switch v := frameFlag(text); v {
	case someFrames, allFrames, noFrames:
		*f = v
	case "true":
		*f = allFrames
	case "false":
		*f = noFrames
	default:
		return fmt.Errorf("%q is none of some, all and none", text)
	}
	return nil
}

func (f *frameFlag) String() string { return string(*f) }

// Type is what help calls the value.
func (f *frameFlag) Type() string { return "some|all|none" }

// frameBudget is how many frames may still be opened; negative: any number. nil: none is listed.
type frameBudget struct{ left int }

func (f frameFlag) budget() *frameBudget {
	switch f {
	case noFrames:
		return nil
	case allFrames:
		return &frameBudget{-1}
	}
	return &frameBudget{mostFrames}
}

// list visits a file's groups that are frames, each opened while the budget lasts.
func (b *frameBudget) list(file string, groups []reader.GroupInfo, open func(path string) (listed, error), visit func(listed) error) error {
	for _, g := range groups {
		if b == nil || g.Frame == "" || reader.Hidden(g.Path) {
			continue
		}
		d, err := b.one(g, open)
		if err != nil {
			return err
		}
		d.File = file
		if err := visit(d); err != nil {
			return err
		}
	}
	return nil
}

// one is a frame as it is known: all of it, only its name and what wrote it, or why it cannot be opened.
func (b *frameBudget) one(g reader.GroupInfo, open func(path string) (listed, error)) (listed, error) {
	named := reader.Info{Path: g.Path, Kind: "table", Type: g.Frame, Layout: "frame", Attributes: g.Attributes, Comment: g.Comment,
		Rows: reader.Unknown, Bytes: reader.Unknown, Stored: reader.Unknown}
	if strings.HasSuffix(g.Frame, "_matrix") {
		named.Kind, named.Layout = "sparse", "sparse"
	}
	if b.left == 0 {
		return listed{Info: &named}, nil
	}
	b.left--
	d, err := open(g.Path)
	if kind := fault.Of(err); kind == fault.DataLoss || kind == fault.Unsupported {
		named.Kind, named.Reason = "unsupported", err.Error()
		return listed{Info: &named}, nil
	}
	return d, err
}
