// A filter plug-in for tests: inverts every byte. -DID=n is its number. Others misbehave:
// CRASH dies when a chunk is filtered, CRASH_EARLY already when the plug-in is looked at, HANG never returns, FAIL gives
// nothing, MORE gives the bytes twice, FEWER half of them, LIES tells of more than it gives, FREES frees the buffer and gives
// it all the same, OWN gives a buffer of its own, SCRATCH needs four more meanwhile, WRITES far behind the buffer's end, OPENS
// gives nothing if it can open a file, SLOW takes 30 ms, most of which it sleeps.
#include <H5PLextern.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t flip(unsigned flags, size_t cd_nelmts, const unsigned cd[], size_t n, size_t *size, void **buf) {
  (void)flags, (void)cd_nelmts, (void)cd, (void)size;
#ifdef CRASH
  abort();
#endif
#ifdef SLOW
  usleep(30000);
#endif
#ifdef HANG
  for (;;)
    pause();
#endif
#ifdef FAIL
  return 0;
#endif
#ifdef LIES
  return (size_t)1 << 40;
#endif
#ifdef FREES
  free(*buf);
  return n;
#endif
#ifdef SCRATCH
  void *more[4];
  for (int i = 0; i < 4; i++)
    more[i] = memset(malloc(n), 1, n);
  for (int i = 0; i < 4; i++)
    free(more[i]);
#endif
#ifdef WRITES
  memset(*buf, 0, (size_t)1 << 30);
#endif
#ifdef OPENS
  if (open("/proc/self/status", O_RDONLY) >= 0)
    return 0;
#endif
#ifdef OWN
  unsigned char *own = malloc(n);
  memcpy(own, *buf, n);
  free(*buf);
  *buf = own;
#endif
  for (size_t i = 0; i < n; i++)
    ((unsigned char *)*buf)[i] ^= 0xff;
#ifdef FEWER
  return n / 2;
#endif
#ifdef MORE
  *buf = realloc(*buf, 2 * n);
  memcpy((char *)*buf + n, *buf, n);
  return *size = 2 * n;
#endif
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
