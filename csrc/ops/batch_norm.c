/* batch_norm over channels, dimension 1 of contiguous (N, C) or (N, C, L...). Training: the batch's
 * mean and biased variance, and running = (1 - momentum) running + momentum batch (variance
 * unbiased). Evaluation: the running statistics. Channels are columns where L is 1, else rows; a
 * thread owns whole channels, so the order of sums is that of the tensor. */
#include "ops/softmax.h"

#define GRAIN 16384 /* elements */
#define COLS 64     /* channels of a block where they are columns */

enum { TRAIN, EVAL };

typedef struct job {
  const fnn_call *call;
  fnn_softmax_dims dims; /* outer N, n channels, inner L */
  double *sum, *square;  /* per channel, from the workspace */
  void *scale, *shift, *third;
} job;

static const fnn_tensor *given(const fnn_call *c, int i) { return i < c->nin ? c->in[i] : NULL; }

/* t holds one number per channel, contiguous, in x's dtype. */
static fnn_status check_channel(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *t,
                                const char *what) {
  if (!t) return FNN_OK;
  if (t->ndim != 1 || t->size[0] != x->size[1] || t->dtype != x->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: %s should contain %lld elements of %s, got %s", def->name,
                    what, (long long)x->size[1], fnn_dtype_name((fnn_dtype)x->dtype),
                    fnn_tensor_str(t));
  return fnn_want_float_contiguous(def, what, t);
}

static fnn_status check(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *w,
                        const fnn_tensor *b) {
  fnn_status st = fnn_want_float_contiguous(def, "input", x);
  if (!st && x->ndim < 2)
    st = fnn_fail(FNN_EVALUE, "%s: expected at least 2 dimensions, got %s", def->name,
                  fnn_tensor_str(x));
  if (!st) st = check_channel(def, x, w, "weight");
  return st ? st : check_channel(def, x, b, "bias");
}

/* train: x, weight?, bias? -> y, mean, invstd, +running_mean?, +running_var?; momentum, eps
 * eval: x, mean, var, weight?, bias? -> y, invstd; eps */
static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  int first = def->kernel == TRAIN ? 1 : 3;
  fnn_status st = check(def, x, given(c, first), given(c, first + 1));
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  for (int i = 1; i < c->nout; i++) fnn_set_shape(&out[i], x->dtype, 1, x->size + 1);
  if (def->kernel == EVAL) {
    st = check_channel(def, x, c->in[1], "running_mean");
    return st ? st : check_channel(def, x, c->in[2], "running_var");
  }
  if (x->size[1] && fnn_tensor_numel(x) / x->size[1] == 1)
    return fnn_fail(FNN_EVALUE, "%s: expected more than 1 value per channel when training, got "
                    "input size %s", def->name, fnn_shape_str(x->ndim, x->size));
  for (int i = 3; i < c->nout; i++) {
    if (!c->out[i]) continue;
    if (!c->out[i]->storage)
      return fnn_fail(FNN_EVALUE, "%s: running statistics have no memory", def->name);
    st = check_channel(def, x, c->out[i], i == 3 ? "running_mean" : "running_var");
    if (st) return st;
  }
  return FNN_OK;
}

static void set_dims(const fnn_tensor *x, fnn_softmax_dims *d) {
  d->outer = x->size[0];
  d->n = x->size[1];
  d->inner = 1;
  for (int i = 2; i < x->ndim; i++) d->inner *= x->size[i];
}

/* Two doubles and three constants per channel. */
static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  return c->in[0]->size[1] * 5 * (int64_t)sizeof(double); /* in[0] is x, or of its shape */
}

static void set_workspace(job *j, const fnn_tensor *x, void *ws) {
  set_dims(x, &j->dims);
  j->sum = ws;
  j->square = j->sum + j->dims.n;
  j->scale = j->square + j->dims.n;
  j->shift = (double *)j->scale + j->dims.n;
  j->third = (double *)j->shift + j->dims.n;
}

#define DATA(R, t) ((t) ? (R *)fnn_tensor_data(t) : NULL)

