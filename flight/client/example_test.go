package client_test

import (
	"context"
	"fmt"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/reader"
)

func ExampleClient_Scan() {
	var tb exampleTB
	defer tb.end()
	location, _ := serve(&tb) // in life: grpc://some.host:8815

	ctx := context.Background()
	c, err := client.Dial(ctx, location)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	rows, err := c.Scan(ctx, reader.Request{File: "tables.h5", Dataset: "/events", Fields: []string{"id"}}, client.Parallel(2))
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
