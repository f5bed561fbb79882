//go:build !amd64

package jail

func archWorking() []rule { return nil }

func archLoading(uint32) []rule { return nil }
