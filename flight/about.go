package flight

import (
	"context"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
	"github.com/mtflight/mtflight/protocol"
)

// Features names, in order, the optional members of a request ("stream.follow" where they are nested) and the actions.
func Features() []string {
	out := protocol.Members()
	for _, a := range actions {
		out = append(out, a.name)
	}
	slices.Sort(out)
	return out
}

// about tells what the server is. It takes an empty body, or an empty object.
func (s *Server) about(_ context.Context, body []byte, answer func(any) error) error {
	if len(body) > 0 {
		o, err := strict.Parse("about", body)
		if err != nil {
			return err
		}
		if len(o) > 0 {
			return fault.New(fault.Invalid, "about: unknown member %s: it takes none", strict.Short(o[0].Name))
		}
	}
	return answer(protocol.About{Server: s.cfg.Version, Protocol: protocol.Version, Features: s.features})
}
