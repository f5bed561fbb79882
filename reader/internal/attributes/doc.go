// Package attributes reads the values of an object's attributes: as JSON, or as one row of Arrow columns.
//
// A Set is some attributes of one object. It holds memory of the engine's budget until Close; one goroutine uses it.
package attributes
