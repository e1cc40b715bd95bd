/* avg_pool and its derivative: each window's sum over its count, over the elements inside, or over
 * a given divisor. Threads: over planes, or over rows of channels-last images. */
#include "ops/pool.h"

#define CHANNELS 64 /* of a unit of the backward pass */

typedef struct job {
  fnn_window w;
  fnn_planes p;
  int dtype;
  int64_t rows; /* units of a channels-last image: rows forward, blocks of channels backward */
  const void *from;
  void *to;
} job;

/* forward: kernel, stride, padding, ceil, include_pad, divisor
 * backward: kernel, stride, padding, size, include_pad, divisor */
static fnn_status job_of(const fnn_opdef *def, const fnn_call *c, int backward, job *j) {
  const fnn_attr *a = c->attr;
  const fnn_tensor *t = c->in[0];
  j->dtype = t->dtype;
  fnn_status st = fnn_pool_planes(def, backward ? "gradient" : "input", t, a[0].n, t->dtype, &j->p);
  if (!st && !fnn_is_float(t->dtype))
    st = fnn_fail(FNN_ERUNTIME, "%s: not implemented for %s", def->name, fnn_tensor_str(t));
  if (!st && backward && a[3].n != a[0].n)
    st = fnn_fail(FNN_EVALUE, "%s: size has %lld numbers, the kernel %lld", def->name,
                  (long long)a[3].n, (long long)a[0].n);
  if (!st)
    st = fnn_pool_window(def, a, a + 1, a + 2, NULL, backward ? a[3].v.ints : t->size + 2, &j->w);
  if (!st)
    st = backward ? fnn_pool_given_out(def, t, (int)a[0].n, &j->w)
                  : fnn_pool_out(def, a[3].v.i != 0, &j->w);
  if (st) return st;
  j->w.include_pad = a[4].v.i != 0;
  j->w.divisor = a[5].v.i;
  j->rows = backward ? fnn_ceil_div(j->p.c, CHANNELS) : j->w.out[0] * j->w.out[1];
  return FNN_OK;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  job j;
  fnn_status st = job_of(def, c, 0, &j);
  if (!st) fnn_pool_shape(c->in[0], &j.p, j.dtype, (int)c->attr[0].n, j.w.out, out);
  return st;
}

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  job j;
  fnn_status st = job_of(def, c, 1, &j);
  if (!st) fnn_pool_shape(c->in[0], &j.p, j.dtype, (int)c->attr[0].n, j.w.in, out);
  return st;
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  return 2 * c->attr[0].v.ints[c->attr[0].n - 1] * (int64_t)sizeof(int64_t);
}

/* over_planes for units of contiguous planes; over_last for units [lo, hi) of channels-last images,
 * which are rows, or blocks of UNIT channels. */
#define CALLS(R, S, over_planes, over_last, UNIT, MOST, FROM, TO)                               \
  do {                                                                                          \
    const R *from = j->from;                                                                    \
    R *to = j->to;                                                                              \
    if (!j->p.last) {                                                                           \
      fnn_k->pool_##S->over_planes(w, end - begin, from + begin * (FROM), to + begin * (TO));     \
      return;                                                                                   \
    }                                                                                           \
    for (int64_t at = begin, lo, hi; at < end; at += hi - lo) {                                 \
      int64_t image = at / j->rows;                                                             \
      lo = at % j->rows;                                                                        \
      hi = fnn_min64(j->rows, lo + end - at);                                                   \
      fnn_k->pool_##S->over_last(w, c, lo * (UNIT), fnn_min64(hi * (UNIT), MOST),                 \
                               from + image * (FROM) * c, to + image * (TO) * c);               \
    }                                                                                           \
  } while (0)
#define RUNNER(name, ...)                                                                        \
  static void name(void *ctx, int64_t begin, int64_t end, int thread) {                          \
    const job *j = ctx;                                                                          \
    const fnn_window *w = &j->w;                                                                 \
    const int64_t in = w->in[0] * w->in[1] * w->in[2], out = w->out[0] * w->out[1] * w->out[2];  \
    const int64_t c = j->p.c;                                                                    \
    (void)thread;                                                                                \
    if (j->dtype == FNN_F32) CALLS(float, f32, __VA_ARGS__);                                     \
    else CALLS(double, f64, __VA_ARGS__);                                                        \
  }
RUNNER(forward, avg, avg_last, 1, j->rows, in, out)
RUNNER(backward, avg_bwd, avg_last_bwd, CHANNELS, c, out, in)
#undef RUNNER
#undef CALLS

static fnn_status run_either(const fnn_opdef *def, const fnn_call *c, void *ws, int is_backward) {
  job j;
  job_of(def, c, is_backward, &j);
  fnn_pool_tables(&j.w, 0, ws);
  j.from = fnn_tensor_data(c->in[0]);
  j.to = fnn_tensor_data(c->out[0]);
  fnn_pool_split(&j.p, &j.w, j.rows, is_backward ? backward : forward, &j);
  return FNN_OK;
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  return run_either(def, c, ws, 0);
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  return run_either(def, c, ws, 1);
}

const fnn_family fnn_family_avg_pool = {infer, workspace, run};
const fnn_family fnn_family_avg_pool_bwd = {infer_bwd, workspace, run_bwd};