/* Channels [lo, hi): statistics, constants, y. */
#define FORWARD(R, S)                                                                             \
  static void statistics_##S(const job *j, int64_t lo, int64_t hi, R *mean) {                     \
    const fnn_norm_##S *k = &fnn_k->norm->S;                                                      \
    const int64_t n = j->dims.outer, c = j->dims.n, l = j->dims.inner, m = hi - lo;               \
    const R *x = DATA(R, j->call->in[0]);                                                         \
    const double count = (double)(n * l);                                                         \
    memset(j->sum + lo, 0, (size_t)m * sizeof(double));                                           \
    memset(j->square + lo, 0, (size_t)m * sizeof(double));                                        \
    if (l == 1) k->col_sums(n, m, c, x + lo, j->sum + lo);                                        \
    else                                                                                          \
      for (int64_t i = lo; i < hi; i++)                                                           \
        for (int64_t r = 0; r < n; r++) j->sum[i] += (double)k->sum(l, x + (r * c + i) * l);      \
    for (int64_t i = lo; i < hi; i++) mean[i] = (R)(j->sum[i] / count);                           \
    if (l == 1) k->col_squares(n, m, c, x + lo, mean + lo, j->square + lo);                       \
    else                                                                                          \
      for (int64_t i = lo; i < hi; i++)                                                           \
        for (int64_t r = 0; r < n; r++)                                                           \
          j->square[i] += (double)k->squares(l, x + (r * c + i) * l, mean[i]);                    \
  }                                                                                               \
  static void apply_##S(const job *j, int64_t lo, int64_t hi, const R *mean) {                    \
    const fnn_norm_##S *k = &fnn_k->norm->S;                                                      \
    const int64_t n = j->dims.outer, c = j->dims.n, l = j->dims.inner;                            \
    const R *x = DATA(R, j->call->in[0]), *scale = j->scale, *shift = j->shift;                   \
    R *y = DATA(R, j->call->out[0]);                                                              \
    if (l == 1) {                                                                                 \
      k->col_apply(n, hi - lo, c, x + lo, mean + lo, scale + lo, shift + lo, y + lo);             \
      return;                                                                                     \
    }                                                                                             \
    for (int64_t r = 0; r < n; r++)                                                               \
      for (int64_t i = lo; i < hi; i++) {                                                         \
        int64_t at = (r * c + i) * l;                                                             \
        k->row_apply(l, x + at, mean[i], scale[i], shift[i], y + at);                             \
      }                                                                                           \
  }                                                                                               \
  static void train_##S(const job *j, int64_t lo, int64_t hi) {                                   \
    const fnn_call *q = j->call;                                                                  \
    const R *w = DATA(R, given(q, 1)), *b = DATA(R, given(q, 2));                                 \
    R *mean = DATA(R, q->out[1]), *invstd = DATA(R, q->out[2]);                                   \
    R *rmean = q->nout > 3 ? DATA(R, q->out[3]) : NULL;                                           \
    R *rvar = q->nout > 4 ? DATA(R, q->out[4]) : NULL;                                            \
    R *scale = j->scale, *shift = j->shift;                                                       \
    const double momentum = q->attr[0].v.f, count = (double)(j->dims.outer * j->dims.inner);      \
    statistics_##S(j, lo, hi, mean);                                                              \
    for (int64_t i = lo; i < hi; i++) {                                                           \
      double var = j->square[i] / count;                                                          \
      invstd[i] = (R)(1 / sqrt(var + q->attr[1].v.f));                                            \
      scale[i] = w ? w[i] * invstd[i] : invstd[i];                                                \
      shift[i] = b ? b[i] : 0;                                                                    \
      if (rmean) rmean[i] = (R)((1 - momentum) * rmean[i] + momentum * mean[i]);                  \
      if (rvar) rvar[i] = (R)((1 - momentum) * rvar[i] + momentum * j->square[i] / (count - 1));  \
    }                                                                                             \
    apply_##S(j, lo, hi, mean);                                                                   \
  }                                                                                               \
  static void eval_##S(const job *j, int64_t lo, int64_t hi) {                                    \
    const fnn_call *q = j->call;                                                                  \
    const R *mean = DATA(R, q->in[1]), *var = DATA(R, q->in[2]);                                  \
    const R *w = DATA(R, given(q, 3)), *b = DATA(R, given(q, 4));                                 \
    R *invstd = DATA(R, q->out[1]), *scale = j->scale, *shift = j->shift;                         \
    for (int64_t i = lo; i < hi; i++) {                                                           \
      invstd[i] = (R)(1 / sqrt((double)var[i] + q->attr[0].v.f));                                 \
      scale[i] = w ? w[i] * invstd[i] : invstd[i];                                                \
      shift[i] = b ? b[i] : 0;                                                                    \
    }                                                                                             \
    apply_##S(j, lo, hi, mean);                                                                   \
  }
FORWARD(float, f32)
FORWARD(double, f64)
#undef FORWARD

/* A part is a block of columns, or a channel. */
#define RUNNER(name)                                                                            \
  static void name(void *ctx, int64_t begin, int64_t end, int thread) {                         \
    (void)thread;                                                                               \
    const job *j = ctx;                                                                         \
    int64_t size = j->dims.inner == 1 ? COLS : 1;                                               \
    int64_t lo = begin * size, hi = fnn_min64(end * size, j->dims.n);                           \
    if (j->call->out[0]->dtype == FNN_F32) name##_f32(j, lo, hi);                               \
    else name##_f64(j, lo, hi);                                                                 \
  }
