// Package web answers by HTTP what Flight is asked: the rows of a request as an Arrow stream, Parquet, CSV or JSON, and the actions
// as JSON. Handler is all there is to know; it asks a Service, which is the server itself, so that logins, rules, budget, log and
// metrics are those of every other call. The parameters of an address are the members of a request (parameters.go), of which the
// OpenAPI description is made, too.
//
// An answer that cannot be completed ends as an aborted connection, never as a whole answer: origin.go, web.go and data.go.
package web
