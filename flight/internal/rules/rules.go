// Package rules says who may read which files. Rules are a YAML file as Load read it; they do not change and are safe for concurrent
// use. What no rule gives is not there for whom asks.
//
//	groups:
//	  muon: [ann, bob]
//	operators: [prometheus]
//	rules:
//	  - for: ["@muon", "oidc:7f3a", "@oidc:staff"]
//	    root: runs
//	    files: ["2024/*", "calibration.h5"]
//	    except: ["2024/blind/*"]
//	  - for: ["*"]
//	    files: ["public/*"]
package rules

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/glob"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/secret"
)

// Rules are all of a file's.
type Rules struct {
	Groups    map[string][]string `yaml:"groups"`    // names of identities
	Operators []string            `yaml:"operators"` // who may ask the admin address, as Rule.For
	Rules     []Rule              `yaml:"rules"`
}

// Rule gives files to identities. A file is one of its Files and none of its Except: globs over names below the root.
type Rule struct {
	For    []string `yaml:"for"`  // names of identities, groups behind an @, * is everybody
	Root   *string  `yaml:"root"` // nil: any
	Files  []string `yaml:"files"`
	Except []string `yaml:"except"`

	files, except []*glob.Glob // of these
}

var _ catalog.Rules = (*Rules)(nil)

// Load reads a file of rules about these roots.
func Load(path string, roots []string) (*Rules, error) {
	content, err := secret.Trusted(path)
	if err != nil {
		return nil, err
	}
	r, err := Parse(content, roots)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: %w", path, err)
	}
	return r, nil
}

// Parse reads rules about these roots.
func Parse(content []byte, roots []string) (*Rules, error) {
	var r Rules
	in := yaml.NewDecoder(bytes.NewReader(content))
	in.KnownFields(true)
	if err := in.Decode(&r); err != nil && !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "%s", strings.Join(strings.Fields(err.Error()), " "))
	}
	if err := in.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "more than one document")
	}
	if err := r.known(r.Operators); err != nil {
		return nil, fault.New(fault.Invalid, "operators: %w", err)
	}
	for i, rule := range r.Rules {
		if err := r.check(rule, roots); err != nil {
			return nil, fault.New(fault.Invalid, "rule %d: %w", i+1, err)
		}
		r.Rules[i].compile()
	}
	return &r, nil
}

func (rule *Rule) compile() {
	for _, g := range rule.Files {
		rule.files = append(rule.files, glob.New(g))
	}
	for _, g := range rule.Except {
		rule.except = append(rule.except, glob.New(g))
	}
}

func (r *Rules) check(rule Rule, roots []string) error {
	switch {
	case len(rule.For) == 0:
		return fault.New(fault.Invalid, "member for is missing: whom it is for, or \"*\"")
	case len(rule.Files) == 0:
		return fault.New(fault.Invalid, "member files is missing: globs, or \"*\"")
	case rule.Root != nil && !slices.Contains(roots, *rule.Root):
		return fault.New(fault.Invalid, "no root %q%s", *rule.Root, near.Hint(*rule.Root, roots))
	case slices.Contains(rule.Files, "") || slices.Contains(rule.Except, ""):
		return fault.New(fault.Invalid, "an empty glob")
	}
	return r.known(rule.For)
}

// known refuses names that are empty, or of groups that are not there.
func (r *Rules) known(names []string) error {
	for _, who := range names {
		if who == "" {
			return fault.New(fault.Invalid, "an empty name")
		}
		group, is := strings.CutPrefix(who, "@")
		if _, known := r.Groups[group]; is && !known && !strings.Contains(group, ":") {
			return fault.New(fault.Invalid, "no group %q", group)
		}
	}
	return nil
}

// Allows tells whether somebody may read the file of a name below a root.
func (r *Rules) Allows(i identity.Identity, root, name string) bool {
	return slices.ContainsFunc(r.Rules, func(rule Rule) bool { return rule.covers(root, name) && r.among(i, rule.For) })
}

// Reach tells whether somebody may read files of a root whose names begin so: any, as far as the literal parts of globs tell, and all.
func (r *Rules) Reach(i identity.Identity, root, begin string) (some, all bool) {
	for _, rule := range r.Rules {
		if rule.about(root) && r.among(i, rule.For) {
			s, a := rule.reach(begin)
			some, all = some || s, all || a
		}
	}
	return some, all
}

// reach is Rules.Reach of one rule.
func (rule Rule) reach(begin string) (some, all bool) {
	whole := func(g string) bool { // of all of them, as * takes / too
		start, is := strings.CutSuffix(g, "*")
		return is && glob.Literal(start) == start && strings.HasPrefix(begin, start)
	}
	part := func(g string) bool { return glob.Below(begin, g) }
	some = slices.ContainsFunc(rule.Files, part) && !slices.ContainsFunc(rule.Except, whole)
	return some, slices.ContainsFunc(rule.Files, whole) && !slices.ContainsFunc(rule.Except, part)
}

// HasOperators tells whether anybody is one. Rules may be nil, as for Operates.
func (r *Rules) HasOperators() bool { return r != nil && len(r.Operators) > 0 }

// Operates tells whether somebody may ask the admin address.
func (r *Rules) Operates(i identity.Identity) bool {
	return r.HasOperators() && r.among(i, r.Operators)
}

// among tells whether somebody is one of those that are named.
func (r *Rules) among(i identity.Identity, names []string) bool {
	for _, who := range names {
		group, grouped := strings.CutPrefix(who, "@")
		switch {
		case who == "*", grouped && i.In(group):
			return true
		case grouped && i.Known() && slices.Contains(r.Groups[group], i.Name), !grouped && i.Known() && who == i.Name:
			return true
		}
	}
	return false
}

func (rule Rule) about(root string) bool { return rule.Root == nil || *rule.Root == root }

func (rule Rule) covers(root, name string) bool {
	matches := func(g *glob.Glob) bool { return g.Match(name) }
	return rule.about(root) && slices.ContainsFunc(rule.files, matches) && !slices.ContainsFunc(rule.except, matches)
}
