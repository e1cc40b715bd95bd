/* Negative log-likelihood of class indices: loss of a row = -w[t] x[t], for x of log-probabilities
 * (C), (N, C), (N, C, d...). Rows whose target is ignore_index count nothing; mean divides by the
 * sum of the w[t], which is the output total. Sums run in row order, in double. */
#include "ops/loss.h"
#include "ops/softmax.h"

enum { REDUCTION, IGNORE_INDEX };

static const fnn_tensor *weight_of(const fnn_call *c, int first) {
  return c->nin > first + 2 ? c->in[first + 2] : NULL;
}

static fnn_status check(const fnn_opdef *def, const fnn_call *c, int first,
                        fnn_softmax_dims *dims) {
  const fnn_tensor *x = c->in[first], *w = weight_of(c, first);
  fnn_status st = fnn_check_reduction(def, c);
  if (!st) st = fnn_want_float_contiguous(def, "input", x);
  if (!st) st = fnn_check_classes(def, x, c->in[first + 1], w, dims);
  return st;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_softmax_dims dims;
  fnn_status st = check(def, c, 0, &dims);
  if (st) return st;
  int none = c->attr[REDUCTION].v.i == FNN_LOSS_NONE;
  fnn_set_shape(&out[0], c->in[0]->dtype, none ? c->in[1]->ndim : 0, c->in[1]->size);
  fnn_set_shape(&out[1], c->in[0]->dtype, 0, NULL);
  return FNN_OK;
}

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_softmax_dims dims;
  const fnn_tensor *dy = c->in[0], *x = c->in[1], *total = c->in[4];
  fnn_status st = check(def, c, 1, &dims);
  if (st) return st;
  int none = c->attr[REDUCTION].v.i == FNN_LOSS_NONE;
  if (dy->dtype != x->dtype || (none ? !fnn_same_shape(dy, c->in[2]) : dy->ndim != 0) ||
      !fnn_tensor_is_contiguous(dy) || total->dtype != x->dtype || total->ndim != 0)
    return fnn_fail(FNN_EVALUE, "%s: gradient %s or total %s do not go with input %s", def->name,
                    fnn_tensor_str(dy), fnn_tensor_str(total), fnn_tensor_str(x));
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  return FNN_OK;
}

/* Element of x that row r's label names; weight of class c. */
#define AT(d, r, c) ((r) / (d).inner * (d).n * (d).inner + (c) * (d).inner + (r) % (d).inner)
#define CLASS_WEIGHT(R, w, c) \
  ((w) ? ((const R *)fnn_tensor_data(w))[(c) * (w)->stride[0]] : (R)1)

#define PASSES(R, S)                                                                            \
  static void forward_##S(const fnn_call *c, fnn_softmax_dims d) {                              \
    const R *x = fnn_tensor_data(c->in[0]);                                                     \
    const int64_t *t = fnn_tensor_data(c->in[1]), how = c->attr[REDUCTION].v.i;                 \
    const fnn_tensor *w = weight_of(c, 0);                                                      \
    R *loss = fnn_tensor_data(c->out[0]);                                                       \
    double sum = 0, weights = 0;                                                                \
    for (int64_t r = 0; r < d.outer * d.inner; r++) {                                           \
      int used = t[r] != c->attr[IGNORE_INDEX].v.i;                                             \
      R wt = used ? CLASS_WEIGHT(R, w, t[r]) : 0;                                               \
      R l = used ? -wt * x[AT(d, r, t[r])] : 0;                                                 \
      sum += (double)l;                                                                         \
      weights += (double)wt;                                                                    \
      if (how == FNN_LOSS_NONE) loss[r] = l;                                                    \
    }                                                                                           \
    *(R *)fnn_tensor_data(c->out[1]) = (R)weights;                                              \
    if (how != FNN_LOSS_NONE) *loss = (R)(how == FNN_LOSS_MEAN ? sum / weights : sum);          \
  }                                                                                             \
  static void backward_##S(const fnn_call *c, fnn_softmax_dims d) {                             \
    const R *dy = fnn_tensor_data(c->in[0]), *total = fnn_tensor_data(c->in[4]);                \
    const int64_t *t = fnn_tensor_data(c->in[2]), how = c->attr[REDUCTION].v.i;                 \
    const fnn_tensor *w = weight_of(c, 1);                                                      \
    R *dx = fnn_tensor_data(c->out[0]), divisor = how == FNN_LOSS_MEAN ? *total : (R)1;         \
    memset(dx, 0, (size_t)fnn_tensor_numel(c->out[0]) * sizeof(R));                             \
    for (int64_t r = 0; r < d.outer * d.inner; r++)                                             \
      if (t[r] != c->attr[IGNORE_INDEX].v.i)                                                    \
        dx[AT(d, r, t[r])] =                                                                    \
            -CLASS_WEIGHT(R, w, t[r]) * (how == FNN_LOSS_NONE ? dy[r] : *dy) / divisor;         \
  }
PASSES(float, f32)
PASSES(double, f64)
#undef PASSES

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  fnn_softmax_dims d;
  fnn_softmax_shape(def, c->in[0], c->in[0]->ndim > 1, &d);
  fnn_status st = fnn_check_labels(def, c->in[1], d.n, c->attr[IGNORE_INDEX].v.i);
  if (st) return st;
  if (c->in[0]->dtype == FNN_F32) forward_f32(c, d);
  else forward_f64(c, d);
  return FNN_OK;
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  fnn_softmax_dims d;
  fnn_softmax_shape(def, c->in[1], c->in[1]->ndim > 1, &d);
  fnn_status st = fnn_check_labels(def, c->in[2], d.n, c->attr[IGNORE_INDEX].v.i);
  if (st) return st;
  if (c->in[1]->dtype == FNN_F32) backward_f32(c, d);
  else backward_f64(c, d);
  return FNN_OK;
}

const fnn_family fnn_family_nll_loss = {infer, NULL, run};
const fnn_family fnn_family_nll_loss_bwd = {infer_bwd, NULL, run_bwd};
