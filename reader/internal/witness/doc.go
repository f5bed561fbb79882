// Package witness puts trees together: our own, and for the objects that our own code refuses libhdf5's, which is believed about
// those alone.
package witness
