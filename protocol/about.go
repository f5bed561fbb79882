package protocol

import (
	"maps"
	"slices"

	"github.com/mtflight/mtflight/internal/strict"
)

// Version is the number of the wire contract. Within a number members are only added.
const Version = 1

// Release is the version whose servers know all that this package's requests can say.
const Release = "0.1.0"

// About is the answer to the action about.
type About struct {
	Server   string   `json:"server"` // its version
	Protocol int      `json:"protocol"`
	Features []string `json:"features"`
}

// Members names, in order, the optional members of a request: "stream.follow" where they are nested.
func Members() []string {
	var r Request
	out := map[string]bool{}
	for prefix, members := range map[string]map[string]strict.Bind{
		"": requestMembers(&r), "stream.": streamMembers(new(Stream)), "options.": optionMembers(&r)} {
		for name := range members {
			out[prefix+name] = true
		}
	}
	delete(out, "file")
	delete(out, "dataset")
	return slices.Sorted(maps.Keys(out))
}