RUNNER(train)
RUNNER(eval)

static void over_channels(job *j, fnn_range_fn fn) {
  int64_t size = j->dims.inner == 1 ? COLS : 1, per = size * j->dims.outer * j->dims.inner;
  fnn_parallel_for(fnn_ceil_div(j->dims.n, size), fnn_ceil_div(GRAIN, fnn_max64(1, per)), fn, j);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.call = c};
  set_workspace(&j, c->in[0], ws);
  over_channels(&j, def->kernel == TRAIN ? train : eval);
  return FNN_OK;
}

/* ---- dy, x, weight?, mean, invstd -> dx, dw?, db?; training. With h = dy - mean(dy):
 * dx = w invstd (h - xhat mean(dy xhat)) in training, dy w invstd in evaluation. */
static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  fnn_status st = check(def, x, c->in[2], NULL);
  if (!st && (dy->dtype != x->dtype || !fnn_same_shape(dy, x)))
    st = fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with input %s", def->name,
                  fnn_tensor_str(dy), fnn_tensor_str(x));
  if (!st) st = fnn_want_float_contiguous(def, "gradient", dy);
  if (!st) st = check_channel(def, x, c->in[3], "mean");
  if (!st) st = check_channel(def, x, c->in[4], "invstd");
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  for (int i = 1; i < c->nout; i++) fnn_set_shape(&out[i], x->dtype, 1, x->size + 1);
  return FNN_OK;
}

#define BACKWARD(R, S)                                                                            \
  static void backward_##S(const job *j, int64_t lo, int64_t hi) {                                \
    const fnn_norm_##S *k = &fnn_k->norm->S;                                                      \
    const fnn_call *q = j->call;                                                                  \
    const int64_t n = j->dims.outer, c = j->dims.n, l = j->dims.inner, m = hi - lo;               \
    const R *dy = DATA(R, q->in[0]), *x = DATA(R, q->in[1]), *w = DATA(R, q->in[2]);              \
    const R *mean = DATA(R, q->in[3]), *invstd = DATA(R, q->in[4]);                               \
    R *dx = DATA(R, q->out[0]), *dw = q->nout > 1 ? DATA(R, q->out[1]) : NULL;                    \
    R *db = q->nout > 2 ? DATA(R, q->out[2]) : NULL;                                              \
    R *a = j->scale, *b = j->shift, *d = j->third;                                                \
    double *sum = j->sum, *dot = j->square;                                                       \
    const double count = (double)(n * l);                                                         \
    memset(sum + lo, 0, (size_t)m * sizeof(double));                                              \
    memset(dot + lo, 0, (size_t)m * sizeof(double));                                              \
    if (l == 1) k->col_grads(n, m, c, dy + lo, x + lo, mean + lo, sum + lo, dot + lo);            \
    else                                                                                          \
      for (int64_t i = lo; i < hi; i++)                                                           \
        for (int64_t r = 0; r < n; r++) {                                                         \
          int64_t at = (r * c + i) * l;                                                           \
          sum[i] += (double)k->sum(l, dy + at);                                                   \
          dot[i] += (double)k->dot(l, x + at, mean[i], dy + at);                                  \
        }                                                                                         \
    for (int64_t i = lo; i < hi; i++) {                                                           \
      double s = (double)invstd[i], scale = (w ? (double)w[i] : 1) * s;                           \
      int train = q->attr[0].v.i != 0;                                                            \
      a[i] = (R)scale;                                                                            \
      b[i] = train ? (R)(scale * s * s * dot[i] / count) : 0;                                     \
      d[i] = train ? (R)(scale * sum[i] / count) : 0;                                             \
      if (dw) dw[i] = (R)(dot[i] * s);                                                            \
      if (db) db[i] = (R)sum[i];                                                                  \
    }                                                                                             \
    if (l == 1) {                                                                                 \
      k->col_bwd(n, m, c, dy + lo, x + lo, mean + lo, a + lo, b + lo, d + lo, dx + lo);           \
      return;                                                                                     \
    }                                                                                             \
    for (int64_t r = 0; r < n; r++)                                                               \
      for (int64_t i = lo; i < hi; i++) {                                                         \
        int64_t at = (r * c + i) * l;                                                             \
        k->row_bwd(l, dy + at, x + at, mean[i], a[i], b[i], d[i], dx + at);                       \
      }                                                                                           \
  }
BACKWARD(float, f32)
BACKWARD(double, f64)
#undef BACKWARD
RUNNER(backward)
#undef RUNNER

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  job j = {.call = c};
  set_workspace(&j, c->in[1], ws);
  over_channels(&j, backward);
  return FNN_OK;
}

const fnn_family fnn_family_batch_norm = {infer, workspace, run};
const fnn_family fnn_family_batch_norm_bwd = {infer_bwd, workspace, run_bwd};
