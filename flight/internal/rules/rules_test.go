package rules

import (
	"fmt"
	"math/rand/v2"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/mtflight/mtflight/internal/identity"
)

func who(name string, groups ...string) identity.Identity {
	return identity.Identity{Name: name, Groups: groups, How: "token"}
}

func TestRules(t *testing.T) {
	r, err := Parse([]byte(`
groups:
  muon: [ann, bob]
rules:
  - for: ["@muon", "oidc:7f3a", "@oidc:staff"]
    root: runs
    files: ["2024/*", calibration.h5]
    except: ["2024/blind/*"]
  - for: ["*"]
    files: ["public/*"]
  - for: [carol]
    files: ["*"]
`), []string{"runs", "more"})
	require.NoError(t, err)
	for _, k := range []struct {
		who        identity.Identity
		root, name string
		may        bool
	}{
		{who("ann"), "runs", "2024/a/b.h5", true}, {who("ann"), "runs", "2024/blind/b.h5", false}, {who("ann"), "more", "2024/a.h5", false},
		{who("muon"), "runs", "2024/a.h5", false}, {who("@muon"), "runs", "2024/a.h5", false}, {who("dan", "muon"), "runs", "2024/a.h5", true},
		{who("oidc:7f3a"), "runs", "calibration.h5", true}, {who("x", "oidc:staff"), "runs", "calibration.h5", true}, {who("oidc:staff"), "runs", "calibration.h5", false},
		{identity.Identity{}, "more", "public/x.h5", true}, {identity.Identity{}, "more", "private/x.h5", false}, {identity.Identity{Name: "carol"}, "more", "private/x.h5", false},
		{who("carol"), "more", "private/x.h5", true},
	} {
		require.Equal(t, k.may, r.Allows(k.who, k.root, k.name), "%+v", k)
	}
	for _, k := range []struct {
		who       identity.Identity
		root      string
		begin     string
		some, all bool
	}{
		{who("ann"), "runs", "", true, false}, {who("carol"), "runs", "", true, true}, {identity.Identity{}, "more", "", true, false},
		{who("ann"), "runs", "2024/", true, false}, {who("ann"), "runs", "2024/a/", true, true}, {who("ann"), "runs", "2024/blind/", false, false},
		{who("ann"), "runs", "2023/", false, false}, {who("ann"), "runs", "2", true, false}, {who("ann"), "more", "public/x/", true, true},
		{identity.Identity{}, "runs", "2024/", false, false},
	} {
		some, all := r.Reach(k.who, k.root, k.begin)
		require.Equal(t, []bool{k.some, k.all}, []bool{some, all}, "%+v", k)
	}
}

func TestNoRulesGiveNothing(t *testing.T) {
	r, err := Parse(nil, nil)
	require.NoError(t, err)
	require.False(t, r.Allows(who("ann"), "", "x.h5"))
	some, all := r.Reach(who("ann"), "", "")
	require.False(t, some || all)
}

// model is what a set of rules means, said another way: all that is given to each, as regular expressions.
func model(r Rules, i identity.Identity, root, name string) bool {
	mine := map[string]bool{"*": true}
	if i.Known() {
		mine[i.Name] = mine[i.Name] || !strings.HasPrefix(i.Name, "@")
		for g, members := range r.Groups {
			mine["@"+g] = mine["@"+g] || strings.Contains(" "+strings.Join(members, " ")+" ", " "+i.Name+" ")
		}
	}
	for _, g := range i.Groups {
		mine["@"+g] = true
	}
	given := false
	for _, rule := range r.Rules {
		for _, w := range rule.For {
			if mine[w] && (rule.Root == nil || *rule.Root == root) {
				given = given || anyOf(rule.Files).MatchString(name) && !anyOf(rule.Except).MatchString(name)
			}
		}
	}
	return given
}

var compiled = map[string]*regexp.Regexp{}

func anyOf(globs []string) *regexp.Regexp {
	if r := compiled[strings.Join(globs, " ")]; r != nil {
		return r
	}
	all := []string{"$."} // nothing
	for _, g := range globs {
		all = append(all, strings.NewReplacer(`\*`, ".*", `\?`, ".", `\[!a\]`, "[^a]", `\[ab\]`, "[ab]").Replace(regexp.QuoteMeta(g)))
	}
	r := regexp.MustCompile("^(" + strings.Join(all, "|") + ")$")
	compiled[strings.Join(globs, " ")] = r
	return r
}

// TestDrawnRules: 10,000 sets of rules, some of them written as YAML and read again, agree with the model.
func TestDrawnRules(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(all ...string) string { return all[rng.IntN(len(all))] }
	several := func(least int, all ...string) (out []string) {
		for range least + rng.IntN(3) {
			out = append(out, pick(all...))
		}
		return out
	}
	roots, yes := []string{"", "r", "s"}, 0
	for n := range 10_000 {
		set := Rules{Groups: map[string][]string{"g": several(0, "ann", "bob", "c"), "h": several(0, "ann", "c")}}
		for range rng.IntN(5) {
			rule := Rule{For: several(1, "ann", "bob", "@g", "@h", "@x:y", "*", "g"), Files: several(1, "*", "a/*", "*.h5", "a?c", "[!a]*", "[ab]/x.h5", "b", "a/b/*"),
				Except: several(0, "a/*", "*/x.h5", "b*", "a/b/?", "[ab]*")}
			if rng.IntN(2) == 0 {
				root := pick(roots...)
				rule.Root = &root
			}
			rule.compile()
			set.Rules = append(set.Rules, rule)
		}
		r := &set
		if n%20 == 0 {
			text, err := yaml.Marshal(set)
			require.NoError(t, err)
			r, err = Parse(text, roots)
			require.NoError(t, err, "%s", text)
		}
		for range 20 {
			i := identity.Identity{Name: pick("ann", "bob", "c", "g", "@g", "*"), Groups: several(0, "x:y", "h"), How: pick("token", "oidc")}
			if rng.IntN(6) == 0 {
				i = identity.Identity{}
			}
			root, name := pick(roots...), path.Join(pick("a", "b", "c", ""), pick("b", "x.h5", "abc", "a.h5"), pick("", "", "x.h5", "1"))
			want := model(set, i, root, name)
			if want != r.Allows(i, root, name) {
				t.Fatalf("set %d: %+v %q %q: %t is expected\n%+v", n, i, root, name, want, set)
			}
			begin := name[:rng.IntN(len(name)+1)]
			some, all := r.Reach(i, root, begin)
			if want && !some || !want && all {
				t.Fatalf("set %d: %+v %q %q %q: %t, some %t, all %t\n%+v", n, i, root, begin, name, want, some, all, set)
			}
			if want {
				yes++
			}
		}
	}
	require.Greater(t, yes, 20_000)
	require.Less(t, yes, 180_000)
}

// FuzzParse: no file of rules ends the server.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "rules: [{for: [a], files: ['*'], root: r, except: [x]}]", "groups: {a: [b]}", "a: &x [*x]", "--- 1\n--- 2", "rules: [{for: ['@a']}]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(_ *testing.T, content []byte) {
		if r, err := Parse(content, []string{"r"}); err == nil {
			r.Allows(who("a", "b"), "r", "x/y.h5")
			r.Reach(identity.Identity{}, "r", "x/")
		} else {
			_ = fmt.Sprint(err)
		}
	})
}
