package flight

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// askedCalls are all that ask about a dataset; each gives what it was told.
var askedCalls = map[string]func(c guest, file, dataset string) (string, error){
	"schema": func(c guest, file, dataset string) (string, error) {
		s, err := c.GetSchema(context.Background(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{file, dataset}})
		return s.String(), err
	},
	"info": func(c guest, file, dataset string) (string, error) {
		s, err := c.GetFlightInfo(context.Background(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{file, dataset}})
		return s.String(), err
	},
	"get": func(c guest, file, dataset string) (string, error) {
		stream, err := c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: []byte(question(file, dataset))})
		if err != nil {
			return "", err
		}
		r, err := arrowflight.NewRecordReader(stream)
		if err != nil {
			return "", err
		}
		defer r.Release()
		for r.Next() {
		}
		return "", r.Err()
	},
	"describe": asked("describe"), "attributes": asked("attributes"), "stats": asked("stats"), "explain": asked("explain"), "refresh": asked("refresh"),
	"stage": asked("stage"), "ring": asked("ring"),
	"http arrow": byHTTP("data", "format=arrow"), "http csv": byHTTP("data", "format=csv"), "http parquet": byHTTP("data", "format=parquet"),
	"http describe": byHTTP("describe", ""), "http attributes": byHTTP("attributes", ""), "http stats": byHTTP("stats", ""), "http explain": byHTTP("explain", ""),
}

func question(file, dataset string) string {
	b, _ := json.Marshal(map[string]string{"file": file, "dataset": dataset})
	return string(b)
}

func asked(name string) func(c guest, file, dataset string) (string, error) {
	return func(c guest, file, dataset string) (string, error) {
		body := question(file, dataset)
		switch name {
		case "attributes":
			body = strings.Replace(body, `"dataset"`, `"object"`, 1)
		case "refresh":
			body = `{"file": "` + file + `"}`
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel() // which ends a ring
		stream, err := c.DoAction(ctx, &arrowflight.Action{Type: name, Body: []byte(body)})
		if err != nil {
			return "", err
		}
		r, err := stream.Recv()
		return string(r.GetBody()), err
	}
}

// TestRulesByCall: who may read what, by each call, with what the others have asked for before in the caches.
func TestRulesByCall(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.CopyFS(root, os.DirFS("../reader/testdata/virtual")))
	require.NoError(t, os.Symlink("source1.h5", filepath.Join(root, "link.h5")))
	writeExternal(t, root)
	stages := t.TempDir()
	require.NoError(t, os.Chmod(stages, 0o700))
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("groups: {lab: ['spiffe://lab.example/eve']}\nrules:\n"+
		"- {for: [ann], files: ['*']}\n- {for: [bob, '@lab'], files: ['*'], except: ['source*', two.raw]}\n- {for: ['@oidc:staff'], root: '', files: ['*.h5', one.raw, two.raw]}\n"), 0o600))
	c := newCastle(t, func(config *Config) {
		config.Roots, config.Security.Rules, config.StageDir, config.HTTP.Address = []string{root}, rules, stages, "127.0.0.1:0"
	}, "bob", "carol")
	as := func(name string) guest { return c.guest(nil, "Bearer "+c.tokens[name]) }
	ann, bob, carol := as("ann"), as("bob"), as("carol")
	pair := c.authority.Issue(nil, "spiffe://lab.example/eve")
	eve, dora := c.guest(&pair, ""), c.guest(nil, "Bearer "+c.issuer.token(nil, "staff"))
	calls := maps.Clone(askedCalls)
	calls["exchange"] = func(c guest, file, dataset string) (string, error) {
		_, err := exchange(t, c, onWire(t, question(file, dataset), column64(memory.NewGoAllocator(), []int64{1, 0}, nil)).all)
		return "", err
	}
	for round := range 2 {
		for name, call := range calls {
			for _, k := range []struct{ file, dataset string }{{"source1.h5", "/plain"}, {"link.h5", "/plain"}, {"limited_latest.h5", "/stacked"}, {"limited_latest.h5", "/linked"}, {"limited_latest.h5", "/there"},
				{"external.h5", "/x"}} {
				_, ok := call(ann, k.file, k.dataset)
				require.Contains(t, []codes.Code{codes.OK, codes.Unimplemented}, status.Code(ok), "%s of %v by ann: %v", name, k, ok)
				_, same := call(dora, k.file, k.dataset)
				require.Equal(t, status.Code(ok), status.Code(same), "%s of %v by dora: %v", name, k, same)
				_, err := call(carol, k.file, k.dataset)
				require.Equal(t, codes.NotFound, status.Code(err), "%s of %v by carol: %v", name, k, err)
				for who, client := range map[string]guest{"bob": bob, "eve": eve} {
					told, err := call(client, k.file, k.dataset)
					if err == nil { // a description of a dataset that cannot be read
						require.Contains(t, []string{"describe", "attributes", "refresh", "http describe", "http attributes"}, name, "%v round %d", k, round)
						require.Contains(t, []string{"limited_latest.h5", "external.h5"}, k.file)
						require.NotContains(t, told, "int64[")
					} else if status.Code(ok) != codes.Unimplemented {
						require.Equal(t, codes.NotFound, status.Code(err), "%s of %v by %s: %v (ann: %v)", name, k, who, err, ok)
					}
				}
			}
			_, denied := call(bob, "source1.h5", "/plain")
			_, absent := call(bob, "source9.h5", "/plain")
			words := func(err error) string {
				text, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), "source1", "source9"), "(request")
				return text
			}
			require.Equal(t, words(absent), words(denied), name)
		}
	}
	for who, client := range map[string]guest{"ann": ann, "bob": bob, "carol": carol, "dora": dora, "eve": eve} {
		stream, err := client.ListFlights(context.Background(), &arrowflight.Criteria{})
		require.NoError(t, err)
		files := map[string]bool{}
		for m, err := stream.Recv(); err == nil; m, err = stream.Recv() {
			files[m.FlightDescriptor.Path[0]] = true
		}
		listed := map[string]bool{}
		require.NoError(t, act(client, "list", map[string]string{}, func(entry json.RawMessage) error {
			var told struct{ File string }
			require.NoError(t, json.Unmarshal(entry, &told))
			listed[told.File] = true
			return nil
		}))
		require.Equal(t, files, listed, who)
		require.Equal(t, files, client.listedByHTTP(t), who)
		require.Equal(t, who == "ann" || who == "dora", files["source1.h5"], who)
		require.Equal(t, who == "ann" || who == "dora", files["link.h5"], who)
		require.Equal(t, who != "carol", files["limited_latest.h5"], who)
	}
}

