// Files that libhdf5 is lent as descriptors.
#ifndef H5C_LENT_H
#define H5C_LENT_H

#include <hdf5.h>
#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

// Until h5c_take_back every file that is opened with the default access list is the one of this descriptor, whatever its
// name. The descriptor stays the caller's. Negative: error. What libhdf5 opens on behalf of such a file
// later, it does not get.
int h5c_lend(int fd);
void h5c_take_back(void);

// How many are open.
int h5c_open_files(void);

#endif
