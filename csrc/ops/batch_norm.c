/* batch_norm over channels, dimension 1 of (N, C) or (N, C, ...), contiguous or channels last.
 * Training: the batch's mean and biased variance, and running = (1 - momentum) running + momentum
 * batch (variance unbiased). Evaluation: the running statistics.
 *
 * The sums of x - shift and of its square are taken in one sweep, with the mean of a few first
 * elements as shift: what cancels is of the size of the deviations. Large planes: a thread takes
 * some channels through sums and result while they are in its cache. Small ones, and channels that
 * are columns, would be read in short runs far apart: their sums are taken by chunks of whole rows,
 * in the order of memory, and joined in the chunks' order. */
#include "ops/op.h"
#include "ops/norm.h"

#define GRAIN 16384       /* elements */
#define CACHED (1 << 18)  /* bytes of the channels that one thread takes at a time */
#define CHUNK 16384       /* elements of a chunk of rows, of at most MOST_CHUNKS */
#define MOST_CHUNKS 16
#define FIRST 8           /* elements of a channel whose mean is the shift */
#define LARGE 2048        /* elements of a plane from which threads take channels */

enum { TRAIN, EVAL, BACKWARD };

typedef struct job {
  const fnn_call *call;
  int kind, dtype;
  int64_t rows, n, l, stride; /* x[rows][n][l], rows `stride` apart; l 1: channels are columns */
  int by_rows;
  int64_t block;              /* channels of a unit, or rows of a chunk */
  int64_t units;
  double *sum, *dot, *parts; /* per channel; per chunk and channel */
  void *a, *b, *c;           /* constants per channel, of x's type */
} job;

static const fnn_tensor *given(const fnn_call *c, int i) { return i < c->nin ? c->in[i] : NULL; }

static fnn_status check(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *w,
                        const fnn_tensor *b) {
  if (!fnn_is_float(x->dtype))
    return fnn_fail(FNN_ETYPE, "%s: not implemented for %s", def->name, fnn_tensor_str(x));
  if (x->ndim < 2)
    return fnn_fail(FNN_EVALUE, "%s: expected at least 2 dimensions, got %s", def->name,
                    fnn_tensor_str(x));
  if (!fnn_tensor_is_contiguous(x) && !fnn_is_channels_last(x))
    return fnn_fail(FNN_ETYPE, "%s: input must be contiguous or channels last", def->name);
  fnn_status st = fnn_check_channels(def, x, w, "weight");
  return st ? st : fnn_check_channels(def, x, b, "bias");
}

static void set_like(const fnn_tensor *x, fnn_tensor *out) {
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  if (fnn_is_channels_last(x)) fnn_set_channels_last(out);
}

/* train: x, weight?, bias? -> y, mean, invstd, +running_mean?, +running_var?; momentum, eps
 * eval: x, mean, var, weight?, bias? -> y, invstd; eps */
static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  int first = def->kernel == TRAIN ? 1 : 3;
  fnn_status st = check(def, x, given(c, first), given(c, first + 1));
  if (st) return st;
  set_like(x, &out[0]);
  for (int i = 1; i < c->nout; i++) fnn_set_shape(&out[i], x->dtype, 1, x->size + 1);
  if (def->kernel == EVAL) {
    st = fnn_check_channels(def, x, c->in[1], "running_mean");
    return st ? st : fnn_check_channels(def, x, c->in[2], "running_var");
  }
  if (x->size[1] && fnn_tensor_numel(x) / x->size[1] == 1)
    return fnn_fail(FNN_EVALUE, "%s: expected more than 1 value per channel when training, got "
                    "input size %s", def->name, fnn_shape_str(x->ndim, x->size));
  for (int i = 3; i < c->nout; i++) {
    if (!c->out[i]) continue;
    if (!c->out[i]->storage)
      return fnn_fail(FNN_EVALUE, "%s: running statistics have no memory", def->name);
    st = fnn_check_channels(def, x, c->out[i], i == 3 ? "running_mean" : "running_var");
    if (st) return st;
  }
  return FNN_OK;
}

