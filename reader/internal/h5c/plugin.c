#include "plugin.h"

#include <malloc.h>
#include <string.h>

const H5Z_class2_t *h5c_plugin_filter(void *library) {
  H5PL_type_t (*type)(void) = (H5PL_type_t(*)(void))dlsym(library, "H5PLget_plugin_type");
  const void *(*info)(void) = (const void *(*)(void))dlsym(library, "H5PLget_plugin_info");
  if (!type || !info || type() != H5PL_TYPE_FILTER)
    return NULL;
  return info();
}

// The buffer is libhdf5's own kind (H5D__chunk_lock: H5MM_malloc), which plug-ins free or grow.
h5c_undone h5c_undo(const H5Z_class2_t *f, unsigned flags, size_t cd_nelmts, const unsigned *cd, const void *bytes, size_t n) {
  h5c_undone out = {H5allocate_memory(n ? n : 1, 0), 0, 0};
  if (!out.data)
    return out;
  memcpy(out.data, bytes, n);
  size_t size = n;
  out.n = f->filter(flags, cd_nelmts, cd, n, &size, &out.data);
  out.room = malloc_usable_size(out.data);
  return out;
}
