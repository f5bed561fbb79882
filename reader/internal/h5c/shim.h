// What gonum.org/v1/hdf5 lacks, as few C functions as cgo needs: iteration with callbacks, macros, the error stack.
#ifndef H5C_SHIM_H
#define H5C_SHIM_H

#include <hdf5.h>
#include <stdlib.h>
#include <string.h>

// A growing buffer of records; data is malloc'ed and freed by the caller with free().
typedef struct {
  char *data;
  size_t len, cap, max;
  int full; // max was reached or malloc failed
} h5c_buf;

// Records: u8 kind (0 hard, 1 soft, 64 external, others user-defined), u64 address, i64 order (from 1; 0: not kept), u32 length, name, u32 length,
// link value. In the order of names. Negative: the iteration failed; what was found until then is in out.
int h5c_links(hid_t group, hid_t lapl, h5c_buf *out);

// Records: u32 length, name.
int h5c_attr_names(hid_t object, h5c_buf *out);

// The innermost description on the error stack, "" if there is none; valid until the next call.
const char *h5c_error(void);

// A link access list that refuses to traverse external links.
hid_t h5c_no_external(void);

// 1 if elements of the type have parts in a heap, 0 if not, negative: error.
int h5c_has_variable(hid_t type, int depth);

// 1 if the mapping of a virtual dataset has no fixed extent, 0 if it has, negative: error.
int h5c_mapping_grows(hid_t create_list, size_t i);

hid_t h5c_file_create_list(hid_t file);

// The long double at p, which need not be aligned; NaN if it does not have n bytes.
double h5c_long_double(const void *p, size_t n);
int h5c_object_addr(hid_t object, haddr_t *addr);

#endif
