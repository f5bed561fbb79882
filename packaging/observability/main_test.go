package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// TestDashboard: grafana.json is what this program writes, and Grafana's own types take it strictly.
func TestDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	d, err := build()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Validate(); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(there), text) {
		t.Error("grafana.json is another one: go run .")
	}
	var again dashboard.Dashboard
	if err := again.UnmarshalJSONStrict(there); err != nil && err.Error() != "" { // it gives an empty list of errors where there is none
		t.Error(err)
	}
	if err := again.UnmarshalJSONStrict(bytes.Replace(there, []byte(`"panels"`), []byte(`"pannels"`), 1)); err == nil || err.Error() == "" {
		t.Error("a misspelt member is taken")
	}
}
