/* Ops whose result's size depends on the data: nonzero "x -> y", masked_select "x, mask -> y",
 * repeat_index "repeats -> y"; and masked_scatter_ "src, mask -> +y", which fills the same places.
 * Masks and x are read through a contiguous copy where they are not contiguous. */
#include "ops/copy.h"

/* t as a contiguous tensor of dtype and shape like, in the workspace if need be. */
typedef struct dense {
  fnn_tensor t;
  fnn_storage s;
} dense;

static int64_t room(const fnn_tensor *t, int dtype, const fnn_tensor *like) {
  if (t->dtype == dtype && fnn_same_shape(t, like) && fnn_tensor_is_contiguous(t)) return 0;
  return fnn_round_up(fnn_tensor_numel(like) * fnn_dtype_size((fnn_dtype)dtype), FNN_ALIGN);
}

static char *make_dense(const fnn_tensor *t, int dtype, const fnn_tensor *like, dense *d,
                        char *ws) {
  int64_t bytes = room(t, dtype, like);
  d->t = *t;
  if (!bytes) return ws;
  d->s = (fnn_storage){.data = ws, .nbytes = bytes};
  fnn_set_shape(&d->t, dtype, like->ndim, like->size);
  d->t.storage = &d->s;
  fnn_copy(t, &d->t);
  return ws + bytes;
}

static int64_t count_true(int64_t n, const uint8_t *m) {
  int64_t total = 0;
  for (int64_t i = 0; i < n; i += 255) {
    uint8_t part = 0; /* at most 255 in a byte: the loop vectorises */
    int64_t stop = fnn_min64(n, i + 255);
    for (int64_t j = i; j < stop; j++) part = (uint8_t)(part + (m[j] != 0));
    total += part;
  }
  return total;
}

/* ---- nonzero: the indices, (count, ndim) */
static fnn_status accept(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  (void)def;
  (void)c;
  (void)out;
  return FNN_OK;
}

static int64_t nonzero_workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  return room(c->in[0], FNN_BOOL, c->in[0]);
}

static fnn_status nonzero_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *x = c->in[0];
  (void)def;
  dense d;
  make_dense(x, FNN_BOOL, x, &d, ws);
  const uint8_t *m = fnn_tensor_data(&d.t);
  int64_t n = fnn_tensor_numel(x), size[2] = {count_true(n, m), x->ndim};
  fnn_status st = fnn_tensor_empty(c->out[0], FNN_I64, 2, size);
  if (st || x->ndim == 0) return st;
  int64_t *y = fnn_tensor_data(c->out[0]), at[FNN_MAX_DIMS] = {0}, width = x->size[x->ndim - 1];
  for (int64_t row = 0; row < n; row += width) {
    for (int64_t i = 0; i < width; i++) {
      if (!m[row + i]) continue;
      for (int k = 0; k < x->ndim - 1; k++) *y++ = at[k];
      *y++ = i;
    }
    for (int k = x->ndim - 2; k >= 0 && ++at[k] == x->size[k]; k--) at[k] = 0;
  }
  return FNN_OK;
}

const fnn_family fnn_family_nonzero = {accept, nonzero_workspace, nonzero_run};

/* ---- masked_select: x and mask broadcast together */
static fnn_status common_shape(const fnn_opdef *def, const fnn_call *c, fnn_tensor *shape) {
  if (c->in[1]->dtype != FNN_BOOL && c->in[1]->dtype != FNN_U8)
    return fnn_fail(FNN_ERUNTIME, "%s: expected a bool mask, got %s", def->name,
                    fnn_tensor_str(c->in[1]));
  return fnn_broadcast(def, 2, c->in, shape);
}

static fnn_status select_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_tensor shape;
  (void)out;
  return common_shape(def, c, &shape);
}

static int64_t select_workspace(const fnn_opdef *def, const fnn_call *c) {
  fnn_tensor shape;
  common_shape(def, c, &shape);
  return room(c->in[0], c->in[0]->dtype, &shape) + room(c->in[1], FNN_BOOL, &shape);
}

#define PACK(T)                                                       \
  {                                                                   \
    const T *from = x;                                                \
    T *to = y;                                                        \
    for (int64_t i = 0; i < n; i++)                                   \
      if (m[i]) *to++ = from[i];                                      \
  }
static void pack(int size_class, int64_t n, const uint8_t *m, const void *x, void *y) {
  if (size_class == 0) PACK(uint8_t)
  else if (size_class == 1) PACK(uint16_t)
  else if (size_class == 2) PACK(uint32_t)
  else PACK(uint64_t)
}

