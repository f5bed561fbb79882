package flight

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestCollectionsUnderRules: a collection has the files that who asks may read; where there is none it is not there.
func TestCollectionsUnderRules(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"run1.h5", "run2.h5", "run3.h5"} {
		text, err := os.ReadFile("../reader/testdata/virtual/source1.h5")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(root, name), text, 0o600))
	}
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	require.NoError(t, os.WriteFile(rules, []byte("rules:\n- {for: [ann], files: ['*']}\n- {for: [bob], files: ['*'], except: ['run2.h5']}\n"), 0o600))
	c := newCastle(t, func(config *Config) {
		config.Roots, config.Security.Rules, config.Collections = []string{root}, rules, []string{"runs=run*.h5:/plain"}
	}, "bob", "carol")
	rows := map[string]int64{}
	for name, files := range map[string]int64{"ann": 3, "bob": 2} {
		who := c.guest(nil, "Bearer "+c.tokens[name])
		info, err := who.GetFlightInfo(t.Context(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"runs", "/plain"}})
		require.NoError(t, err)
		rows[name] = info.TotalRecords / files
		require.Equal(t, []int64{info.TotalRecords}, listedAs(t, who, "runs"), name)
		require.Equal(t, name == "ann", strings.Contains(string(info.Endpoint[0].Ticket.Ticket), "run2.h5"), name)
	}
	require.Equal(t, rows["ann"], rows["bob"])
	carol := c.guest(nil, "Bearer "+c.tokens["carol"])
	_, err := carol.GetFlightInfo(t.Context(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"runs", "/plain"}})
	require.Equal(t, codes.NotFound, status.Code(err))
	_, none := carol.GetFlightInfo(t.Context(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"rums", "/plain"}})
	require.Equal(t, strings.ReplaceAll(plain(none), "rums", "runs"), plain(err))
	require.Empty(t, listedAs(t, carol, "runs"))
}

// plain is a message without its request.
func plain(err error) string {
	text, _, _ := strings.Cut(status.Convert(err).Message(), " (request")
	return text
}

// listedAs is the rows of what is listed by a name.
func listedAs(t *testing.T, c guest, name string) (rows []int64) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := c.ListFlights(ctx, &arrowflight.Criteria{})
	require.NoError(t, err)
	for {
		info, err := stream.Recv()
		if err != nil {
			return rows
		}
		if info.FlightDescriptor.Path[0] == name {
			rows = append(rows, info.TotalRecords)
		}
	}
}
