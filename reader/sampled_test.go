package reader

import (
	"math/rand/v2"
	"runtime/debug"
)

// racing tells whether the race detector looks on, under which all takes many times as long. Then large tests draw a part of their cases;
// without it (make test-go) they go through all.
var racing = builtWith()["-race"] == "true"

// sampledShare is one in so many cases.
const sampledShare = 10

// builtWith are the flags of go build that this test was built with.
func builtWith() map[string]string {
	flags := map[string]string{}
	if built, ok := debug.ReadBuildInfo(); ok {
		for _, s := range built.Settings {
			flags[s.Key] = s.Value
		}
	}
	return flags
}

// drawn is how many of n drawn cases to go through.
func drawn(n int) int {
	if racing {
		return n / sampledShare
	}
	return n
}

// sampled chooses which of many cases to go through.
func sampled(seed uint64) func() bool {
	rng := rand.New(rand.NewPCG(seed, 0))
	return func() bool { return !racing || rng.IntN(sampledShare) == 0 }
}
