/* Folds (sum, mean, extremes, norms, ...), extremes with positions, variances, logsumexp. */
#include <math.h>

#include "ops/reduce_run.h"
#include "ops/reductions.h"

#define FINISH(name)                                                                       \
  static void name(const fnn_reduce_job *j, int64_t n, const void *p, const void *q,       \
                   char *const *y, const int64_t *s)

FINISH(finish_copy) {
  if (y[0]) fnn_reduce_put(n, j->k->p_bytes, p, y[0], s[0]);
  if (y[1]) fnn_reduce_put(n, j->k->q_bytes, q, y[1], s[1]);
}

/* y[0][i * s[0]] = expression of P[i], Q[i] in the floating type of the input. */
#define EACH(T, expression)                                                                \
  do {                                                                                     \
    const T *P = p, *Q = q;                                                                \
    (void)P, (void)Q;                                                                      \
    for (int64_t i = 0; i < n; i++) ((T *)y[0])[i * s[0]] = expression;                    \
  } while (0)

FINISH(finish_mean) {
  double count = (double)j->plan.count;
  if (j->x->dtype == FNN_F32) EACH(float, P[i] / (float)count);
  else EACH(double, P[i] / count);
}

FINISH(finish_root) {
  if (j->x->dtype == FNN_F32) EACH(float, sqrtf(P[i]));
  else EACH(double, sqrt(P[i]));
}

FINISH(finish_any) {
  (void)j, (void)q;
  for (int64_t i = 0; i < n; i++) y[0][i * s[0]] = ((const int64_t *)p)[i] > 0;
}

FINISH(finish_all) {
  (void)q;
  for (int64_t i = 0; i < n; i++) y[0][i * s[0]] = ((const int64_t *)p)[i] == j->plan.count;
}

FINISH(finish_var) {
  double d = fmax(0, (double)j->plan.count - j->correction);
  if (j->x->dtype == FNN_F32) EACH(float, Q[i] / (float)d);
  else EACH(double, Q[i] / d);
  if (y[1]) fnn_reduce_put(n, j->k->p_bytes, p, y[1], s[1]);
}

FINISH(finish_lse) {
  double buffer[FNN_COL_TILE];
  fnn_k->reduce->lse_finish[j->x->dtype](n, p, q, buffer);
  fnn_reduce_put(n, j->k->p_bytes, buffer, y[0], s[0]);
}

FINISH(finish_std) {
  double d = fmax(0, (double)j->plan.count - j->correction);
  if (j->x->dtype == FNN_F32) EACH(float, sqrtf(Q[i] / (float)d));
  else EACH(double, sqrt(Q[i] / d));
  if (y[1]) fnn_reduce_put(n, j->k->p_bytes, p, y[1], s[1]);
}

enum { AS_PARTIAL, AS_INPUT, AS_COUNT, AS_TRUTH };

static const struct { int fold, result; fnn_reduce_finish finish; } folds[] = {
    [FNN_RED_sum] = {FNN_FOLD_sum, AS_PARTIAL, finish_copy},
    [FNN_RED_prod] = {FNN_FOLD_prod, AS_PARTIAL, finish_copy},
    [FNN_RED_mean] = {FNN_FOLD_sum, AS_INPUT, finish_mean},
    [FNN_RED_amax] = {FNN_FOLD_max, AS_INPUT, finish_copy},
    [FNN_RED_amin] = {FNN_FOLD_min, AS_INPUT, finish_copy},
    [FNN_RED_sumsq] = {FNN_FOLD_sumsq, AS_INPUT, finish_copy},
    [FNN_RED_nansum] = {FNN_FOLD_nansum, AS_INPUT, finish_copy},
    [FNN_RED_norm1] = {FNN_FOLD_sumabs, AS_INPUT, finish_copy},
    [FNN_RED_norm2] = {FNN_FOLD_sumsq, AS_INPUT, finish_root},
    [FNN_RED_normmax] = {FNN_FOLD_maxabs, AS_INPUT, finish_copy},
    [FNN_RED_normmin] = {FNN_FOLD_minabs, AS_INPUT, finish_copy},
    [FNN_RED_count_nonzero] = {FNN_FOLD_count, AS_COUNT, finish_copy},
    [FNN_RED_any] = {FNN_FOLD_count, AS_TRUTH, finish_any},
    [FNN_RED_all] = {FNN_FOLD_count, AS_TRUTH, finish_all},
};

static int floats_only(int row) {
  int fold = folds[row].fold;
  return row == FNN_RED_mean || fold == FNN_FOLD_sumsq || fold == FNN_FOLD_sumabs ||
         fold == FNN_FOLD_maxabs || fold == FNN_FOLD_minabs || fold == FNN_FOLD_nansum;
}

static fnn_status check(const fnn_opdef *def, const fnn_call *c, int floats) {
  const fnn_tensor *x = c->in[0];
  if (floats && !fnn_is_float(x->dtype))
    return fnn_fail(FNN_ERUNTIME, "%s: the input's dtype must be floating point, got %s",
                    def->name, fnn_tensor_str(x));
  if (x->dtype >= FNN_REDUCE_DTYPES)
    return fnn_fail(FNN_ENOTIMPL, "%s: not implemented for %s", def->name, fnn_tensor_str(x));
  return FNN_OK;
}