static void set_dims(job *j, const fnn_tensor *x) {
  int64_t l = 1;
  for (int i = 2; i < x->ndim; i++) l *= x->size[i];
  int columns = l <= 1 || (!fnn_tensor_is_contiguous(x) && fnn_is_channels_last(x));
  j->dtype = x->dtype;
  j->rows = columns ? x->size[0] * l : x->size[0];
  j->n = x->size[1];
  j->l = columns ? 1 : l;
  j->stride = j->n * j->l;
  j->by_rows = columns || (j->l < LARGE && j->rows > 2);
  if (j->by_rows) {
    int64_t chunks = fnn_max64(1, fnn_min64(MOST_CHUNKS, j->rows * j->stride / CHUNK));
    j->block = fnn_max64(1, fnn_ceil_div(j->rows, chunks));
    j->units = fnn_ceil_div(j->rows, j->block);
    return;
  }
  int64_t per = fnn_max64(1, j->rows * j->l * fnn_dtype_size((fnn_dtype)x->dtype));
  j->block = fnn_max64(1, fnn_min64(CACHED / per, fnn_ceil_div(j->n, 8)));
  j->units = fnn_ceil_div(j->n, j->block);
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  job j;
  (void)def;
  set_dims(&j, c->in[0]); /* in[0] is x, or dy of its shape and order */
  return (5 + (j.by_rows ? 2 * j.units : 0)) * j.n * (int64_t)sizeof(double);
}

#define DATA(R, t) ((t) ? (R *)fnn_tensor_data(t) : NULL)
#define OUT(R, q, i) ((q)->nout > (i) ? DATA(R, (q)->out[i]) : NULL)

/* set_sums: of channels [lo, hi); part: of the rows of a chunk; finish: the constants of channels;
 * apply: y or dx of those rows and channels. */
