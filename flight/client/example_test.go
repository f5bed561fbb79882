package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/protocol"
)

// exampleServer serves testdata; in life a location is grpc://some.host:8815.
func exampleServer() (location string, end func()) {
	tb := &exampleTB{}
	location, _ = serve(tb)
	return location, tb.end
}

func exampleClient(ctx context.Context) (c *client.Client, end func()) {
	location, stop := exampleServer()
	c, err := client.Open(ctx, location)
	if err != nil {
		log.Panic(err)
	}
	return c, func() { c.Close(); stop() }
}

func ExampleOpen() {
	location, end := exampleServer()
	defer end()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // the server must answer until then
	defer cancel()
	c, err := client.Open(ctx, location)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	schema, err := c.Schema(ctx, protocol.Request{File: "tables.h5", Dataset: "/events"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(schema.Field(0).Name, schema.Field(0).Type)
	// Output: id int64
}

func ExampleClient_List() {
	ctx := context.Background()
	c, end := exampleClient(ctx)
	defer end()

	err := c.List(ctx, client.Criteria{File: "tables.h5", Dataset: "/e*"}, func(d client.Dataset) error {
		fmt.Println(d.File, d.Name, d.Kind, d.Rows)
		return nil
	})
	fmt.Println(err)
	// Output: tables.h5 /events table 5000
	// <nil>
}

func ExampleClient_Describe() {
	ctx := context.Background()
	c, end := exampleClient(ctx)
	defer end()

	text, err := c.Describe(ctx, "tables.h5", "/events")
	if err != nil {
		fmt.Println(err)
		return
	}
	var about struct{ Filters []string }
	err = json.Unmarshal(text, &about)
	fmt.Println(about.Filters, err)
	// Output: [shuffle deflate] <nil>
}

func ExampleClient_Scan() {
	ctx := context.Background()
	c, end := exampleClient(ctx)
	defer end()

	request := protocol.Request{File: "tables.h5", Dataset: "/events", Fields: []string{"id"}}
	rows, err := c.Scan(ctx, request, client.Parallel(2))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rows.Release()
	n := int64(0)
	for rows.Next() {
		n += rows.Record().NumRows()
	}
	fmt.Println(n, "rows of", rows.Schema().Field(0).Name, rows.Err())
	// Output: 5000 rows of id <nil>
}

// A client that goes on later asks for the block behind the last one it has.
func ExampleRows_Block() {
	ctx := context.Background()
	c, end := exampleClient(ctx)
	defer end()

	request := protocol.Request{File: "tables.h5", Dataset: "/events", Stream: &protocol.Stream{BlockRows: 1000}}
	first, err := c.Scan(ctx, request)
	if err != nil || !first.Next() {
		fmt.Println(err)
		return
	}
	request.Stream.FromBlock = first.Block().Block + 1
	first.Release()

	rest, err := c.Scan(ctx, request)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rest.Release()
	for rest.Next() {
		fmt.Println(rest.Block().Row, rest.Record().NumRows())
	}
	// Output: 1000 1000
	// 2000 1000
	// 3000 1000
	// 4000 1000
}
