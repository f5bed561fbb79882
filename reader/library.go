package reader

// MaybeServeHelper does nothing: a process that was started as a helper of an Engine never gets to main.
//
// Deprecated: leave the call out. It will be removed two minor releases after 0.1.
func MaybeServeHelper() {}
