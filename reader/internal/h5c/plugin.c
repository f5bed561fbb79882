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
static h5c_undone undo(const h5c_filter *f, const void *bytes, size_t n, void *dst, size_t most) {
  h5c_undone out = {0};
  out.given = n;
  void *data = H5allocate_memory(n ? n : 1, 0);
  if (data) {
    memcpy(data, bytes, n);
    size_t size = n;
    out.n = f->filter->filter(f->flags, f->cd_nelmts, f->cd, n, &size, &data);
  }
  out.nothing = !data;
  out.room = malloc_usable_size(data);
  out.failed = out.n == 0 || out.n > out.room || out.n > most;
  if (!out.failed)
    memcpy(dst, data, out.n);
  H5free_memory(data);
  return out;
}

h5c_undone h5c_undo(const h5c_filter *f, const char *src, uint64_t *lengths, size_t chunks, char *dst, size_t room, size_t most) {
  h5c_undone last = {0};
  for (size_t i = 0, failed = 0; i < chunks; i++) {
    h5c_undone out = undo(f, src, lengths[i], dst, most < room ? most : room);
    src += lengths[i];
    lengths[i] = out.failed ? 0 : out.n;
    dst += lengths[i], room -= lengths[i];
    if (out.failed) {
      last = out;
      last.failed = ++failed;
    }
  }
  return last;
}
