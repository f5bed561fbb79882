// Package netcdf knows what NetCDF4 says by attributes: values that stand for none, names of axes.
package netcdf