static fnn_status select_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  fnn_tensor shape;
  dense x, mask;
  common_shape(def, c, &shape);
  char *next = make_dense(c->in[0], c->in[0]->dtype, &shape, &x, ws);
  make_dense(c->in[1], FNN_BOOL, &shape, &mask, next);
  int64_t n = fnn_tensor_numel(&shape), count = count_true(n, fnn_tensor_data(&mask.t));
  fnn_status st = fnn_tensor_empty(c->out[0], (fnn_dtype)c->in[0]->dtype, 1, &count);
  if (!st)
    pack(fnn_size_class(c->in[0]->dtype), n, fnn_tensor_data(&mask.t), fnn_tensor_data(&x.t),
         fnn_tensor_data(c->out[0]));
  return st;
}

const fnn_family fnn_family_masked_select = {select_infer, select_workspace, select_run};

/* ---- masked_scatter_: the true places of y, in order, get src's elements, in order */
static fnn_status scatter_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *src = c->in[0], *mask = c->in[1], *y = c->out[0];
  if (!y || !y->storage) return fnn_fail(FNN_EVALUE, "%s: a destination is needed", def->name);
  if (mask->dtype != FNN_BOOL || src->dtype != y->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: mask %s and source %s for %s", def->name,
                    fnn_tensor_str(mask), fnn_tensor_str(src), fnn_tensor_str(y));
  const fnn_tensor *two[2] = {mask, y};
  fnn_status st = fnn_broadcast(def, 2, two, out);
  if (!st && !fnn_same_shape(out, y))
    st = fnn_fail(FNN_ERUNTIME, "%s: mask %s does not broadcast to %s", def->name,
                  fnn_tensor_str(mask), fnn_tensor_str(y));
  *out = *y;
  out->storage = NULL;
  return st;
}

static int64_t scatter_workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  return room(c->in[1], FNN_BOOL, c->out[0]) + room(c->in[0], c->in[0]->dtype, c->in[0]) +
         room(c->out[0], c->out[0]->dtype, c->out[0]);
}

#define UNPACK(T)                                                     \
  {                                                                   \
    const T *from = x;                                                \
    T *to = y;                                                        \
    for (int64_t i = 0; i < n; i++)                                   \
      if (m[i]) to[i] = *from++;                                      \
  }
static void unpack(int size_class, int64_t n, const uint8_t *m, const void *x, void *y) {
  if (size_class == 0) UNPACK(uint8_t)
  else if (size_class == 1) UNPACK(uint16_t)
  else if (size_class == 2) UNPACK(uint32_t)
  else UNPACK(uint64_t)
}

static fnn_status scatter_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *y = c->out[0];
  dense src, mask, to;
  char *next = make_dense(c->in[1], FNN_BOOL, y, &mask, ws);
  next = make_dense(c->in[0], c->in[0]->dtype, c->in[0], &src, next);
  int64_t n = fnn_tensor_numel(y), count = count_true(n, fnn_tensor_data(&mask.t));
  if (count > fnn_tensor_numel(c->in[0]))
    return fnn_fail(FNN_ERUNTIME, "%s: %lld places and only %lld elements in the source",
                    def->name, (long long)count, (long long)fnn_tensor_numel(c->in[0]));
  make_dense(y, y->dtype, y, &to, next);
  unpack(fnn_size_class(y->dtype), n, fnn_tensor_data(&mask.t), fnn_tensor_data(&src.t),
         fnn_tensor_data(&to.t));
  if (to.t.storage == &to.s) fnn_copy(&to.t, y);
  return FNN_OK;
}

const fnn_family fnn_family_masked_scatter = {scatter_infer, scatter_workspace, scatter_run};

/* ---- repeat_index: i, repeats[i] times */
static fnn_status repeat_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  (void)out;
  if (c->in[0]->ndim != 1 || c->in[0]->dtype != FNN_I64)
    return fnn_fail(FNN_ERUNTIME, "%s: repeats must be int64 of rank 1, got %s", def->name,
                    fnn_tensor_str(c->in[0]));
  return FNN_OK;
}

static fnn_status repeat_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *r = c->in[0];
  const int64_t *p = fnn_tensor_data(r);
  int64_t total = 0;
  (void)ws;
  for (int64_t i = 0; i < r->size[0]; i++)
    if (p[i * r->stride[0]] < 0 || !fnn_add_ok(total, p[i * r->stride[0]], &total))
      return fnn_fail(FNN_ERUNTIME, "%s: repeats cannot be negative", def->name);
  fnn_status st = fnn_tensor_empty(c->out[0], FNN_I64, 1, &total);
  if (st) return st;
  int64_t *y = fnn_tensor_data(c->out[0]);
  for (int64_t i = 0; i < r->size[0]; i++)
    for (int64_t k = p[i * r->stride[0]]; k > 0; k--) *y++ = i;
  return FNN_OK;
}

const fnn_family fnn_family_repeat_index = {repeat_infer, NULL, repeat_run};
