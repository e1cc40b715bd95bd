/* layer_norm and rms_norm over the last `dims` dimensions of contiguous tensors (the caller copies
 * what is not contiguous, weight and bias included). */
#include "ops/softmax.h"

#define GRAIN 8192     /* elements */
#define LEAST_ROWS 8   /* of a chunk of the backward pass */
#define MOST_CHUNKS 16 /* each with sums of its own for dw and db, joined in order */

typedef struct job {
  const fnn_call *call;
  int rms;
  int64_t rows, n, chunk;
  const fnn_tensor *w, *b;
  void *partial; /* backward: chunks x (dw, db) */
} job;

static void split(const fnn_tensor *x, int64_t dims, int64_t *rows, int64_t *n) {
  *rows = *n = 1;
  for (int d = 0; d < x->ndim; d++) *(d < x->ndim - dims ? rows : n) *= x->size[d];
}

/* x and the parameters p of shape x.size[-dims:] */
static fnn_status check(const fnn_opdef *def, const fnn_tensor *x, int64_t dims, int count,
                        const fnn_tensor *const *p) {
  fnn_status st = fnn_want_float_contiguous(def, "input", x);
  if (!st && (dims < 1 || dims > x->ndim))
    st = fnn_fail(FNN_EVALUE, "%s: %lld dimensions to normalise in %s", def->name,
                  (long long)dims, fnn_tensor_str(x));
  for (int i = 0; i < count && !st; i++) {
    if (!p[i]) continue;
    int ok = p[i]->dtype == x->dtype && p[i]->ndim == dims;
    for (int d = 0; ok && d < dims; d++) ok = p[i]->size[d] == x->size[x->ndim - dims + d];
    if (!ok)
      return fnn_fail(FNN_ERUNTIME, "%s: weight or bias %s does not have the normalized shape of "
                      "input %s", def->name, fnn_tensor_str(p[i]), fnn_tensor_str(x));
    st = fnn_want_float_contiguous(def, "weight or bias", p[i]);
  }
  return st;
}

static const fnn_tensor *given(const fnn_call *c, int i) { return i < c->nin ? c->in[i] : NULL; }

/* layer_norm: x, weight?, bias? -> y, mean, rstd;  rms_norm: x, weight? -> y, rstd */
static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0], *p[2] = {given(c, 1), given(c, 2)};
  int64_t dims = c->attr[0].v.i;
  fnn_status st = check(def, x, dims, 2, p);
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  for (int i = 1; i < (def->kernel ? 2 : 3); i++)
    fnn_set_shape(&out[i], x->dtype, x->ndim - (int)dims, x->size);
  return FNN_OK;
}

static void forward(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  const fnn_call *c = j->call;
  int64_t at = begin * j->n;
  double eps = c->attr[1].v.f;
#define PART(R, S)                                                                              \
  fnn_k->norm_##S->rows(end - begin, j->n, (R *)fnn_tensor_data(c->in[0]) + at,                   \
                      j->w ? fnn_tensor_data(j->w) : NULL, j->b ? fnn_tensor_data(j->b) : NULL, \
                      eps, (R *)fnn_tensor_data(c->out[0]) + at,                                \
                      j->rms ? NULL : (R *)fnn_tensor_data(c->out[1]) + begin,                  \
                      (R *)fnn_tensor_data(c->out[j->rms ? 1 : 2]) + begin)
  if (c->in[0]->dtype == FNN_F32) PART(float, f32);
  else PART(double, f64);
#undef PART
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  job j = {.call = c, .rms = def->kernel, .w = given(c, 1), .b = given(c, 2)};
  split(c->in[0], c->attr[0].v.i, &j.rows, &j.n);
  fnn_parallel_for(j.rows, fnn_ceil_div(GRAIN, fnn_max64(1, j.n)), forward, &j);
  return FNN_OK;
}

