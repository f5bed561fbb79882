package flight

import (
	"context"
	"maps"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// Protocol is the number of the wire contract. Within a number members are only added.
const Protocol = 1

// Release is the version whose servers know all that this package's requests can say.
const Release = "0.1.0"

// About is the answer to the action about.
type About struct {
	Server   string   `json:"server"` // its version
	Protocol int      `json:"protocol"`
	Features []string `json:"features"`
}

// Features names, in order, the optional members of a request ("stream.follow" where they are nested) and the actions.
func Features() []string {
	var r reader.Request
	out := map[string]bool{}
	for prefix, members := range map[string]map[string]bind{
		"": requestMembers(&r), "stream.": streamMembers(new(reader.Stream)), "options.": optionMembers(&r)} {
		for name := range members {
			out[prefix+name] = true
		}
	}
	delete(out, "file")
	delete(out, "dataset")
	for _, a := range actions {
		out[a.name] = true
	}
	return slices.Sorted(maps.Keys(out))
}

// about tells what the server is. It takes an empty body, or an empty object.
func (s *Server) about(_ context.Context, body []byte, answer func(any) error) error {
	if len(body) > 0 {
		o, err := parseObject("about", body)
		if err != nil {
			return err
		}
		if len(o) > 0 {
			return fault.New(fault.Invalid, "about: unknown member %s: it takes none", short(o[0].name))
		}
	}
	return answer(About{s.cfg.Version, Protocol, s.features})
}
