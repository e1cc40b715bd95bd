/* Norm and clipping of a list of gradients, each one instruction.
 *   grad_norm: y = (sum |x|^p)^(1/p) over all elements of all tensors (p inf: the largest |x|);
 *   grad_scale: x *= min(1, max_norm / (norm + 1e-6)), for a 0-d norm;  grad_clamp: x into [min, max].
 * Tensors are contiguous. Sums run over blocks of BLOCK elements, joined in order, in double. */
#include "ops/op.h"

#define BLOCK 4096
#define GRAIN 32768

enum { NORM, SCALE, CLAMP };

typedef struct job {
  const fnn_tensor *const *t;
  int n, op, kind;
  double p, low, high;
  double *partial;
} job;

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  (void)out;
  int norm = def->kernel == NORM, n = norm ? c->nin : c->nout;
  const fnn_tensor *const *t = norm ? c->in : (const fnn_tensor *const *)c->out;
  for (int i = 0; i < n; i++)
    if (!t[i] || !t[i]->storage || !fnn_is_float(t[i]->dtype) || !fnn_tensor_is_contiguous(t[i]))
      return fnn_fail(FNN_ETYPE, "%s: tensor %d: expected a contiguous float32 or float64, got %s",
                      def->name, i, t[i] ? fnn_tensor_str(t[i]) : "nothing");
  const fnn_tensor *y = norm ? (c->nout == 1 ? c->out[0] : NULL) : def->kernel == SCALE ? c->in[0]
                                                                                       : NULL;
  if (def->kernel != CLAMP && (!y || !y->storage || y->ndim != 0 || !fnn_is_float(y->dtype)))
    return fnn_fail(FNN_EVALUE, "%s: the norm must be one float of no dimensions", def->name);
  if (norm && !(c->attr[0].v.f > 0))
    return fnn_fail(FNN_EVALUE, "%s: the order must be positive, got %g", def->name,
                    c->attr[0].v.f);
  return FNN_OK;
}

static int64_t blocks_of(const fnn_tensor *t) { return fnn_ceil_div(fnn_tensor_numel(t), BLOCK); }

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  int64_t blocks = 0;
  for (int i = 0; def->kernel == NORM && i < c->nin; i++) blocks += blocks_of(c->in[i]);
  return blocks * (int64_t)sizeof(double);
}

static void one(const job *j, const fnn_tensor *t, int64_t at, int64_t n, double *sum) {
#define PART(R, S)                                                                    \
  do {                                                                                \
    R *x = (R *)fnn_tensor_data(t) + at;                                              \
    if (j->op == NORM) *sum = fnn_k->clip_##S->fold(j->kind, n, x, j->p);               \
    else if (j->op == SCALE) fnn_k->clip_##S->scale(n, (R)j->high, x);                  \
    else fnn_k->clip_##S->clamp(n, (R)j->low, (R)j->high, x);                           \
  } while (0)
  if (t->dtype == FNN_F32) PART(float, f32);
  else PART(double, f64);
#undef PART
}

/* Blocks [begin, end) of the tensors laid end to end. */
static void part(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  int64_t first = 0;
  for (int i = 0; i < j->n && first < end; i++) {
    int64_t blocks = blocks_of(j->t[i]), numel = fnn_tensor_numel(j->t[i]);
    for (int64_t b = fnn_max64(begin, first); b < fnn_min64(end, first + blocks); b++) {
      int64_t at = (b - first) * BLOCK;
      one(j, j->t[i], at, fnn_min64(BLOCK, numel - at), j->op == NORM ? &j->partial[b] : NULL);
    }
    first += blocks;
  }
}

static int64_t over_blocks(job *j) {
  int64_t blocks = 0;
  for (int i = 0; i < j->n; i++) blocks += blocks_of(j->t[i]);
  fnn_parallel_for(blocks, GRAIN / BLOCK, part, j);
  return blocks;
}

static double joined(const job *j, int64_t blocks) {
  double total = 0;
  for (int64_t b = 0; b < blocks; b++) {
    double v = j->partial[b];
    if (j->kind != FNN_CLIP_MAX) total += v;
    else total = v != v || total != total ? v + total : v > total ? v : total;
  }
  if (j->kind == FNN_CLIP_SQUARES) return sqrt(total);
  return j->kind == FNN_CLIP_POWER ? pow(total, 1 / j->p) : total;
}

static double scalar(const fnn_tensor *t) {
  return t->dtype == FNN_F32 ? (double)*(float *)fnn_tensor_data(t) : *(double *)fnn_tensor_data(t);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.t = (const fnn_tensor *const *)c->out, .n = c->nout, .op = def->kernel, .partial = ws};
  if (j.op == NORM) {
    j.t = c->in;
    j.n = c->nin;
    j.p = c->attr[0].v.f;
    j.kind = j.p == 2 ? FNN_CLIP_SQUARES : j.p == 1 ? FNN_CLIP_ABS
             : isinf(j.p) ? FNN_CLIP_MAX : FNN_CLIP_POWER;
    double norm = joined(&j, over_blocks(&j));
    if (c->out[0]->dtype == FNN_F32) *(float *)fnn_tensor_data(c->out[0]) = (float)norm;
    else *(double *)fnn_tensor_data(c->out[0]) = norm;
    return FNN_OK;
  }
  if (j.op == SCALE) {
    double norm = scalar(c->in[0]), max_norm = c->attr[0].v.f;
    j.high = c->in[0]->dtype == FNN_F32 ? (double)((float)max_norm / ((float)norm + 1e-6f))
                                        : max_norm / (norm + 1e-6);
    if (j.high >= 1) return FNN_OK;
  } else {
    j.low = c->attr[0].v.f;
    j.high = c->attr[1].v.f;
  }
  over_blocks(&j);
  return FNN_OK;
}

const fnn_family fnn_family_clip = {infer, workspace, run};
