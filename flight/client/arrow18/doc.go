// Package arrow18 hands records of arrow/go/v15, which package flight/client and package reader give, over to arrow-go/v18, the line
// of Arrow for Go that is maintained. The columns' bytes are not copied: v18's buffers are v15's, which stay retained until v18
// has released them. It is a module of its own, so that only those who want v18 build it.
//
//	rows, err := c.Scan(ctx, request)
//	in, err := arrow18.NewReader(rows) // in is v18's array.RecordReader, and rows is its own
//	defer in.Release()
//	for in.Next() {
//		use(in.RecordBatch())
//	}
//	return in.Err()
//
// Functions are safe for concurrent use, a Reader is for one goroutine.
package arrow18
