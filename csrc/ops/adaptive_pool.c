/* adaptive_max_pool, adaptive_avg_pool and its derivative, over contiguous planes. */
#include "ops/pool.h"

enum { MAX, AVG };

typedef struct job {
  fnn_window w;
  fnn_planes p;
  int kind, dtype, backward;
  const void *from;
  void *to;
  int64_t *index;
} job;

/* x of planes `in`, y of planes `out`: one is c->in[0], the other the attribute. */
static fnn_status job_of(const fnn_opdef *def, const fnn_call *c, int backward, job *j) {
  const fnn_tensor *t = c->in[0];
  const fnn_attr *a = &c->attr[0];
  *j = (job){.kind = def->kernel, .dtype = t->dtype, .backward = backward};
  fnn_status st = fnn_pool_planes(def, backward ? "gradient" : "input", t, a->n, t->dtype, &j->p);
  if (st) return st;
  if (!fnn_is_float(t->dtype) || !fnn_tensor_is_contiguous(t))
    return fnn_fail(FNN_ERUNTIME, "%s: not implemented for %s, or not contiguous", def->name,
                    fnn_tensor_str(t));
  j->p.last = 0;
  for (int d = 0; d < 3; d++) {
    int64_t i = d - (3 - a->n), own = i < 0 ? 1 : t->size[2 + i], other = i < 0 ? 1 : a->v.ints[i];
    if (other < (backward ? 1 : 0) || other > INT32_MAX || own > INT32_MAX)
      return fnn_fail(FNN_ERUNTIME, "%s: elements of output_size must be greater than or equal to "
                      "0, and below 2^31, but got %lld", def->name, (long long)other);
    j->w.in[d] = backward ? other : own;
    j->w.out[d] = backward ? own : other;
  }
  return FNN_OK;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  job j;
  fnn_status st = job_of(def, c, 0, &j);
  if (st) return st;
  fnn_pool_shape(c->in[0], &j.p, j.dtype, (int)c->attr[0].n, j.w.out, &out[0]);
  if (j.kind == MAX) fnn_pool_shape(c->in[0], &j.p, FNN_I64, (int)c->attr[0].n, j.w.out, &out[1]);
  return FNN_OK;
}

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  job j;
  fnn_status st = job_of(def, c, 1, &j);
  if (!st) fnn_pool_shape(c->in[0], &j.p, j.dtype, (int)c->attr[0].n, j.w.in, out);
  return st;
}

static void planes(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_window *w = &j->w;
  const int64_t in = w->in[0] * w->in[1] * w->in[2], out = w->out[0] * w->out[1] * w->out[2];
  const int64_t from = begin * (j->backward ? out : in), to = begin * (j->backward ? in : out);
  (void)thread;
#define PART(R, S)                                                                              \
  do {                                                                                          \
    const R *a = (const R *)j->from + from;                                                     \
    R *b = (R *)j->to + to;                                                                     \
    if (j->backward) fnn_k->pool_##S->adaptive_avg_bwd(w, end - begin, a, b);                     \
    else if (j->kind == AVG) fnn_k->pool_##S->adaptive_avg(w, end - begin, a, b);                 \
    else fnn_k->pool_##S->adaptive_max(w, end - begin, a, b, j->index + to);                      \
  } while (0)
  if (j->dtype == FNN_F32) PART(float, f32);
  else PART(double, f64);
#undef PART
}

static fnn_status run_either(const fnn_opdef *def, const fnn_call *c, int backward) {
  job j;
  job_of(def, c, backward, &j);
  j.from = fnn_tensor_data(c->in[0]);
  j.to = fnn_tensor_data(c->out[0]);
  j.index = !backward && j.kind == MAX ? fnn_tensor_data(c->out[1]) : NULL;
  fnn_pool_split(&j.p, &j.w, 1, planes, &j);
  return FNN_OK;
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  return run_either(def, c, 0);
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  return run_either(def, c, 1);
}

const fnn_family fnn_family_adaptive_pool = {infer, NULL, run};
const fnn_family fnn_family_adaptive_pool_bwd = {infer_bwd, NULL, run_bwd};
