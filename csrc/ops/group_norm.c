/* group_norm: each sample's channels in groups of contiguous elements, normalised by the group's
 * mean and biased variance; weight and bias per channel. A thread owns whole groups. */
#include "ops/norm.h"

#define GRAIN 16384 /* elements */
#define FIRST 8     /* elements of a group whose mean is the shift */

typedef struct job {
  const fnn_call *call;
  int dtype;
  int64_t n, c, groups, m, l; /* m channels of l elements in a group */
  double *sum, *dot;          /* per sample and channel */
  char *constants;            /* per thread: four numbers per channel of a group */
} job;

static const fnn_tensor *given(const fnn_call *c, int i) { return i < c->nin ? c->in[i] : NULL; }

static fnn_status check(const fnn_opdef *def, const fnn_tensor *x, int64_t groups,
                        const fnn_tensor *w, const fnn_tensor *b) {
  fnn_status st = fnn_want_float_contiguous(def, "input", x);
  if (!st && x->ndim < 2)
    st = fnn_fail(FNN_ERUNTIME, "%s: expected at least 2 dimensions, got %s", def->name,
                  fnn_tensor_str(x));
  if (!st && (groups < 1 || x->size[1] % groups))
    st = fnn_fail(FNN_ERUNTIME, "%s: Expected number of channels in input to be divisible by "
                  "num_groups, but got input of shape %s and num_groups=%lld", def->name,
                  fnn_shape_str(x->ndim, x->size), (long long)groups);
  if (!st) st = fnn_check_channels(def, x, w, "weight");
  return st ? st : fnn_check_channels(def, x, b, "bias");
}

static void set_statistics(const fnn_tensor *x, int64_t groups, fnn_tensor *out) {
  int64_t size[2] = {x->size[0], groups};
  fnn_set_shape(out, x->dtype, 2, size);
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  fnn_status st = check(def, x, c->attr[0].v.i, given(c, 1), given(c, 2));
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  for (int i = 1; i < 3; i++) set_statistics(x, c->attr[0].v.i, &out[i]);
  return FNN_OK;
}

static void set_dims(job *j, const fnn_tensor *x) {
  j->dtype = x->dtype;
  j->n = x->size[0];
  j->c = x->size[1];
  j->groups = j->call->attr[0].v.i;
  j->m = j->c / j->groups;
  j->l = 1;
  for (int i = 2; i < x->ndim; i++) j->l *= x->size[i];
}

static int64_t scratch(const job *j) {
  return fnn_max_threads() * 4 * fnn_max64(1, j->m) * (int64_t)sizeof(double);
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  job j = {.call = c};
  (void)def;
  set_dims(&j, c->in[0]);
  return scratch(&j);
}

#define DATA(R, t) ((t) ? (R *)fnn_tensor_data(t) : NULL)
#define CONSTANTS(R, j, thread) ((R *)((j)->constants + (thread) * 4 * (j)->m * sizeof(double)))

#define FORWARD(R, S)                                                                             \
  static void group_##S(const job *j, int64_t g, R *mean) {                                       \
    const fnn_norm_##S *k = fnn_k->norm_##S;                                                      \
    const fnn_call *q = j->call;                                                                  \
    const int64_t m = j->m, size = m * j->l, c0 = g % j->groups * m;                              \
    const R *x = DATA(R, q->in[0]) + g * size;                                                    \
    const R *w = DATA(R, given(q, 1)), *b = DATA(R, given(q, 2));                                 \
    R *scale = mean + m, *bias = scale + m, *out_mean = DATA(R, q->out[1]);                       \
    double sum = 0, square = 0, first = 0;                                                        \
    int64_t some = fnn_min64(FIRST, size);                                                        \
    for (int64_t e = 0; e < some; e++) first += (double)x[e];                                     \
    R shift = isfinite(first) ? (R)(first / (double)some) : 0;                                    \
    k->set_moments(1, 1, size, size, x, &shift, &sum, &square);                                   \
    double off = sum / (double)size, var = square / (double)size - off * off;                     \
    R rstd = (R)(1 / sqrt((var < 0 ? 0 : var) + q->attr[1].v.f));                                 \
    out_mean[g] = (R)((double)shift + off);                                                       \
    DATA(R, q->out[2])[g] = rstd;                                                                 \
    for (int64_t i = 0; i < m; i++) {                                                             \
      mean[i] = out_mean[g];                                                                      \
      scale[i] = w ? w[c0 + i] * rstd : rstd;                                                     \
      bias[i] = b ? b[c0 + i] : 0;                                                                \
    }                                                                                             \
    R *y = DATA(R, q->out[0]) + g * size;                                                         \
    if (j->l == 1) k->col_apply(1, m, m, x, mean, scale, bias, y);                                \
    else k->set_apply(1, m, j->l, size, x, mean, scale, bias, y);                                 \
  }
FORWARD(float, f32)
FORWARD(double, f64)
#undef FORWARD

#define RUNNER(name, each)                                                       \
  static void name(void *ctx, int64_t begin, int64_t end, int thread) {          \
    const job *j = ctx;                                                          \
    for (int64_t g = begin; g < end; g++) {                                      \
      if (j->dtype == FNN_F32) each##_f32(j, g, CONSTANTS(float, j, thread));    \
      else each##_f64(j, g, CONSTANTS(double, j, thread));                       \
    }                                                                            \
  }
RUNNER(forward, group)

static void over_groups(job *j, fnn_range_fn fn) {
  int64_t size = j->m * j->l;
  if (size) fnn_parallel_for(j->n * j->groups, fnn_ceil_div(GRAIN, size), fn, j);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.call = c, .constants = ws};
  (void)def;
  set_dims(&j, c->in[0]);
  for (int i = 1; i < 3 && j.m * j.l == 0; i++) /* no group comes to write them */
    memset(fnn_tensor_data(c->out[i]), 0,
           (size_t)(fnn_tensor_numel(c->out[i]) * fnn_dtype_size((fnn_dtype)j.dtype)));
  over_groups(&j, forward);
  return FNN_OK;
}

