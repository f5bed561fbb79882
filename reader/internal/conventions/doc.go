// Package conventions knows what writers of HDF5 say by attributes beyond the format: NetCDF4 of values that stand for none and
// names of axes, PyTables of what it stores as something else.
package conventions