#define PASSES(R, S)                                                                              \
  static void shifts_##S(const job *j, int64_t lo, int64_t hi) {                                  \
    const R *x = DATA(R, j->call->in[0]);                                                         \
    R *shift = j->c;                                                                              \
    int64_t n = j->l == 1 ? fnn_min64(FIRST, j->rows) : fnn_min64(FIRST, j->l);                   \
    for (int64_t i = lo; i < hi; i++) {                                                           \
      double first = 0;                                                                           \
      for (int64_t e = 0; j->rows && e < n; e++)                                                  \
        first += (double)x[j->l == 1 ? e * j->stride + i : i * j->l + e];                         \
      shift[i] = n && isfinite(first) ? (R)(first / (double)n) : 0;                               \
    }                                                                                             \
  }                                                                                               \
  static void set_sums_##S(const job *j, int64_t lo, int64_t hi) {                                \
    const fnn_norm_##S *k = fnn_k->norm_##S;                                                      \
    const fnn_call *q = j->call;                                                                  \
    const R *x = DATA(R, q->in[j->kind == BACKWARD]), *shift = j->c;                              \
    memset(j->sum + lo, 0, (size_t)(hi - lo) * sizeof(double));                                   \
    memset(j->dot + lo, 0, (size_t)(hi - lo) * sizeof(double));                                   \
    if (j->kind == BACKWARD) {                                                                    \
      k->set_grads(j->rows, hi - lo, j->l, j->stride, DATA(R, q->in[0]) + lo * j->l,              \
                   x + lo * j->l, DATA(R, q->in[3]) + lo, j->sum + lo, j->dot + lo);              \
      return;                                                                                     \
    }                                                                                             \
    shifts_##S(j, lo, hi);                                                                        \
    k->set_moments(j->rows, hi - lo, j->l, j->stride, x + lo * j->l, shift + lo, j->sum + lo,     \
                   j->dot + lo);                                                                  \
  }                                                                                               \
  static void part_##S(const job *j, int64_t chunk) {                                         \
    const fnn_norm_##S *k = fnn_k->norm_##S;                                                      \
    const fnn_call *q = j->call;                                                                  \
    int64_t row = chunk * j->block, rows = fnn_min64(j->block, j->rows - row);                    \
    int64_t at = row * j->stride;                                                                 \
    double *sum = j->parts + 2 * chunk * j->n, *dot = sum + j->n;                                 \
    memset(sum, 0, (size_t)(2 * j->n) * sizeof(double));                                          \
    const R *dy = DATA(R, q->in[0]) + at, *x = DATA(R, q->in[j->kind == BACKWARD]) + at;          \
    const R *about = j->kind == BACKWARD ? DATA(R, q->in[3]) : j->c;                              \
    if (j->kind == BACKWARD && j->l == 1)                                                         \
      k->col_grads(rows, j->n, j->stride, dy, x, about, sum, dot);                                \
    else if (j->kind == BACKWARD)                                                                 \
      k->set_grads(rows, j->n, j->l, j->stride, dy, x, about, sum, dot);                          \
    else if (j->l == 1)                                                                           \
      k->col_moments(rows, j->n, j->stride, x, about, sum, dot);                                  \
    else                                                                                          \
      k->set_moments(rows, j->n, j->l, j->stride, x, about, sum, dot);                            \
  }                                                                                               \
  static void finish_train_##S(const job *j, int64_t lo, int64_t hi) {                            \
    const fnn_call *q = j->call;                                                                  \
    const R *w = DATA(R, given(q, 1)), *b = DATA(R, given(q, 2));                                 \
    R *mean = DATA(R, q->out[1]), *invstd = DATA(R, q->out[2]);                                   \
    R *rmean = OUT(R, q, 3), *rvar = OUT(R, q, 4), *scale = j->a, *bias = j->b, *shift = j->c;    \
    const int64_t total = j->rows * j->l; /* of nothing there is nothing to remember */           \
    const double momentum = q->attr[0].v.f, count = (double)fnn_max64(1, total);                  \
    for (int64_t i = lo; i < hi; i++) {                                                           \
      double off = j->sum[i] / count, var = j->dot[i] / count - off * off;                        \
      if (var < 0) var = 0;                                                                       \
      mean[i] = (R)((double)shift[i] + off);                                                      \
      invstd[i] = (R)(1 / sqrt(var + q->attr[1].v.f));                                            \
      scale[i] = w ? w[i] * invstd[i] : invstd[i];                                                \
      bias[i] = b ? b[i] : 0;                                                                     \
      if (rmean && total) rmean[i] = (R)((1 - momentum) * rmean[i] + momentum * mean[i]);         \
      if (!rvar || !total) continue;                                                              \
      rvar[i] = (R)((1 - momentum) * rvar[i] + momentum * var * (count / (count - 1)));           \
    }                                                                                             \
  }                                                                                               \
  static void finish_eval_##S(const job *j, int64_t lo, int64_t hi) {                             \
    const fnn_call *q = j->call;                                                                  \
    const R *var = DATA(R, q->in[2]), *w = DATA(R, given(q, 3)), *b = DATA(R, given(q, 4));       \
    R *invstd = DATA(R, q->out[1]), *scale = j->a, *bias = j->b;                                  \
    for (int64_t i = lo; i < hi; i++) {                                                           \
      invstd[i] = (R)(1 / sqrt((double)var[i] + q->attr[0].v.f));                                 \
      scale[i] = w ? w[i] * invstd[i] : invstd[i];                                                \
      bias[i] = b ? b[i] : 0;                                                                     \
    }                                                                                             \
  }                                                                                               \
  static void finish_bwd_##S(const job *j, int64_t lo, int64_t hi) {                              \
    const fnn_call *q = j->call;                                                                  \
    const R *w = DATA(R, q->in[2]), *invstd = DATA(R, q->in[4]);                                  \
    R *dw = OUT(R, q, 1), *db = OUT(R, q, 2), *a = j->a, *b = j->b, *c = j->c;                    \
    const double count = (double)(j->rows * j->l);                                                \
    const int train = q->attr[0].v.i != 0;                                                        \
    for (int64_t i = lo; i < hi; i++) {                                                           \
      double s = (double)invstd[i], scale = (w ? (double)w[i] : 1) * s;                           \
      a[i] = (R)scale;                                                                            \
      b[i] = train ? (R)(scale * s * s * j->dot[i] / count) : 0;                                  \
      c[i] = train ? (R)(scale * j->sum[i] / count) : 0;                                          \
      if (dw) dw[i] = (R)(j->dot[i] * s);                                                         \
      if (db) db[i] = (R)j->sum[i];                                                               \
    }                                                                                             \
  }                                                                                               \
  static void finish_##S(const job *j, int64_t lo, int64_t hi) {                                  \
    if (j->kind == TRAIN) finish_train_##S(j, lo, hi);                                            \
    else if (j->kind == EVAL) finish_eval_##S(j, lo, hi);                                         \
    else finish_bwd_##S(j, lo, hi);                                                               \
  }                                                                                               \
  static void apply_##S(const job *j, int64_t row, int64_t rows, int64_t lo, int64_t hi) {        \
    const fnn_norm_##S *k = fnn_k->norm_##S;                                                      \
    const fnn_call *q = j->call;                                                                  \
    const int64_t at = row * j->stride + lo * j->l, m = hi - lo, l = j->l, s = j->stride;         \
    const R *a = (R *)j->a + lo, *b = (R *)j->b + lo, *c = (R *)j->c + lo;                        \
    R *to = DATA(R, q->out[0]) + at;                                                              \
    if (j->kind == BACKWARD && q->attr[0].v.i) {                                                  \
      const R *dy = DATA(R, q->in[0]) + at, *x = DATA(R, q->in[1]) + at;                          \
      const R *mean = DATA(R, q->in[3]) + lo;                                                     \
      if (l == 1) k->col_bwd(rows, m, s, dy, x, mean, a, b, c, to);                               \
      else k->set_bwd(rows, m, l, s, dy, x, mean, a, b, c, to);                                   \
      return;                                                                                     \
    }                                                                                             \
    /* of evaluation dx = dy a: the same map, of dy, with zeros (b, c) as mean and shift */       \
    const R *x = DATA(R, q->in[0]) + at;                                                          \
    const R *mean = j->kind == BACKWARD ? c                                                       \
                                        : DATA(R, j->kind == TRAIN ? q->out[1] : q->in[1]) + lo;  \
    if (l == 1) k->col_apply(rows, m, s, x, mean, a, b, to);                                      \
    else k->set_apply(rows, m, l, s, x, mean, a, b, to);                                          \
  }
