package flight

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// askedCalls are all that ask about a dataset; each gives what it was told.
var askedCalls = map[string]func(c arrowflight.Client, file, dataset string) (string, error){
	"schema": func(c arrowflight.Client, file, dataset string) (string, error) {
		s, err := c.GetSchema(context.Background(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{file, dataset}})
		return s.String(), err
	},
	"info": func(c arrowflight.Client, file, dataset string) (string, error) {
		s, err := c.GetFlightInfo(context.Background(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{file, dataset}})
		return s.String(), err
	},
	"get": func(c arrowflight.Client, file, dataset string) (string, error) {
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
}

func question(file, dataset string) string {
	b, _ := json.Marshal(map[string]string{"file": file, "dataset": dataset})
	return string(b)
}

func asked(name string) func(c arrowflight.Client, file, dataset string) (string, error) {
	return func(c arrowflight.Client, file, dataset string) (string, error) {
		body := question(file, dataset)
		switch name {
		case "attributes":
			body = strings.Replace(body, `"dataset"`, `"object"`, 1)
		case "refresh":
			body = `{"file": "` + file + `"}`
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
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
	stages := t.TempDir()
	require.NoError(t, os.Chmod(stages, 0o700))
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n- {for: [ann], files: ['*']}\n- {for: [bob], files: ['*'], except: ['source*']}\n"), 0o600))
	c := newCastle(t, func(config *Config) {
		config.Roots, config.Security.Rules, config.StageDir = []string{root}, rules, stages
	}, "bob", "carol")
	as := func(name string) arrowflight.Client { return c.client(nil, "Bearer "+c.tokens[name]) }
	ann, bob, carol := as("ann"), as("bob"), as("carol")
	for round := range 2 {
		for name, call := range askedCalls {
			for _, k := range []struct{ file, dataset string }{{"source1.h5", "/x"}, {"link.h5", "/x"}, {"limited_latest.h5", "/stacked"}, {"limited_latest.h5", "/linked"}} {
				_, ok := call(ann, k.file, k.dataset)
				_, err := call(carol, k.file, k.dataset)
				require.Equal(t, codes.NotFound, status.Code(err), "%s of %v by carol: %v", name, k, err)
				told, err := call(bob, k.file, k.dataset)
				if err == nil { // a description of a dataset that cannot be read
					require.Contains(t, []string{"describe", "attributes", "refresh"}, name, "%v round %d", k, round)
					require.Equal(t, "limited_latest.h5", k.file)
					require.NotContains(t, told, "int64[")
				} else if status.Code(ok) != codes.Unimplemented {
					require.Equal(t, codes.NotFound, status.Code(err), "%s of %v by bob: %v (ann: %v)", name, k, err, ok)
				}
			}
			_, denied := call(bob, "source1.h5", "/x")
			_, absent := call(bob, "source9.h5", "/x")
			words := func(err error) string {
				text, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), "source1", "source9"), "(request")
				return text
			}
			require.Equal(t, words(absent), words(denied), name)
		}
	}
	for who, client := range map[string]arrowflight.Client{"ann": ann, "bob": bob, "carol": carol} {
		stream, err := client.ListFlights(context.Background(), &arrowflight.Criteria{})
		require.NoError(t, err)
		files := map[string]bool{}
		for m, err := stream.Recv(); err == nil; m, err = stream.Recv() {
			files[m.FlightDescriptor.Path[0]] = true
		}
		require.Equal(t, who == "ann", files["source1.h5"], who)
		require.Equal(t, who == "ann", files["link.h5"], who)
		require.Equal(t, who != "carol", files["limited_latest.h5"], who)
	}
}
