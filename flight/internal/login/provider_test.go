package login

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/mtflight/mtflight/internal/fault"
)

// TestProviderThatDoesNotAnswer: the server starts, its log says why once, and the provider is asked again later.
func TestProviderThatDoesNotAnswer(t *testing.T) {
	var up atomic.Bool
	var p *httptest.Server
	p = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			http.Error(w, "not now", http.StatusBadGateway)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": p.URL, "jwks_uri": p.URL})
	}))
	defer p.Close()
	core, logs := observer.New(zap.InfoLevel)
	w, err := Open(context.Background(), Config{Issuer: p.URL, Audience: "mtflight", Log: zap.New(core)}, nil)
	require.NoError(t, err)
	for range 2 {
		_, err = w.Bearer(context.Background(), "Bearer a.b.c")
		require.ErrorIs(t, err, fault.Unavailable)
		require.NotContains(t, err.Error(), p.URL)
	}
	require.Equal(t, 1, logs.Len())
	require.Contains(t, logs.All()[0].ContextMap()["error"], "502 Bad Gateway")
	up.Store(true)
	w.provider.asked = time.Now().Add(-askAgain)
	_, err = w.Bearer(context.Background(), "Bearer a.b.c")
	require.ErrorIs(t, err, fault.Unauthenticated)
}
