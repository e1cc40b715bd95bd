/* softmax and log_softmax over any dimension of contiguous tensors, and their derivatives. */
#include "ops/op.h"
#include "ops/softmax.h"

#define GRAIN 8192 /* elements */

fnn_status fnn_softmax_shape(const fnn_opdef *def, const fnn_tensor *x, int64_t attr_dim,
                             fnn_softmax_dims *s) {
  int dim;
  fnn_status st = fnn_wrap_dim(def, attr_dim, x->ndim, &dim);
  if (st) return st;
  s->outer = s->n = s->inner = 1;
  for (int d = 0; d < x->ndim; d++) *(d < dim ? &s->outer : d == dim ? &s->n : &s->inner) *= x->size[d];
  return FNN_OK;
}

fnn_status fnn_want_float_contiguous(const fnn_opdef *def, const char *what, const fnn_tensor *t) {
  if (!fnn_is_float(t->dtype))
    return fnn_fail(FNN_ETYPE, "%s: %s: expected float32 or float64, got %s", def->name, what,
                    fnn_tensor_str(t));
  if (!fnn_tensor_is_contiguous(t))
    return fnn_fail(FNN_ERUNTIME, "%s: %s: expected a contiguous tensor, got strides of another "
                    "kind for %s", def->name, what, fnn_tensor_str(t));
  return FNN_OK;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  fnn_softmax_dims dims;
  fnn_status st = fnn_want_float_contiguous(def, "input", x);
  if (!st) st = fnn_softmax_shape(def, x, c->attr[0].v.i, &dims);
  if (st) return st;
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  if (c->nin == 1) return FNN_OK;
  const fnn_tensor *y = c->in[1];
  if (y->dtype != x->dtype || !fnn_same_shape(x, y))
    return fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with output %s", def->name,
                    fnn_tensor_str(x), fnn_tensor_str(y));
  return fnn_want_float_contiguous(def, "output", y);
}

typedef struct job {
  const fnn_call *call;
  fnn_softmax_dims dims;
  int log;
} job;

/* Rows [begin, end), or blocks of columns (their number within an outer index runs fastest). */
#define WORK(R, S)                                                                              \
  static void work_##S(const job *j, int64_t begin, int64_t end) {                              \
    const fnn_softmax_##S *k = fnn_k->softmax_##S;                                              \
    const R *x = fnn_tensor_data(j->call->in[0]);                                               \
    const R *y = j->call->nin > 1 ? fnn_tensor_data(j->call->in[1]) : NULL;                     \
    R *z = fnn_tensor_data(j->call->out[0]);                                                    \
    int64_t n = j->dims.n, inner = j->dims.inner;                                               \
    if (inner == 1) {                                                                           \
      int64_t at = begin * n;                                                                   \
      if (y) k->bwd_rows(j->log, end - begin, n, x + at, y + at, z + at);                       \
      else k->rows(j->log, end - begin, n, x + at, z + at);                                     \
      return;                                                                                   \
    }                                                                                           \
    int64_t blocks = fnn_ceil_div(inner, FNN_SOFTMAX_COLS);                                     \
    for (int64_t b = begin; b < end; b++) {                                                     \
      int64_t col = b % blocks * FNN_SOFTMAX_COLS, at = b / blocks * n * inner + col;           \
      int64_t m = fnn_min64(FNN_SOFTMAX_COLS, inner - col);                                     \
      if (y) k->bwd_cols(j->log, n, m, inner, x + at, y + at, z + at);                          \
      else k->cols(j->log, n, m, inner, x + at, z + at);                                        \
    }                                                                                           \
  }
WORK(float, f32)
WORK(double, f64)
#undef WORK

static void part(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  if (j->call->in[0]->dtype == FNN_F32) work_f32(j, begin, end);
  else work_f64(j, begin, end);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  job j = {.call = c, .log = def->kernel == FNN_K_log_softmax};
  fnn_softmax_shape(def, c->in[0], c->attr[0].v.i, &j.dims);
  if (fnn_tensor_numel(c->in[0]) == 0) return FNN_OK;
  int rows = j.dims.inner == 1;
  int64_t items = j.dims.outer * (rows ? 1 : fnn_ceil_div(j.dims.inner, FNN_SOFTMAX_COLS));
  int64_t size = j.dims.n * (rows ? 1 : fnn_min64(j.dims.inner, FNN_SOFTMAX_COLS));
  fnn_parallel_for(items, fnn_ceil_div(GRAIN, size), part, &j);
  return FNN_OK;
}

const fnn_family fnn_family_softmax = {infer, NULL, run};
