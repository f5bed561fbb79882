// Package check reads everything that is in HDF5 files and says what is damaged: the command check.
//
// Look gives a Report of one file. A dataset is read in bands of rows; a band that is damaged is cut in halves until it is single
// chunks, or rows where elements only point at what is lost. So whatever a reader would refuse is found by the reader itself.
package check
