// Package flight serves HDF5 files as Apache Arrow Flight.
//
// A Config is made into a Server by New; Serve runs it until its context ends and drains it then. The tickets that
// clients send are those of package protocol.
//
//	eng, err := reader.NewEngine(reader.Config{})
//	defer eng.Close()
//	srv, err := flight.New(flight.Config{Engine: eng, Roots: []string{"/data"}, Listen: []string{"grpc://:8815"}})
//	err = srv.Serve(ctx)
//
// Record batches go to gRPC by reference: a record is retained until gRPC has written its last byte, or its
// connection has ended, and only then returns to the Engine's budget (see sender.go).
//
// Every error that leaves the server has gone through the one table of errors.go and ends with the id of its request,
// which the log line of that request carries too.
package flight