/* Extremes of nothing have no value. */
static fnn_status check_extent(const fnn_opdef *def, const fnn_tensor *x, unsigned mask) {
  for (int d = 0; d < x->ndim; d++)
    if (x->size[d] == 0 && mask >> d & 1)
      return fnn_fail(FNN_EINDEX, "%s: expected reduction dim %d of %s to have non-zero size",
                      def->name, d, fnn_shape_str(x->ndim, x->size));
  return FNN_OK;
}

static int result_dtype(int row, int x) {
  switch (folds[row].result) {
    case AS_COUNT: return FNN_I64;
    case AS_TRUTH: return x == FNN_U8 ? FNN_U8 : FNN_BOOL;
    case AS_PARTIAL: return fnn_is_float(x) ? x : FNN_I64;
    default: return x;
  }
}

static fnn_status fold_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  unsigned mask;
  fnn_status st = check(def, c, floats_only(def->kernel));
  if (!st) st = fnn_reduce_mask(def, x, &c->attr[0], &mask);
  int fold = folds[def->kernel].fold;
  if (!st && (fold == FNN_FOLD_max || fold == FNN_FOLD_min)) st = check_extent(def, x, mask);
  if (!st)
    fnn_reduce_shape(x, mask, (int)c->attr[1].v.i, result_dtype(def->kernel, x->dtype), out);
  return st;
}

static void job(const fnn_opdef *def, const fnn_call *c, int keepdim, fnn_reduce_job *j) {
  j->x = c->in[0];
  j->outs[0] = c->out[0];
  j->outs[1] = c->nout > 1 ? c->out[1] : NULL;
  j->keepdim = (int)c->attr[keepdim].v.i;
  j->ordered = j->in_place = 0;
  j->narrow = 16;
  j->correction = 0;
  fnn_reduce_mask(def, j->x, &c->attr[0], &j->mask);
}

static const fnn_reduce_kernels *kernels_of(int dtype) {
  return dtype < FNN_I64 ? fnn_k->reduce : fnn_k->reduce_int;
}

static void fold_job(const fnn_opdef *def, const fnn_call *c, fnn_reduce_job *j) {
  job(def, c, 1, j);
  j->k = &kernels_of(j->x->dtype)->fold[folds[def->kernel].fold][j->x->dtype];
  j->finish = folds[def->kernel].finish;
  j->narrow = 2;
  j->in_place = folds[def->kernel].result != AS_TRUTH;
}

/* dims, keepdim */
static fnn_status arg_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  unsigned mask;
  fnn_status st = check(def, c, 0);
  if (!st) st = fnn_reduce_mask(def, x, &c->attr[0], &mask);
  if (!st) st = check_extent(def, x, mask);
  if (st) return st;
  fnn_reduce_shape(x, mask, (int)c->attr[1].v.i, x->dtype, &out[0]);
  if (c->nout > 1) fnn_reduce_shape(x, mask, (int)c->attr[1].v.i, FNN_I64, &out[1]);
  return FNN_OK;
}

static void arg_job(const fnn_opdef *def, const fnn_call *c, fnn_reduce_job *j) {
  job(def, c, 1, j);
  j->k = &kernels_of(j->x->dtype)->arg[def->kernel][j->x->dtype];
  j->finish = finish_copy;
  j->ordered = j->in_place = 1;
}

/* dims, correction, keepdim */
static fnn_status moments_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  unsigned mask;
  fnn_status st = check(def, c, 1);
  if (!st) st = fnn_reduce_mask(def, x, &c->attr[0], &mask);
  if (st) return st;
  for (int i = 0; i < c->nout; i++)
    fnn_reduce_shape(x, mask, (int)c->attr[2].v.i, x->dtype, &out[i]);
  return FNN_OK;
}

static void moments_job(const fnn_opdef *def, const fnn_call *c, fnn_reduce_job *j) {
  job(def, c, 2, j);
  j->k = &fnn_k->reduce->moments[j->x->dtype];
  j->finish = def->kernel ? finish_std : finish_var;
  j->correction = c->attr[1].v.f;
}

static fnn_status lse_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  unsigned mask;
  fnn_status st = check(def, c, 1);
  if (!st) st = fnn_reduce_mask(def, x, &c->attr[0], &mask);
  if (!st) fnn_reduce_shape(x, mask, (int)c->attr[1].v.i, x->dtype, out);
  return st;
}

static void lse_job(const fnn_opdef *def, const fnn_call *c, fnn_reduce_job *j) {
  job(def, c, 1, j);
  j->k = &fnn_k->reduce->lse[j->x->dtype];
  j->finish = finish_lse;
}

#define FAMILY(name)                                                                       \
  static int64_t name##_workspace(const fnn_opdef *def, const fnn_call *c) {               \
    fnn_reduce_job j;                                                                      \
    name##_job(def, c, &j);                                                                \
    return fnn_reduce_workspace(&j);                                                       \
  }                                                                                        \
  static fnn_status name##_run(const fnn_opdef *def, const fnn_call *c, void *workspace) { \
    fnn_reduce_job j;                                                                      \
    name##_job(def, c, &j);                                                                \
    fnn_reduce_run(&j, workspace);                                                         \
    return FNN_OK;                                                                         \
  }                                                                                        \
  const fnn_family fnn_family_##name = {name##_infer, name##_workspace, name##_run};
FAMILY(fold)
FAMILY(arg)
FAMILY(moments)
FAMILY(lse)
