// Calling a plug-in's functions, which Go cannot do by their addresses.
#ifndef H5C_PLUGIN_H
#define H5C_PLUGIN_H

#include <H5PLextern.h>
#include <dlfcn.h>
#include <hdf5.h>
#include <stdlib.h>

// The filter that a loaded library is, NULL if it is none.
const H5Z_class2_t *h5c_plugin_filter(void *library);

// What a filter gave: n bytes of data, 0 if it failed. Data, the caller's to H5free_memory, has room bytes.
typedef struct {
  void *data;
  size_t n, room;
} h5c_undone;

// Undoes a filter of n bytes, which are left as they are.
h5c_undone h5c_undo(const H5Z_class2_t *f, unsigned flags, size_t cd_nelmts, const unsigned *cd, const void *bytes, size_t n);

#endif