PASSES(float, f32)
PASSES(double, f64)
#undef PASSES

#define BY_TYPE(j, call, ...) \
  ((j)->dtype == FNN_F32 ? call##_f32(__VA_ARGS__) : call##_f64(__VA_ARGS__))

static void over_sets(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  (void)thread;
  for (int64_t unit = begin; unit < end; unit++) {
    int64_t lo = unit * j->block, hi = fnn_min64(j->n, lo + j->block);
    if (j->kind != EVAL) BY_TYPE(j, set_sums, j, lo, hi);
    BY_TYPE(j, finish, j, lo, hi);
    BY_TYPE(j, apply, j, 0, j->rows, lo, hi);
  }
}

static void over_chunks(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  (void)thread;
  for (int64_t chunk = begin; chunk < end; chunk++) BY_TYPE(j, part, j, chunk);
}

static void over_rows(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  (void)thread;
  BY_TYPE(j, apply, j, begin, end - begin, 0, j->n);
}

/* The chunks' sums, in their order. */
static void join(const job *j) {
  memset(j->sum, 0, (size_t)j->n * sizeof(double));
  memset(j->dot, 0, (size_t)j->n * sizeof(double));
  for (int64_t k = 0; k < j->units; k++)
    for (int64_t i = 0; i < j->n; i++) {
      j->sum[i] += j->parts[2 * k * j->n + i];
      j->dot[i] += j->parts[(2 * k + 1) * j->n + i];
    }
}

static fnn_status run_job(job *j, const fnn_tensor *x, void *ws) {
  set_dims(j, x);
  if (j->n == 0) return FNN_OK;
  j->sum = ws;
  j->dot = j->sum + j->n;
  j->a = j->dot + j->n;
  j->b = (double *)j->a + j->n;
  j->c = (double *)j->b + j->n;
  j->parts = (double *)j->c + j->n;
  int64_t unit = fnn_max64(1, j->by_rows ? j->block * j->stride : j->rows * j->block * j->l);
  if (!j->by_rows) {
    fnn_parallel_for(j->units, fnn_ceil_div(GRAIN, unit), over_sets, j);
    return FNN_OK;
  }
  if (j->kind == TRAIN) BY_TYPE(j, shifts, j, 0, j->n);
  if (j->kind != EVAL) {
    fnn_parallel_for(j->units, fnn_ceil_div(GRAIN, unit), over_chunks, j);
    join(j);
  }
  BY_TYPE(j, finish, j, 0, j->n);
  fnn_parallel_for(j->rows, fnn_ceil_div(GRAIN, fnn_max64(1, j->stride)), over_rows, j);
  return FNN_OK;
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.call = c, .kind = def->kernel};
  return run_job(&j, c->in[0], ws);
}

/* ---- dy, x, weight?, mean, invstd -> dx, dw?, db?; training. With h = dy - mean(dy):
 * dx = w invstd (h - xhat mean(dy xhat)) in training, dy w invstd in evaluation. */
static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  fnn_status st = check(def, x, c->in[2], NULL);
  if (!st && (dy->dtype != x->dtype || !fnn_same_shape(dy, x)))
    st = fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with input %s", def->name,
                  fnn_tensor_str(dy), fnn_tensor_str(x));
  if (!st && !(fnn_tensor_is_contiguous(x) ? fnn_tensor_is_contiguous(dy)
                                           : fnn_is_channels_last(dy)))
    st = fnn_fail(FNN_ETYPE, "%s: the gradient's layout is not the input's", def->name);
  if (!st) st = fnn_check_channels(def, x, c->in[3], "mean");
  if (!st) st = fnn_check_channels(def, x, c->in[4], "invstd");
  if (st) return st;
  set_like(x, &out[0]);
  for (int i = 1; i < c->nout; i++) fnn_set_shape(&out[i], x->dtype, 1, x->size + 1);
  return FNN_OK;
}

static int64_t workspace_bwd(const fnn_opdef *def, const fnn_call *c) {
  const fnn_call of_x = {.in = c->in + 1, .nin = 1};
  return workspace(def, &of_x);
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  job j = {.call = c, .kind = BACKWARD};
  return run_job(&j, c->in[1], ws);
}

const fnn_family fnn_family_batch_norm = {infer, workspace, run};
const fnn_family fnn_family_batch_norm_bwd = {infer_bwd, workspace_bwd, run_bwd};