// TestRulesOfLeases: a lease is ended by whom it was made for, and others are told what they are told of one that is not there.
func TestRulesOfLeases(t *testing.T) {
	stages := t.TempDir()
	require.NoError(t, os.Chmod(stages, 0o700))
	c := newCastle(t, func(config *Config) { config.StageDir = stages }, "bob")
	ann, bob := c.client(nil, "Bearer "+c.tokens["ann"]), c.client(nil, "Bearer "+c.tokens["bob"])
	release := func(client arrowflight.Client, lease string) error {
		return act(client, "release", map[string]string{"lease": lease}, func(json.RawMessage) error { return nil })
	}
	var told struct{ Path, Lease string }
	require.NoError(t, act(ann, "stage", map[string]string{"file": "tables.h5", "dataset": "/events"}, func(m json.RawMessage) error { return json.Unmarshal(m, &told) }))
	denied, absent := release(bob, told.Lease), release(bob, "0000")
	require.Equal(t, codes.NotFound, status.Code(denied), denied)
	require.Equal(t, codes.NotFound, status.Code(absent), absent)
	require.FileExists(t, told.Path)
	require.NoError(t, release(ann, told.Lease))
	require.NoFileExists(t, told.Path)
}

// writeExternal writes external.h5, whose elements are in one.raw and two.raw.
func writeExternal(t *testing.T, dir string) {
	in, err := os.Open("../reader/internal/chunkindex/testdata/seed_external.h5.gz")
	require.NoError(t, err)
	defer in.Close()
	z, err := gzip.NewReader(in)
	require.NoError(t, err)
	content, err := io.ReadAll(z)
	require.NoError(t, err)
	for name, b := range map[string][]byte{"external.h5": content, "one.raw": make([]byte, 40), "two.raw": make([]byte, 40)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
}

// TestRulesOfPatterns: what a pattern stands for is what may be read, by every call, whatever others asked before.
func TestRulesOfPatterns(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.CopyFS(root, os.DirFS("../reader/testdata/virtual")))
	require.NoError(t, os.Symlink("source2.h5", filepath.Join(root, "link1.h5")))
	content, err := os.ReadFile("../reader/testdata/virtual/source3.h5")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(root, "plain1.h5"), content, 0o600))
	stages := t.TempDir()
	require.NoError(t, os.Chmod(stages, 0o700))
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n- {for: [ann], files: ['*']}\n- {for: [bob], files: ['*'], except: ['source*']}\n"), 0o600))
	c := newCastle(t, func(config *Config) {
		config.Roots, config.Security.Rules, config.StageDir, config.HTTP.Address = []string{root}, rules, stages, "127.0.0.1:0"
	}, "bob", "carol")
	ann, bob, carol := c.guest(nil, "Bearer "+c.tokens["ann"]), c.guest(nil, "Bearer "+c.tokens["bob"]), c.guest(nil, "Bearer "+c.tokens["carol"])
	rows := func(client guest, file string) int64 {
		info, err := client.GetFlightInfo(t.Context(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(file)})
		require.NoError(t, err)
		return info.TotalRecords
	}
	require.Equal(t, int64(18), rows(ann, question("*1.h5", "/plain"))) // link1.h5 too
	require.Equal(t, int64(6), rows(bob, question("*1.h5", "/plain")))
	for _, name := range []string{"schema", "info", "get", "explain", "stage", "http arrow", "http parquet"} {
		call := askedCalls[name]
		for _, k := range []struct{ file, dataset string }{{"source[1-3].h5", "/plain"}, {"lin?1.h5", "/plain"}, {"limited_*.h5", "/stacked"}, {"limited_*.h5", "/linked"}} {
			_, err := call(ann, k.file, k.dataset)
			require.Contains(t, []codes.Code{codes.OK, codes.Unimplemented}, status.Code(err), "%s of %v by ann: %v", name, k, err)
			for who, client := range map[string]guest{"bob": bob, "carol": carol} {
				_, err := call(client, k.file, k.dataset)
				require.Equal(t, codes.NotFound, status.Code(err), "%s of %v by %s: %v", name, k, who, err)
			}
		}
	}
	list := `{"file": ["plain1.h5", "source1.h5"], "dataset": "/plain"}`
	like := `{"file": ["plain1.h5"], "dataset": "/plain", "state": "set.~source1.h5."}`
	for _, ticket := range []string{list, like} {
		stream, err := bob.DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte(ticket)})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.Contains(t, []codes.Code{codes.NotFound, codes.Aborted}, status.Code(err), "%s: %v", ticket, err)
		require.ErrorContains(t, err, "source1.h5")
	}
}
