/* Shapes, dtypes and the walk of every pointwise op. */
#include "ops/pointwise.h"

#define GRAIN_EASY 32768
#define GRAIN_HARD 8192
#define SMALL 4096 /* at most a grain */

/* What a map is, whatever its dtype and ISA. light: takes single values as inputs. hard: dear
 * enough to split over threads early. */
typedef struct traits {
  int8_t inputs, attrs, light, hard;
} traits;

static const traits table[FNN_NUM_MAP] = {
#define X(name, inputs, attrs) [FNN_K_##name] = {inputs, attrs, 0, 1},
    FNN_UNARY_HARD(X) FNN_BINARY_SLOW(X) FNN_BINARY_DIVIDE(X)
#undef X
#define X(name, inputs, attrs) [FNN_K_##name] = {inputs, attrs, 0, 0},
    FNN_UNARY_EASY(X) FNN_UNARY_NUMBER(X) FNN_UNARY_TEST(X) FNN_UNARY_BITS(X)
    FNN_BINARY_SHIFT(X) FNN_TERNARY_ALL(X) FNN_TERNARY_WHERE(X)
#undef X
#define X(name, inputs, attrs) [FNN_K_##name] = {inputs, attrs, 1, 0},
    FNN_BINARY_LIGHT(X)
#undef X
};

static fnn_map_fn kernel_of(int kernel, int dtype) {
  if (dtype < 0 || dtype >= FNN_MAP_DTYPES) return NULL;
  if (dtype >= FNN_I64) return fnn_k->map_int->fn[kernel][dtype - FNN_I64];
  return (dtype == FNN_F64 ? fnn_k->map_f64 : fnn_k->map_f32)->fn[kernel];
}

int fnn_map_attrs(int kernel) { return table[kernel].attrs; }

int fnn_map_dtype(const fnn_call *c, int first) {
  while (first < c->nin && !c->in[first]) first++;
  return first < c->nin ? c->in[first]->dtype : -1;
}

static fnn_status refuse(const fnn_opdef *def, const fnn_call *c, int first) {
  const fnn_tensor *t = NULL, *u = NULL;
  for (int k = first; k < c->nin; k++) {
    if (!c->in[k]) continue;
    if (!t) t = c->in[k];
    else if (c->in[k]->dtype != t->dtype) u = c->in[k];
  }
  if (!t) return fnn_fail(FNN_EVALUE, "%s: at least one operand must be a tensor", def->name);
  if (u)
    return fnn_fail(FNN_ETYPE, "%s: operands of one dtype expected, got %s and %s", def->name,
                    fnn_tensor_str(t), fnn_tensor_str(u));
  return fnn_fail(FNN_ETYPE, "%s is not implemented for %s", def->name, fnn_tensor_str(t));
}

fnn_status fnn_map_infer(const fnn_opdef *def, const fnn_call *c, int first, int dtype,
                         fnn_tensor *out) {
  if (c->nin != table[def->kernel].inputs)
    return fnn_fail(FNN_EVALUE, "%s: %d operands, expected %s", def->name, c->nin,
                    def->signature);
  int given = fnn_map_dtype(c, first), plain = 1;
  if (!kernel_of(def->kernel, given)) return refuse(def, c, first);
  const fnn_tensor *one = NULL;
  for (int k = 0; k < c->nin; k++) {
    const fnn_tensor *t = c->in[k];
    if (!t) continue;
    if (k >= first && t->dtype != given) return refuse(def, c, first);
    plain = plain && (one ? fnn_same_shape(one, t) : 1) && fnn_tensor_is_contiguous(t);
    if (!one) one = t;
  }
  if (plain) {
    fnn_set_shape(out, dtype < 0 ? given : dtype, one->ndim, one->size);
    return FNN_OK;
  }
  out->storage = NULL;
  out->offset = 0;
  out->layout = FNN_STRIDED;
  out->dtype = (int8_t)(dtype < 0 ? given : dtype);
  fnn_status st = fnn_broadcast(def, c->nin, c->in, out);
  if (!st) fnn_set_pointwise_strides(c->nin, c->in, out);
  return st;
}

typedef struct job {
  fnn_map_fn fn;
  const double *a;
} job;

static void inner(void *ctx, int64_t n, char *const *p, const int64_t *s) {
  const job *j = ctx;
  j->fn(n, p, s, j->a);
}

/* Whether every operand is one run, and the steps that the kernel is told: 1 for what has y's own
 * sizes and strides, y contiguous; 0 for one value, where the kernel takes such. */
static int is_plain(const fnn_call *c, int light, int64_t *s) {
  const fnn_tensor *y = c->out[0];
  int64_t want = 1;
  for (int d = y->ndim - 1; d >= 0; d--) {
    if (y->stride[d] != want) return 0;
    want *= y->size[d];
  }
  for (int k = 0; k < c->nin; k++) {
    const fnn_tensor *x = c->in[k];
    int same = x && x->ndim == y->ndim, value = light;
    for (int d = 0; same && d < y->ndim; d++)
      same = x->size[d] == y->size[d] && x->stride[d] == y->stride[d];
    for (int d = 0; !same && value && x && d < x->ndim; d++)
      value = x->size[d] == 1 || x->stride[d] == 0;
    if (!same && !value) return 0;
    s[1 + k] = same;
  }
  return 1;
}

/* One run of few elements, without the iterator, which would take longer than they do. */
static void run_plain(fnn_map_fn fn, const fnn_call *c, int64_t n, const int64_t *values,
                      const int64_t *s, const double *a) {
  char *p[1 + FNN_MAP_INPUTS] = {fnn_tensor_data(c->out[0])};
  for (int k = 0; k < c->nin; k++)
    p[1 + k] = c->in[k] ? fnn_tensor_data(c->in[k]) : (char *)&values[k];
  if (n > 0) fn(n, p, s, a);
}

void fnn_map_run(const fnn_opdef *def, const fnn_call *c, int dtype,
                 const int64_t values[FNN_MAP_INPUTS], const double *a) {
  const traits *row = &table[def->kernel];
  int64_t n = fnn_tensor_numel(c->out[0]), s[1 + FNN_MAP_INPUTS] = {1};
  if (n <= SMALL && is_plain(c, row->light, s)) {
    run_plain(kernel_of(def->kernel, dtype), c, n, values, s, a);
    return;
  }
  const fnn_tensor *op[1 + FNN_MAP_INPUTS] = {c->out[0]};
  for (int k = 0; k < c->nin; k++) op[1 + k] = c->in[k];
  fnn_iter it;
  fnn_iter_init(&it, 1 + c->nin, 1, op);
  for (int k = 0; k < c->nin; k++)
    if (!c->in[k]) fnn_iter_value(&it, 1 + k, &values[k], (int)fnn_dtype_size((fnn_dtype)dtype));
  job j = {kernel_of(def->kernel, dtype), a};
  fnn_iter_dense(&it, row->hard ? GRAIN_HARD : GRAIN_EASY, row->light, inner, &j);
}
