/* Pointwise losses with their reduction fused: mse, l1, smooth_l1, huber, bce, bce_logits, kl_div.
 * Operands are contiguous and of one shape (the caller expands what broadcasts). Sums run over
 * fixed blocks of FNN_LOSS_BLOCK elements, joined in order, in double. */
#include "ops/op.h"
#include "ops/loss.h"
#include "ops/softmax.h"

enum { X, TARGET, WEIGHT, POS_WEIGHT, NUM_IN };

typedef struct job {
  const fnn_call *call;
  const fnn_tensor *in[NUM_IN];
  const fnn_tensor *dy; /* of a derivative */
  int kernel;
  int64_t n;
  double p, scale;
  double *partial;
} job;

/* x, target and the factors that the op has; a derivative has its gradient first. */
static void operands(const fnn_call *c, int first, const fnn_tensor **in) {
  for (int i = 0; i < NUM_IN; i++) in[i] = first + i < c->nin ? c->in[first + i] : NULL;
}

/* beta, delta, or nothing */
static double parameter(const fnn_opdef *def, const fnn_call *c) {
  int has = def->kernel == FNN_K_smooth_l1 || def->kernel == FNN_K_huber;
  return has ? c->attr[1].v.f : 0;
}

static fnn_status check(const fnn_opdef *def, const fnn_call *c, int first) {
  const fnn_tensor *in[NUM_IN];
  operands(c, first, in);
  fnn_status st = fnn_check_reduction(def, c);
  if (!st) st = fnn_want_float_contiguous(def, "input", in[X]);
  static const char *const names[] = {"input", "target", "weight", "pos_weight"};
  for (int i = TARGET; i < NUM_IN && !st; i++) {
    if (!in[i]) continue;
    if (in[i]->dtype != in[X]->dtype)
      return fnn_fail(FNN_ERUNTIME, "%s: %s %s does not have the dtype of the input %s", def->name,
                      names[i], fnn_tensor_str(in[i]), fnn_tensor_str(in[X]));
    if (!fnn_same_shape(in[i], in[X]))
      return fnn_fail(FNN_EVALUE, "%s: using a %s size %s that is different to the input size %s",
                      def->name, names[i], fnn_shape_str(in[i]->ndim, in[i]->size),
                      fnn_shape_str(in[X]->ndim, in[X]->size));
    st = fnn_want_float_contiguous(def, names[i], in[i]);
  }
  return st;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_status st = check(def, c, 0);
  if (st) return st;
  const fnn_tensor *x = c->in[X];
  fnn_set_shape(out, x->dtype, c->attr[0].v.i == FNN_LOSS_NONE ? x->ndim : 0, x->size);
  return FNN_OK;
}

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_status st = check(def, c, 1);
  if (st) return st;
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  int none = c->attr[0].v.i == FNN_LOSS_NONE;
  if (dy->dtype != x->dtype || (none ? !fnn_same_shape(dy, x) : dy->ndim != 0))
    return fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with input %s", def->name,
                    fnn_tensor_str(dy), fnn_tensor_str(x));
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  return fnn_want_float_contiguous(def, "gradient", dy);
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  return fnn_ceil_div(fnn_tensor_numel(c->in[X]), FNN_LOSS_BLOCK) * (int64_t)sizeof(double);
}

/* The operands' elements from number `at` on. */
#define OPERAND(R, t) ((t) ? (R *)fnn_tensor_data(t) + at : NULL)

#define PARTS(R, S)                                                                             \
  static double forward_##S(const job *j, int64_t at, int64_t n) {                              \
    R *y = j->call->attr[0].v.i == FNN_LOSS_NONE ? OPERAND(R, j->call->out[0]) : NULL;        \
    return fnn_k->loss_##S->fn[j->kernel].fwd(n, OPERAND(R, j->in[X]), OPERAND(R, j->in[TARGET]),\
                                         OPERAND(R, j->in[WEIGHT]),                             \
                                         OPERAND(R, j->in[POS_WEIGHT]), j->p, y);               \
  }                                                                                             \
  static void backward_##S(const job *j, int64_t at, int64_t n) {                               \
    const R *dy = fnn_tensor_data(j->dy);                                                       \
    int none = j->call->attr[0].v.i == FNN_LOSS_NONE;                                         \
    R g = none ? (R)1 : (R)(*dy * (R)j->scale);                                                 \
    fnn_k->loss_##S->fn[j->kernel].bwd(n, OPERAND(R, j->in[X]), OPERAND(R, j->in[TARGET]),      \
                                  OPERAND(R, j->in[WEIGHT]), OPERAND(R, j->in[POS_WEIGHT]),     \
                                  j->p, g, none ? dy + at : NULL, OPERAND(R, j->call->out[0])); \
  }                                                                                             \
  static int outside_##S(const fnn_tensor *x) {                                                 \
    const R *v = fnn_tensor_data(x);                                                            \
    int64_t n = fnn_tensor_numel(x);                                                            \
    int bad = 0;                                                                                \
    for (int64_t i = 0; i < n; i++) bad |= !(v[i] >= 0) | !(v[i] <= 1);                            \
    return bad;                                                                                 \
  }
PARTS(float, f32)
PARTS(double, f64)
#undef PARTS

static void forward(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  for (int64_t b = begin; b < end; b++) {
    int64_t at = b * FNN_LOSS_BLOCK, n = fnn_min64(FNN_LOSS_BLOCK, j->n - at);
    j->partial[b] = j->in[X]->dtype == FNN_F32 ? forward_f32(j, at, n) : forward_f64(j, at, n);
  }
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *x = c->in[X], *y = c->out[0];
  job j = {.call = c, .kernel = def->kernel, .n = fnn_tensor_numel(x), .p = parameter(def, c),
           .partial = ws};
  operands(c, 0, j.in);
  int f32 = x->dtype == FNN_F32;
  if (def->kernel == FNN_K_bce && (f32 ? outside_f32(x) : outside_f64(x)))
    return fnn_fail(FNN_ERUNTIME, "%s: all elements of input should be between 0 and 1", def->name);
  int64_t blocks = fnn_ceil_div(j.n, FNN_LOSS_BLOCK);
  fnn_parallel_for(blocks, 4, forward, &j);
  if (c->attr[0].v.i == FNN_LOSS_NONE) return FNN_OK;
  double sum = 0;
  for (int64_t b = 0; b < blocks; b++) sum += j.partial[b];
  if (c->attr[0].v.i == FNN_LOSS_MEAN) sum /= (double)j.n;
  if (f32) *(float *)fnn_tensor_data(y) = (float)sum;
  else *(double *)fnn_tensor_data(y) = sum;
  return FNN_OK;
}

static void backward(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  if (j->in[X]->dtype == FNN_F32) backward_f32(j, begin, end - begin);
  else backward_f64(j, begin, end - begin);
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  job j = {.call = c, .dy = c->in[0], .kernel = def->kernel, .n = fnn_tensor_numel(c->in[1]),
           .p = parameter(def, c), .scale = 1};
  operands(c, 1, j.in);
  if (c->attr[0].v.i == FNN_LOSS_MEAN) j.scale = 1 / (double)j.n;
  fnn_parallel_for(j.n, 4 * FNN_LOSS_BLOCK, backward, &j);
  return FNN_OK;
}

const fnn_family fnn_family_loss = {infer, workspace, run};
const fnn_family fnn_family_loss_bwd = {infer_bwd, NULL, run_bwd};
