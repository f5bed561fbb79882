package replicas

import (
	"context"
	"fmt"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func always(t *testing.T, locations ...string) *Set {
	t.Helper()
	s, err := New(locations, nil, false, zap.NewNop())
	require.NoError(t, err)
	return s
}

func at(n int) (locations []string) {
	for i := range n {
		locations = append(locations, fmt.Sprintf("grpc://h%d:8815", i))
	}
	return locations
}

func names(n int) (parts []string) {
	for i := range n {
		start := int64(i) * 1000
		parts = append(parts, Name("run.h5", nil, &start))
	}
	return parts
}

// Of one answer each has its share, all are named, and any of the servers says the same.
func TestPlaceIsEvenAndTheSame(t *testing.T) {
	locations := at(3)
	turned := always(t, locations[2], locations[0], locations[1])
	for _, n := range []int{1, 2, 3, 12, 13, 100} {
		places, taken := always(t, locations...).Place(names(n)), map[string]int{}
		require.Equal(t, places, turned.Place(names(n)))
		for _, place := range places {
			require.ElementsMatch(t, locations, place)
			taken[place[0]]++
		}
		for _, location := range locations {
			require.LessOrEqual(t, taken[location], (n+2)/3)
		}
	}
	require.Equal(t, [][]string{nil, nil}, always(t).Place(names(2)))
}

// Many files spread by their names, and one that is gone moves its own and few others.
func TestPlaceMovesFew(t *testing.T) {
	taken, moved := map[string]int{}, 0
	before, after := always(t, at(4)...), always(t, at(3)...)
	for i := range 4000 {
		file := []string{Name(fmt.Sprintf("runs/%d.h5", i), nil, nil)}
		first := before.Place(file)[0][0]
		taken[first]++
		if first != "grpc://h3:8815" && after.Place(file)[0][0] != first {
			moved++
		}
	}
	require.Zero(t, moved)
	for _, n := range taken {
		require.InDelta(t, 1000, n, 110) // four standard deviations
	}
	one, two := before.Place(names(48)), after.Place(names(48))
	for i := range one {
		if one[i][0] != "grpc://h3:8815" && one[i][0] != two[i][0] {
			moved++
		}
	}
	require.Less(t, moved, 12)
}

func TestNewRefuses(t *testing.T) {
	for _, one := range []struct{ always, peers []string }{
		{always: []string{"dns:///h:1"}}, {peers: []string{"dns:///h"}}, {peers: []string{"dns:///:1"}}, {peers: []string{"http://h:1"}},
		{peers: []string{"grpc://0.0.0.0:1"}}, {always: []string{"grpc://h:1/x"}}, {always: at(1), peers: at(1)}, {peers: at(65)},
	} {
		_, err := New(one.always, one.peers, false, zap.NewNop())
		require.ErrorIs(t, err, fault.Invalid, one)
	}
	_, err := New(nil, []string{"dns:///_grpc._tcp.mtflight", "dns:///mtflight:8815", "grpc+unix:///s"}, true, zap.NewNop())
	require.NoError(t, err)
}

// peer is a server that only tells its health.
type peer struct {
	*health.Server
	stop     func()
	location string
}

func newPeer(t *testing.T, address string) (p peer) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	require.NoError(t, err)
	server := grpc.NewServer()
	p = peer{health.NewServer(), server.Stop, "grpc://" + l.Addr().String()}
	grpc_health_v1.RegisterHealthServer(server, p.Server)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return p
}

// Who drains or is gone is not named, and is again when it is back.
func TestReadyAreThoseThatServe(t *testing.T) {
	one, two := newPeer(t, "127.0.0.1:0"), newPeer(t, "127.0.0.1:0")
	s, err := New(nil, []string{one.location, two.location, "grpc://127.0.0.1:1"}, false, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { s.forget(nil) })
	require.Empty(t, s.Ready()) // not known yet: clients stay
	s.round(t.Context())
	require.ElementsMatch(t, []string{one.location, two.location}, s.Ready())
	one.SetServingStatus("", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
	s.round(t.Context())
	require.Equal(t, []string{two.location}, s.Ready())
	one.SetServingStatus("", grpc_health_v1.HealthCheckResponse_SERVING)
	two.stop()
	s.round(t.Context())
	require.Equal(t, []string{one.location}, s.Ready())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s.round(ended) // at the end nothing is concluded
	require.Equal(t, []string{one.location}, s.Ready())
}

// A name is each of its addresses; what cannot be looked up is none, and ends nothing.
func TestNamesAreLookedUp(t *testing.T) {
	p := newPeer(t, "127.0.0.1:0")
	_, port, err := net.SplitHostPort(p.location[len("grpc://"):])
	require.NoError(t, err)
	s, err := New(nil, []string{"dns:///localhost:" + port, "dns:///no such name:1"}, false, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { s.forget(nil) })
	s.round(t.Context())
	require.Equal(t, []string{"grpc://127.0.0.1:" + port}, s.Ready())
	secure, err := New(nil, []string{"dns:///localhost:" + port}, true, zap.NewNop())
	require.NoError(t, err)
	t.Cleanup(func() { secure.forget(nil) })
	secure.round(t.Context())
	require.Empty(t, secure.Ready()) // it is without TLS
}

func TestWatchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := New(nil, []string{"dns:///nowhere.invalid:1"}, false, zap.NewNop())
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s.Watch(ctx)
		always(t, at(2)...).Watch(t.Context())
	})
}
