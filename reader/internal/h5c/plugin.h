// Calling a plug-in's functions, which Go cannot do by their addresses.
#ifndef H5C_PLUGIN_H
#define H5C_PLUGIN_H

#include <H5PLextern.h>
#include <dlfcn.h>
#include <hdf5.h>
#include <stdint.h>
#include <stdlib.h>

// The filter that a loaded library is, NULL if it is none.
const H5Z_class2_t *h5c_plugin_filter(void *library);

// A filter, and what a file says about it.
typedef struct {
  const H5Z_class2_t *filter;
  unsigned flags;
  const unsigned *cd;
  size_t cd_nelmts;
} h5c_filter;

// How many chunks failed, and of the last of them how many bytes the filter was given, and told of; its buffer had room for so
// many. Nothing: there was none.
typedef struct {
  size_t failed, given, n, room;
  int nothing;
} h5c_undone;

// Undoes a filter of chunks that lie one after the other, which are left as they are. What they become lies one after the
// other too, each at most most bytes and all at most room; lengths are then theirs, 0 of one that failed.
h5c_undone h5c_undo(const h5c_filter *f, const char *src, uint64_t *lengths, size_t chunks, char *dst, size_t room, size_t most);

#endif
