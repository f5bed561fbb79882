// Package protocol is docs/protocol.md as Go values: a Request and the ticket that says it, where a Block stands, the Tree of a
// file, what a server tells About itself. Programs that ask a server (package flight/client) write requests with it, and
// so do those that embed package reader, which has its names too. It knows neither HDF5 nor gRPC, and needs no cgo.
//
//	protocol.Request{File: "run7.h5", Dataset: "/events", Fields: []string{"t"}}
package protocol
