// Command quickstart reads three columns of a table from a server, with several streams at once.
//
//	mtflight serve testdata &
//	go run ./examples/go/quickstart [grpc://127.0.0.1:8815]
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/protocol"
)

func main() {
	location := append(os.Args[1:], "grpc://127.0.0.1:8815")[0]
	if err := read(context.Background(), location); err != nil {
		log.Fatal(err)
	}
}

func read(ctx context.Context, location string) error {
	dialing, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := client.Open(dialing, location)
	if err != nil {
		return err
	}
	defer c.Close()

	request := protocol.Request{File: "tables.h5", Dataset: "/events", Fields: []string{"id", "energy", "name"}}
	rows, err := c.Scan(ctx, request, client.Parallel(2))
	if err != nil {
		return err
	}
	defer rows.Release()
	fmt.Println(rows.Schema().Field(1))
	seen := int64(0)
	for rows.Next() { // the record is valid until the next call of Next
		seen += rows.Record().NumRows()
	}
	fmt.Printf("%d of %d rows\n", seen, rows.Total())
	return rows.Err()
}
