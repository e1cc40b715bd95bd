/* max_pool, its derivative, and the winners' places. Threads: over planes, or over rows of
 * channels-last images; nothing is summed across them. */
#include "ops/pool.h"

#define CHANNELS 64 /* of a unit of the backward pass */

typedef struct job {
  fnn_window w;
  fnn_planes p;
  int dtype;
  int64_t rows; /* units of a channels-last image: rows forward, blocks of channels backward */
  const void *from;
  const void *tap; /* backward */
  void *to, *tap_to;
} job;

/* attributes: kernel, stride, padding, dilation */
static fnn_status window_of(const fnn_opdef *def, const fnn_call *c, const int64_t *size,
                            fnn_window *w) {
  const fnn_attr *a = c->attr;
  return fnn_pool_window(def, a, a + 1, a + 2, a + 3, size, w);
}

static fnn_status forward_job(const fnn_opdef *def, const fnn_call *c, job *j) {
  const fnn_tensor *x = c->in[0];
  j->dtype = x->dtype;
  fnn_status st = fnn_pool_planes(def, "input", x, c->attr[0].n, x->dtype, &j->p);
  if (!st && !fnn_is_float(x->dtype))
    st = fnn_fail(FNN_ERUNTIME, "%s: not implemented for %s", def->name, fnn_tensor_str(x));
  if (!st) st = window_of(def, c, x->size + 2, &j->w);
  if (!st) st = fnn_pool_out(def, c->attr[4].v.i != 0, &j->w);
  if (!st) j->rows = j->w.out[0] * j->w.out[1];
  return st;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  job j;
  fnn_status st = forward_job(def, c, &j);
  if (st) return st;
  int spatial = (int)c->attr[0].n;
  fnn_pool_shape(c->in[0], &j.p, j.dtype, spatial, j.w.out, &out[0]);
  if (c->nout > 1)
    fnn_pool_shape(c->in[0], &j.p, j.w.wide ? FNN_I32 : FNN_U8, spatial, j.w.out, &out[1]);
  return FNN_OK;
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  job j;
  forward_job(def, c, &j);
  return fnn_pool_table_bytes(&j.w, 0);
}

static void *tap_at(const job *j, void *tap, int64_t i) {
  return tap ? (char *)tap + (j->w.wide ? 4 * i : i) : NULL;
}

/* CALL for the units [lo, hi) of each image that has some among [begin, end). */
#define EACH_IMAGE(j, CALL)                                                      \
  for (int64_t at = begin, lo, hi; at < end; at += hi - lo) {                    \
    int64_t image = at / (j)->rows;                                              \
    lo = at % (j)->rows;                                                         \
    hi = fnn_min64((j)->rows, lo + end - at);                                    \
    CALL;                                                                        \
  }

static void forward(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_window *w = &j->w;
  const int64_t in = w->in[0] * w->in[1] * w->in[2], out = w->out[0] * w->out[1] * w->out[2];
  const int64_t c = j->p.c;
  (void)thread;
#define PART(R, S)                                                                              \
  do {                                                                                          \
    const R *x = j->from;                                                                       \
    R *y = j->to;                                                                               \
    if (!j->p.last)                                                                             \
      fnn_k->pool_##S->max(w, end - begin, x + begin * in, y + begin * out,                       \
                         tap_at(j, j->tap_to, begin * out));                                    \
    else                                                                                        \
      EACH_IMAGE(j, fnn_k->pool_##S->max_last(w, c, lo, hi, x + image * in * c,                   \
                                            y + image * out * c,                                \
                                            tap_at(j, j->tap_to, image * out * c)))             \
  } while (0)
  if (j->dtype == FNN_F32) PART(float, f32);
  else PART(double, f64);
#undef PART
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j;
  forward_job(def, c, &j);
  fnn_pool_tables(&j.w, 0, ws);
  j.from = fnn_tensor_data(c->in[0]);
  j.to = fnn_tensor_data(c->out[0]);
  j.tap_to = c->nout > 1 && c->out[1] ? fnn_tensor_data(c->out[1]) : NULL;
  fnn_pool_split(&j.p, &j.w, j.rows, forward, &j);
  return FNN_OK;
}

const fnn_family fnn_family_max_pool = {infer, workspace, run};

