// Command embed reads a table in process, without a server: only the rows that a condition takes, in parallel.
//
//	go run ./examples/go/embed [testdata/tables.h5]
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/reader"
)

func main() {
	path := append(os.Args[1:], "testdata/tables.h5")[0]
	if err := read(context.Background(), path); err != nil {
		log.Fatal(err)
	}
}

func read(ctx context.Context, path string) (err error) {
	engine, err := reader.NewEngine(reader.Config{Memory: 256 << 20}) // one for the whole program
	if err != nil {
		return err
	}
	defer func() { err = errorOf(err, engine.Close()) }()
	file, err := engine.Open(ctx, reader.Location{Path: path})
	if err != nil {
		return err
	}
	dataset, err := file.Dataset(ctx, "/events")
	if err != nil {
		return err
	}
	where := "(energy > 50) & (id < 1000)"
	plan, err := dataset.Plan(ctx, reader.Request{Fields: []string{"id", "energy"}, Where: &where})
	if err != nil {
		return err
	}
	return sum(plan.Run(ctx))
}

// sum adds a column up. The record is valid until the next call of Next, the run until its Release.
func sum(run *reader.Run) error {
	defer run.Release()
	rows, total := int64(0), 0.0
	for run.Next() {
		rows += run.Record().NumRows()
		for _, v := range run.Record().Column(1).(*array.Float32).Float32Values() {
			total += float64(v)
		}
	}
	fmt.Printf("%d rows, %.2f in all\n", rows, total)
	return run.Err()
}

func errorOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
