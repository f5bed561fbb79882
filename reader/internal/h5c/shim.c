#include "shim.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static int put(h5c_buf *b, const void *p, size_t n) {
  if (n > b->max - b->len) {
    b->full = 1;
    return -1;
  }
  if (b->len + n > b->cap) {
    size_t cap = (b->len + n) * 2;
    char *grown = realloc(b->data, cap);
    if (!grown) {
      b->full = 1;
      return -1;
    }
    b->data = grown;
    b->cap = cap;
  }
  memcpy(b->data + b->len, p, n);
  b->len += n;
  return 0;
}

static int put_text(h5c_buf *b, const void *p, size_t n) {
  uint32_t len = (uint32_t)n;
  return n > UINT32_MAX || put(b, &len, 4) < 0 || put(b, p, n) < 0 ? -1 : 0;
}

typedef struct {
  h5c_buf *out;
  hid_t lapl;
} link_args;

static int put_value(hid_t group, const char *name, const H5L_info_t *info, link_args *a) {
  size_t n = info->u.val_size;
  if (info->type == H5L_TYPE_HARD || n == 0 || n > 1 << 20)
    return put_text(a->out, "", 0);
  char *value = calloc(1, n);
  int ok = -1;
  if (value && H5Lget_val(group, name, value, n, a->lapl) >= 0)
    ok = put_text(a->out, value, n);
  else if (value)
    ok = put_text(a->out, "", 0);
  free(value);
  return ok;
}

static herr_t on_link(hid_t group, const char *name, const H5L_info_t *info, void *args) {
  link_args *a = args;
  uint8_t kind = (uint8_t)info->type;
  uint64_t addr = info->type == H5L_TYPE_HARD ? (uint64_t)info->u.address : 0;
  int64_t order = info->corder_valid && info->corder >= 0 && info->corder < INT64_C(1) << 62 ? info->corder + 1 : 0;
  if (put(a->out, &kind, 1) < 0 || put(a->out, &addr, 8) < 0 || put(a->out, &order, 8) < 0 || put_text(a->out, name, strlen(name)) < 0 ||
      put_value(group, name, info, a) < 0)
    return 1;
  return 0;
}

int h5c_links(hid_t group, hid_t lapl, h5c_buf *out) {
  link_args args = {out, lapl};
  hsize_t i = 0;
  return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &i, on_link, &args);
}

static herr_t on_attr(hid_t object, const char *name, const H5A_info_t *info, void *out) {
  (void)object;
  (void)info;
  return put_text(out, name, strlen(name)) < 0 ? 1 : 0;
}

int h5c_attr_names(hid_t object, h5c_buf *out) {
  hsize_t i = 0;
  return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &i, on_attr, out);
}

static char description[512];

static herr_t on_error(unsigned n, const H5E_error2_t *e, void *unused) {
  (void)n;
  (void)unused;
  if (!e->desc || !*e->desc)
    return 0;
  strncpy(description, e->desc, sizeof description - 1);
  return 1;
}

const char *h5c_error(void) {
  memset(description, 0, sizeof description);
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, on_error, NULL);
  return description;
}

static herr_t refuse(const char *pf, const char *pg, const char *cf, const char *co, unsigned *flags, hid_t fapl, void *u) {
  (void)pf, (void)pg, (void)cf, (void)co, (void)flags, (void)fapl, (void)u;
  return -1;
}

hid_t h5c_no_external(void) {
  hid_t lapl = H5Pcreate(H5P_LINK_ACCESS);
  if (lapl >= 0 && H5Pset_elink_cb(lapl, refuse, NULL) < 0) {
    H5Pclose(lapl);
    return -1;
  }
  return lapl;
}

static int member_has_variable(hid_t type, unsigned i, int depth) {
  hid_t member = H5Tget_member_type(type, i);
  if (member < 0)
    return -1;
  int found = h5c_has_variable(member, depth);
  H5Tclose(member);
  return found;
}

static int base_has_variable(hid_t type, int depth) {
  hid_t base = H5Tget_super(type);
  if (base < 0)
    return -1;
  int found = h5c_has_variable(base, depth);
  H5Tclose(base);
  return found;
}

int h5c_has_variable(hid_t type, int depth) {
  if (depth <= 0)
    return -1;
  switch (H5Tget_class(type)) {
  case H5T_VLEN:
    return 1;
  case H5T_STRING:
    return H5Tis_variable_str(type);
  case H5T_ARRAY:
    return base_has_variable(type, depth - 1);
  case H5T_COMPOUND: {
    int n = H5Tget_nmembers(type), found = n < 0 ? -1 : 0;
    for (int i = 0; i < n && found == 0; i++)
      found = member_has_variable(type, (unsigned)i, depth - 1);
    return found;
  }
  case H5T_NO_CLASS:
    return -1;
  default:
    return 0;
  }
}

int h5c_mapping_grows(hid_t list, size_t i) {
  hid_t space = H5Pget_virtual_vspace(list, i);
  if (space < 0)
    return -1;
  hsize_t start[H5S_MAX_RANK], stride[H5S_MAX_RANK], count[H5S_MAX_RANK], block[H5S_MAX_RANK];
  int grows = 0, rank = H5Sget_simple_extent_ndims(space);
  if (H5Sget_select_type(space) == H5S_SEL_HYPERSLABS && H5Sis_regular_hyperslab(space) > 0) {
    if (H5Sget_regular_hyperslab(space, start, stride, count, block) < 0)
      grows = -1;
    for (int k = 0; grows == 0 && k < rank; k++)
      grows = count[k] == H5S_UNLIMITED || block[k] == H5S_UNLIMITED;
  }
  H5Sclose(space);
  return grows;
}

hid_t h5c_file_create_list(hid_t file) { return H5Fget_create_plist(file); }

int h5c_object_addr(hid_t object, haddr_t *addr) {
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0)
    return -1;
  *addr = info.addr;
  return 0;
}

double h5c_long_double(const void *p, size_t n) {
  long double v;
  if (n != sizeof v)
    return NAN;
  memcpy(&v, p, sizeof v);
  return (double)v;
}