/* ---- dy, x, weight?, mean, rstd -> dx, dw?, db?;  rms: dy, x, weight?, rstd -> dx, dw? */

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  int64_t dims = c->attr[0].v.i, rows, n;
  fnn_status st = check(def, x, dims, 1, c->in + 2);
  if (!st && (dy->dtype != x->dtype || !fnn_same_shape(dy, x)))
    st = fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with input %s", def->name,
                  fnn_tensor_str(dy), fnn_tensor_str(x));
  if (!st) st = fnn_want_float_contiguous(def, "gradient", dy);
  if (st) return st;
  split(x, dims, &rows, &n);
  for (int i = 3; i < (def->kernel ? 4 : 5) && !st; i++) {
    if (c->in[i]->dtype != x->dtype || fnn_tensor_numel(c->in[i]) != rows)
      return fnn_fail(FNN_EVALUE, "%s: statistics %s are not those of input %s", def->name,
                      fnn_tensor_str(c->in[i]), fnn_tensor_str(x));
    st = fnn_want_float_contiguous(def, "statistics", c->in[i]);
  }
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  for (int i = 1; i < c->nout; i++)
    fnn_set_shape(&out[i], x->dtype, (int)dims, x->size + x->ndim - dims);
  return FNN_OK;
}

static void set_chunks(job *j, int64_t *chunks) {
  split(j->call->in[1], j->call->attr[0].v.i, &j->rows, &j->n);
  *chunks = fnn_max64(1, fnn_min64(MOST_CHUNKS, j->rows / LEAST_ROWS));
  j->chunk = fnn_ceil_div(j->rows, *chunks);
  *chunks = j->rows ? fnn_ceil_div(j->rows, j->chunk) : 0;
}

static int64_t workspace_bwd(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  job j = {.call = c};
  int64_t chunks;
  set_chunks(&j, &chunks);
  return c->nout > 1 ? chunks * 2 * j.n * fnn_dtype_size((fnn_dtype)c->in[1]->dtype) : 0;
}

static int wanted(const fnn_call *c, int i) { return i < c->nout && c->out[i]; }

static void backward(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  const fnn_call *c = j->call;
  for (int64_t k = begin; k < end; k++) {
    int64_t row = k * j->chunk, rows = fnn_min64(j->chunk, j->rows - row), at = row * j->n;
#define PART(R, S)                                                                               \
  do {                                                                                           \
    R *dw = wanted(c, 1) ? (R *)j->partial + 2 * k * j->n : NULL;                                \
    R *db = wanted(c, 2) ? (R *)j->partial + (2 * k + 1) * j->n : NULL;                          \
    if (dw) memset(dw, 0, (size_t)j->n * sizeof(R));                                             \
    if (db) memset(db, 0, (size_t)j->n * sizeof(R));                                             \
    fnn_k->norm_##S->bwd_rows(rows, j->n, (R *)fnn_tensor_data(c->in[0]) + at,                     \
                            (R *)fnn_tensor_data(c->in[1]) + at,                                 \
                            j->w ? fnn_tensor_data(j->w) : NULL,                                 \
                            j->rms ? NULL : (R *)fnn_tensor_data(c->in[3]) + row,                \
                            (R *)fnn_tensor_data(c->in[j->rms ? 3 : 4]) + row,                   \
                            (R *)fnn_tensor_data(c->out[0]) + at, dw, db);                       \
  } while (0)
    if (c->in[1]->dtype == FNN_F32) PART(float, f32);
    else PART(double, f64);
#undef PART
  }
}

/* The chunks' sums, in their order. */
#define JOIN(R, S)                                                                        \
  static void join_##S(const job *j, int64_t chunks, int which, R *out) {                 \
    memset(out, 0, (size_t)j->n * sizeof(R));                                             \
    for (int64_t k = 0; k < chunks; k++) {                                                \
      const R *part = (const R *)j->partial + (2 * k + which) * j->n;                     \
      for (int64_t i = 0; i < j->n; i++) out[i] += part[i];                               \
    }                                                                                     \
  }
JOIN(float, f32)
JOIN(double, f64)
#undef JOIN

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.call = c, .rms = def->kernel, .w = c->in[2], .partial = ws};
  int64_t chunks;
  set_chunks(&j, &chunks);
  fnn_parallel_for(chunks, fnn_ceil_div(GRAIN, fnn_max64(1, j.n * j.chunk)), backward, &j);
  for (int i = 1; i < c->nout; i++) {
    if (!c->out[i]) continue;
    if (c->in[1]->dtype == FNN_F32) join_f32(&j, chunks, i - 1, fnn_tensor_data(c->out[i]));
    else join_f64(&j, chunks, i - 1, fnn_tensor_data(c->out[i]));
  }
  return FNN_OK;
}

const fnn_family fnn_family_layer_norm = {infer, NULL, run};
const fnn_family fnn_family_layer_norm_bwd = {infer_bwd, workspace_bwd, run_bwd};
