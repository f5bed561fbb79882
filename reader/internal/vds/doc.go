// Package vds understands virtual datasets: how elements of one dataset are taken from others (HDF5 File Format
// Specification Version 3.0, III.F "Global Heap Block for Virtual Datasets", VIII.A "Dataspace selections").
//
// Parse gives the Mappings of a dataset, each with two Selections as the file has them. A Selection together with the
// extents it applies to is a Region, a finite sequence of elements in the order of the selection; Runs pairs the
// elements of two Regions. Everything is immutable once returned and owned by the caller; nothing does I/O or starts a
// goroutine.
package vds