/* ---- dy, x, weight?, mean, rstd -> dx, dw?, db?. With h = dy w and xhat = (x - mean) rstd:
 * dx = rstd (h - mean(h) - xhat mean(h xhat)) over the group; dw = sum dy xhat, db = sum dy. */
static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  fnn_status st = check(def, x, c->attr[0].v.i, c->in[2], NULL);
  if (!st && (dy->dtype != x->dtype || !fnn_same_shape(dy, x)))
    st = fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with input %s", def->name,
                  fnn_tensor_str(dy), fnn_tensor_str(x));
  if (!st) st = fnn_want_float_contiguous(def, "gradient", dy);
  for (int i = 3; i < 5 && !st; i++) {
    const fnn_tensor *t = c->in[i];
    if (t->dtype != x->dtype || t->ndim != 2 || t->size[0] != x->size[0] ||
        t->size[1] != c->attr[0].v.i)
      st = fnn_fail(FNN_EVALUE, "%s: statistics %s are not those of input %s", def->name,
                    fnn_tensor_str(t), fnn_tensor_str(x));
    else st = fnn_want_float_contiguous(def, "statistics", t);
  }
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  for (int i = 1; i < c->nout; i++) fnn_set_shape(&out[i], x->dtype, 1, x->size + 1);
  return FNN_OK;
}

static int64_t workspace_bwd(const fnn_opdef *def, const fnn_call *c) {
  job j = {.call = c};
  (void)def;
  set_dims(&j, c->in[1]);
  return 2 * j.n * j.c * (int64_t)sizeof(double) + scratch(&j);
}

#define BACKWARD(R, S)                                                                            \
  static void group_bwd_##S(const job *j, int64_t g, R *mean) {                                   \
    const fnn_norm_##S *k = fnn_k->norm_##S;                                                      \
    const fnn_call *q = j->call;                                                                  \
    const int64_t m = j->m, size = m * j->l, c0 = g % j->groups * m;                              \
    const R *dy = DATA(R, q->in[0]) + g * size, *x = DATA(R, q->in[1]) + g * size;                \
    const R *w = DATA(R, q->in[2]);                                                               \
    R *a = mean + m, *b = a + m, *c = b + m, *dx = DATA(R, q->out[0]) + g * size;                 \
    double *sum = j->sum + g * m, *dot = j->dot + g * m, s = 0, d = 0;                            \
    const double r = (double)DATA(R, q->in[4])[g];                                                \
    for (int64_t i = 0; i < m; i++) mean[i] = DATA(R, q->in[3])[g];                               \
    memset(sum, 0, (size_t)m * sizeof(double));                                                   \
    memset(dot, 0, (size_t)m * sizeof(double));                                                   \
    if (j->l == 1) k->col_grads(1, m, m, dy, x, mean, sum, dot);                                  \
    else k->set_grads(1, m, j->l, size, dy, x, mean, sum, dot);                                   \
    for (int64_t i = 0; i < m; i++) {                                                             \
      s += sum[i] * (w ? (double)w[c0 + i] : 1);                                                  \
      d += dot[i] * (w ? (double)w[c0 + i] : 1);                                                  \
    }                                                                                             \
    for (int64_t i = 0; i < m; i++) {                                                             \
      a[i] = (R)(r * (w ? (double)w[c0 + i] : 1));                                                \
      b[i] = (R)(r * r * r * d / (double)size);                                                   \
      c[i] = (R)(r * s / (double)size);                                                           \
    }                                                                                             \
    if (j->l == 1) k->col_bwd(1, m, m, dy, x, mean, a, b, c, dx);                                 \
    else k->set_bwd(1, m, j->l, size, dy, x, mean, a, b, c, dx);                                  \
  }                                                                                               \
  static void join_##S(const job *j) {                                                            \
    const fnn_call *q = j->call;                                                                  \
    const R *rstd = DATA(R, q->in[4]);                                                            \
    R *dw = q->nout > 1 ? DATA(R, q->out[1]) : NULL;                                              \
    R *db = q->nout > 2 ? DATA(R, q->out[2]) : NULL;                                              \
    for (int64_t i = 0; i < j->c; i++) {                                                          \
      double s = 0, d = 0;                                                                        \
      for (int64_t n = 0; n < j->n; n++) {                                                        \
        s += j->sum[n * j->c + i];                                                                \
        d += j->dot[n * j->c + i] * (double)rstd[n * j->groups + i / j->m];                       \
      }                                                                                           \
      if (dw) dw[i] = (R)d;                                                                       \
      if (db) db[i] = (R)s;                                                                       \
    }                                                                                             \
  }
BACKWARD(float, f32)
BACKWARD(double, f64)
#undef BACKWARD
RUNNER(backward, group_bwd)
#undef RUNNER

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.call = c};
  (void)def;
  set_dims(&j, c->in[1]);
  j.sum = ws;
  j.dot = j.sum + j.n * j.c;
  j.constants = (char *)(j.dot + j.n * j.c);
  if (j.l == 0) memset(ws, 0, (size_t)(2 * j.n * j.c) * sizeof(double));
  over_groups(&j, backward);
  if (j.dtype == FNN_F32) join_f32(&j);
  else join_f64(&j);
  return FNN_OK;
}

const fnn_family fnn_family_group_norm = {infer, workspace, run};
const fnn_family fnn_family_group_norm_bwd = {infer_bwd, workspace_bwd, run_bwd};
