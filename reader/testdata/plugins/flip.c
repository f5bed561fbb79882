// A filter plug-in for tests: inverts every byte. -DID=n is its number; -DCRASH dies when a chunk is filtered,
// -DCRASH_EARLY already when the plug-in is looked at.
#include <H5PLextern.h>
#include <stdlib.h>

static size_t flip(unsigned flags, size_t cd_nelmts, const unsigned cd[], size_t n, size_t *size, void **buf) {
  (void)flags, (void)cd_nelmts, (void)cd, (void)size;
#ifdef CRASH
  abort();
#endif
  for (size_t i = 0; i < n; i++)
    ((unsigned char *)*buf)[i] ^= 0xff;
  return n;
}

static const H5Z_class2_t self = {H5Z_CLASS_T_VERS, ID, 1, 1, "flip", NULL, NULL, flip};

H5PL_type_t H5PLget_plugin_type(void) { return H5PL_TYPE_FILTER; }

const void *H5PLget_plugin_info(void) {
#ifdef CRASH_EARLY
  abort();
#endif
  return &self;
}
