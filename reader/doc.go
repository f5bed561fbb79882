// Package reader reads HDF5 datasets into Arrow record batches, in parallel and without libhdf5's lock.
//
// An Engine owns the workers, the memory budget and the caches. Open gives a File by its identity (device, inode, size, modification time);
// File.Dataset what is known of a dataset; Dataset.Plan checks a Request against it without reading a row; Plan.Run reads.
//
//	eng, err := reader.NewEngine(reader.Config{})
//	file, err := eng.Open(ctx, reader.Location{Path: "run7.h5"})
//	ds, err := file.Dataset(ctx, "/events")
//	plan, err := ds.Plan(ctx, reader.Request{Fields: []string{"t"}})
//	run := plan.Run(ctx)
//	defer run.Release()
//	for run.Next() {
//		use(run.Record())
//	}
//	return run.Err()
//
// Command examples/go/embed is a whole program. Requests are those of package protocol, which has no cgo.
//
// A record is valid until the next call of Next; Retain it to keep it longer: its bytes count against the Engine's
// budget until its last Release. Files and datasets may be used by several goroutines, a Run by one.
//
// What only libhdf5 can tell is asked of helper processes: this same program started again. Importing the package is enough: a helper
// does not get to main, only to the init functions and variables of the packages before this one.
//
// Errors are of the kinds of this package (ErrNotFound and the others), asked for with errors.Is.
//
// Inside, a request goes through Check, the rows and the store of a fill.Scan with its program (Dataset.Plan, table.go), then the
// begin of its read (Plan.Run), which finds rows and fills batches. docs/architecture.md has the way and the rooms below.
package reader