/* ---- dy, tap -> dx: each dy goes to its winner */
static fnn_status tap_job(const fnn_opdef *def, const fnn_call *c, const fnn_tensor *tap, job *j) {
  const fnn_attr *size = &c->attr[4];
  fnn_status st = fnn_pool_planes(def, "taps", tap, c->attr[0].n,
                                  tap->dtype == FNN_U8 ? FNN_U8 : FNN_I32, &j->p);
  if (!st && size->n != c->attr[0].n)
    st = fnn_fail(FNN_EVALUE, "%s: size has %lld numbers, the kernel %lld", def->name,
                  (long long)size->n, (long long)c->attr[0].n);
  if (!st) st = window_of(def, c, size->v.ints, &j->w);
  if (!st) st = fnn_pool_given_out(def, tap, (int)size->n, &j->w);
  if (!st && tap->dtype != (j->w.wide ? FNN_I32 : FNN_U8))
    st = fnn_fail(FNN_ETYPE, "%s: taps of this kernel are %s, got %s", def->name,
                  j->w.wide ? "int32" : "uint8", fnn_tensor_str(tap));
  if (!st) j->rows = fnn_ceil_div(fnn_max64(1, j->p.c), CHANNELS);
  return st;
}

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *tap = c->in[1];
  job j;
  fnn_planes p;
  fnn_status st = tap_job(def, c, tap, &j);
  if (!st && !fnn_is_float(dy->dtype))
    st = fnn_fail(FNN_ERUNTIME, "%s: not implemented for %s", def->name, fnn_tensor_str(dy));
  if (!st) st = fnn_pool_planes(def, "gradient", dy, c->attr[0].n, dy->dtype, &p);
  if (!st && (!fnn_same_shape(dy, tap) || p.last != j.p.last))
    st = fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with taps %s, or has another layout",
                  def->name, fnn_tensor_str(dy), fnn_tensor_str(tap));
  if (!st) fnn_pool_shape(dy, &j.p, dy->dtype, (int)c->attr[0].n, j.w.in, out);
  return st;
}

static int64_t workspace_bwd(const fnn_opdef *def, const fnn_call *c) {
  job j;
  tap_job(def, c, c->in[1], &j);
  return fnn_pool_table_bytes(&j.w, 1);
}

static void backward(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_window *w = &j->w;
  const int64_t in = w->in[0] * w->in[1] * w->in[2], out = w->out[0] * w->out[1] * w->out[2];
  const int64_t c = j->p.c;
  (void)thread;
#define PART(R, S)                                                                             \
  do {                                                                                         \
    const R *dy = j->from;                                                                     \
    R *dx = j->to;                                                                             \
    if (!j->p.last)                                                                            \
      fnn_k->pool_##S->max_bwd(w, end - begin, dy + begin * out,                                 \
                             tap_at(j, (void *)j->tap, begin * out), dx + begin * in);         \
    else                                                                                       \
      EACH_IMAGE(j, fnn_k->pool_##S->max_last_bwd(w, c, lo * CHANNELS,                           \
                                                fnn_min64(c, hi * CHANNELS),                   \
                                                dy + image * out * c,                          \
                                                tap_at(j, (void *)j->tap, image * out * c),    \
                                                dx + image * in * c))                          \
  } while (0)
  if (j->dtype == FNN_F32) PART(float, f32);
  else PART(double, f64);
#undef PART
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j;
  tap_job(def, c, c->in[1], &j);
  fnn_pool_tables(&j.w, 1, ws);
  j.dtype = c->in[0]->dtype;
  j.from = fnn_tensor_data(c->in[0]);
  j.tap = fnn_tensor_data(c->in[1]);
  j.to = fnn_tensor_data(c->out[0]);
  fnn_pool_split(&j.p, &j.w, j.rows, backward, &j);
  return FNN_OK;
}

const fnn_family fnn_family_max_pool_bwd = {infer_bwd, workspace_bwd, run_bwd};

/* ---- tap -> index: the winner's place in the plane of x */
static fnn_status infer_index(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  job j;
  fnn_status st = tap_job(def, c, c->in[0], &j);
  if (!st) fnn_pool_shape(c->in[0], &j.p, FNN_I64, (int)c->attr[0].n, j.w.out, out);
  return st;
}

static int64_t workspace_index(const fnn_opdef *def, const fnn_call *c) {
  job j;
  tap_job(def, c, c->in[0], &j);
  return fnn_pool_table_bytes(&j.w, 1);
}

/* Units: rows of outputs of a plane, or of an image. */
static void index_rows(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_window *w = &j->w;
  const int64_t c = j->p.last ? j->p.c : 1, volume = fnn_pool_volume(w);
  (void)thread;
  for (int64_t row = begin; row < end; row++) {
    int64_t oh = row % w->out[1], od = row / w->out[1] % w->out[0];
    for (int64_t ow = 0; ow < w->out[2]; ow++) {
      int64_t first = ((od * w->stride[0] - w->pad[0]) * w->in[1] + oh * w->stride[1] - w->pad[1])
                      * w->in[2] + ow * w->stride[2] - w->pad[2];
      for (int64_t k = 0; k < c; k++) {
        int64_t at = (row * w->out[2] + ow) * c + k;
        int64_t t = w->wide ? ((const int32_t *)j->tap)[at] : ((const uint8_t *)j->tap)[at];
        ((int64_t *)j->to)[at] = first + w->offset[t >= 0 && t < volume ? t : 0];
      }
    }
  }
}

static fnn_status run_index(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j;
  tap_job(def, c, c->in[0], &j);
  fnn_pool_tables(&j.w, 1, ws);
  j.tap = fnn_tensor_data(c->in[0]);
  j.to = fnn_tensor_data(c->out[0]);
  int64_t rows = j.p.n * (j.p.last ? 1 : j.p.c) * j.w.out[0] * j.w.out[1];
  fnn_parallel_for(rows, 64, index_rows, &j);
  return FNN_OK;
}

const fnn_family fnn_family_max_pool_index = {infer_index, workspace_index, run_index};
