/* Cross-entropy with class indices, fused with its log-softmax.
 *   x (C), (N, C) or (N, C, d...); target, int64, the same without C; weight (C), optional.
 *   loss of a row = (1 - s) w[t] (lse - x[t]) + s/C sum_c w[c] (lse - x[c]),  s: label_smoothing;
 *   rows whose target is ignore_index count nothing. mean divides by the sum of the w[t].
 * What the derivative needs is saved in stats: the maxima of all rows, the logarithms of their
 * sums, and last the divisor. Two reads of x in all: one forward, one backward.
 * Sums over rows run in tiles of TILE rows, in double, whatever the threads. */
#include "ops/loss.h"
#include "ops/softmax.h"

#define GRAIN 8192 /* elements */
#define TILE 64    /* rows; also the columns of a block where inner > 1 */

enum { REDUCTION, IGNORE_INDEX, SMOOTHING };

typedef struct job {
  const fnn_call *call;
  const fnn_tensor *weight;
  fnn_softmax_dims dims;
  int64_t blocks; /* tiles within one outer index, or in all where inner is 1 */
  int64_t ignore;
  double smoothing, weights; /* weights: sum of the class weights */
  double *partial;           /* two per tile: losses and weights */
} job;

/* Where tile number t begins: its first row, its rows, and its first element of x. */
typedef struct tile {
  int64_t row, rows, at;
} tile;

static tile tile_of(const job *j, int64_t t) {
  const fnn_softmax_dims *d = &j->dims;
  if (d->inner == 1) {
    int64_t row = t * TILE;
    return (tile){row, fnn_min64(TILE, d->outer - row), row * d->n};
  }
  int64_t outer = t / j->blocks, col = t % j->blocks * TILE;
  return (tile){outer * d->inner + col, fnn_min64(TILE, d->inner - col),
                outer * d->n * d->inner + col};
}

static void set_tiles(job *j, int64_t *tiles, int64_t *grain) {
  const fnn_softmax_dims *d = &j->dims;
  j->blocks = fnn_ceil_div(d->inner == 1 ? d->outer : d->inner, TILE);
  *tiles = d->inner == 1 ? j->blocks : d->outer * j->blocks;
  *grain = fnn_ceil_div(GRAIN, TILE * fnn_max64(1, d->n));
}

static const fnn_tensor *weight_of(const fnn_call *c, int first) {
  return c->nin > first + 2 ? c->in[first + 2] : NULL;
}

static fnn_status check(const fnn_opdef *def, const fnn_call *c, int first,
                        fnn_softmax_dims *dims) {
  const fnn_tensor *x = c->in[first];
  fnn_status st = fnn_check_reduction(def, c);
  if (!st) st = fnn_want_float_contiguous(def, "input", x);
  if (!st) st = fnn_check_classes(def, x, c->in[first + 1], weight_of(c, first), dims);
  if (st) return st;
  double s = c->attr[SMOOTHING].v.f;
  if (!(s >= 0 && s <= 1))
    return fnn_fail(FNN_EVALUE, "%s: label_smoothing must be between 0.0 and 1.0. Got: %g",
                    def->name, s);
  return FNN_OK;
}

static int64_t stats_size(const fnn_softmax_dims *d) { return 2 * d->outer * d->inner + 1; }

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_softmax_dims dims;
  fnn_status st = check(def, c, 0, &dims);
  if (st) return st;
  const fnn_tensor *x = c->in[0], *t = c->in[1];
  int none = c->attr[REDUCTION].v.i == FNN_LOSS_NONE;
  int64_t size = stats_size(&dims);
  fnn_set_shape(&out[0], x->dtype, none ? t->ndim : 0, t->size);
  fnn_set_shape(&out[1], x->dtype, 1, &size);
  return FNN_OK;
}

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_softmax_dims dims;
  fnn_status st = check(def, c, 1, &dims);
  if (st) return st;
  const fnn_tensor *dy = c->in[0], *x = c->in[1], *t = c->in[2], *stats = c->in[4];
  int none = c->attr[REDUCTION].v.i == FNN_LOSS_NONE;
  if (dy->dtype != x->dtype || (none ? !fnn_same_shape(dy, t) : dy->ndim != 0))
    return fnn_fail(FNN_EVALUE, "%s: gradient %s does not go with input %s", def->name,
                    fnn_tensor_str(dy), fnn_tensor_str(x));
  if (stats->dtype != x->dtype || stats->ndim != 1 || stats->size[0] != stats_size(&dims) ||
      !fnn_tensor_is_contiguous(stats) || !fnn_tensor_is_contiguous(dy))
    return fnn_fail(FNN_EVALUE, "%s: stats %s are not this input's", def->name,
                    fnn_tensor_str(stats));
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  return FNN_OK;
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  job j;
  int64_t tiles, grain;
  fnn_softmax_shape(def, c->in[0], c->in[0]->ndim > 1, &j.dims);
  set_tiles(&j, &tiles, &grain);
  return (tiles + 1) * 2 * (int64_t)sizeof(double);
}

/* w[c], with any stride; 1 where there are no weights */
#define CLASS_WEIGHT(R, w, c) \
  ((w) ? ((const R *)fnn_tensor_data(w))[(c) * (w)->stride[0]] : (R)1)

#define FORWARD(R, S)                                                                            \
  static void forward_##S(const job *j, int64_t number) {                                        \
    const fnn_softmax_##S *k = fnn_k->softmax_##S;                                               \
    const fnn_tensor *w = j->weight;                                                             \
    const int64_t n = j->dims.n, inner = j->dims.inner;                                          \
    const tile t = tile_of(j, number);                                                           \
    const R *x = (const R *)fnn_tensor_data(j->call->in[0]) + t.at;                              \
    const int64_t *label = (const int64_t *)fnn_tensor_data(j->call->in[1]) + t.row;             \
    R *top = (R *)fnn_tensor_data(j->call->out[1]) + t.row;                                      \
    R *logsum = top + j->dims.outer * inner;                                                     \
    R *loss = j->call->attr[REDUCTION].v.i == FNN_LOSS_NONE                                    \
                  ? (R *)fnn_tensor_data(j->call->out[0]) + t.row : NULL;                        \
    double total = 0, weights = 0;                                                               \
    if (inner == 1) k->lse_rows(t.rows, n, x, top, logsum);                                      \
    else k->lse_cols(n, t.rows, inner, x, top, logsum);                                          \
    for (int64_t r = 0; r < t.rows; r++) {                                                       \
      const R *row = x + (inner == 1 ? r * n : r);                                               \
      double l = 0;                                                                              \
      if (label[r] != j->ignore) {                                                               \
        R wt = CLASS_WEIGHT(R, w, label[r]);                                                     \
        l = (double)wt * (R)(logsum[r] + (top[r] - row[label[r] * inner]));                      \
        weights += (double)wt;                                                                   \
        if (j->smoothing > 0) {                                                                  \
          double all = 0; /* sum_c w[c] (top - x[c]) */                                          \
          for (int64_t c = 0; c < n; c++)                                                        \
            all += (double)CLASS_WEIGHT(R, w, c) * (double)(top[r] - row[c * inner]);            \
          all += j->weights * (double)logsum[r];                                                 \
          l = (1 - j->smoothing) * l + j->smoothing / (double)n * all;                           \
        }                                                                                        \
      }                                                                                          \
      total += l;                                                                                \
      if (loss) loss[r] = (R)l;                                                                  \
    }                                                                                            \
    j->partial[2 * number] = total;                                                              \
    j->partial[2 * number + 1] = weights;                                                        \
  }                                                                                              \
  static void finish_##S(const job *j, double total, double weights) {                           \
    R *loss = fnn_tensor_data(j->call->out[0]), *stats = fnn_tensor_data(j->call->out[1]);       \
    int64_t how = j->call->attr[REDUCTION].v.i;                                                  \
    stats[2 * j->dims.outer * j->dims.inner] = (R)weights;                                       \
    if (how == FNN_LOSS_MEAN) *loss = (R)(total / weights);                                    \
    if (how == FNN_LOSS_SUM) *loss = (R)total;                                                 \
  }
FORWARD(float, f32)
FORWARD(double, f64)
#undef FORWARD

static void forward(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  for (int64_t t = begin; t < end; t++) {
    if (j->call->in[0]->dtype == FNN_F32) forward_f32(j, t);
    else forward_f64(j, t);
  }
}

static double sum_weights(const fnn_tensor *w, int64_t classes) {
  double sum = 0;
  for (int64_t c = 0; c < classes; c++)
    sum += !w ? 1 : w->dtype == FNN_F32 ? (double)CLASS_WEIGHT(float, w, c)
                                        : CLASS_WEIGHT(double, w, c);
  return sum;
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *x = c->in[0];
  job j = {.call = c, .weight = weight_of(c, 0), .ignore = c->attr[IGNORE_INDEX].v.i,
           .smoothing = c->attr[SMOOTHING].v.f, .partial = ws};
  int64_t tiles, grain;
  fnn_softmax_shape(def, x, x->ndim > 1, &j.dims);
  fnn_status st = fnn_check_labels(def, c->in[1], j.dims.n, j.ignore);
  if (st) return st;
  if (j.smoothing > 0) j.weights = sum_weights(j.weight, j.dims.n);
  set_tiles(&j, &tiles, &grain);
  fnn_parallel_for(tiles, grain, forward, &j);
  double total = 0, weights = 0;
  for (int64_t t = 0; t < tiles; t++) {
    total += j.partial[2 * t];
    weights += j.partial[2 * t + 1];
  }
  if (x->dtype == FNN_F32) finish_f32(&j, total, weights);
  else finish_f64(&j, total, weights);
  return FNN_OK;
}

/* dx[c] = g ((1 - s) w[t] (p[c] - [c = t]) + s/C (W p[c] - w[c])), p = exp(x - lse): the exponential
 * with a scale and a shift of its row, and then the corrections that depend on the class. */
#define BACKWARD(R, S)                                                                           \
  static void backward_##S(const job *j, int64_t number) {                                       \
    const fnn_softmax_##S *k = fnn_k->softmax_##S;                                               \
    const fnn_tensor *w = j->weight;                                                             \
    const int64_t n = j->dims.n, inner = j->dims.inner, how = j->call->attr[REDUCTION].v.i;      \
    const tile t = tile_of(j, number);                                                           \
    const R *x = (const R *)fnn_tensor_data(j->call->in[1]) + t.at;                              \
    const int64_t *label = (const int64_t *)fnn_tensor_data(j->call->in[2]) + t.row;             \
    const R *stats = fnn_tensor_data(j->call->in[4]), *top = stats + t.row;                      \
    const R *logsum = top + j->dims.outer * inner, *dy = fnn_tensor_data(j->call->in[0]);        \
    R *dx = (R *)fnn_tensor_data(j->call->out[0]) + t.at;                                        \
    const R divisor = how == FNN_LOSS_MEAN ? stats[2 * j->dims.outer * inner] : (R)1;          \
    const R s = (R)(j->smoothing / (double)n), keep = (R)(1 - j->smoothing);                     \
    R g[TILE], hit[TILE], scale[TILE], shift[TILE];                                              \
    for (int64_t r = 0; r < t.rows; r++) {                                                       \
      int used = label[r] != j->ignore;                                                          \
      g[r] = used ? (how == FNN_LOSS_NONE ? dy[t.row + r] : dy[0]) / divisor : 0;              \
      hit[r] = used ? g[r] * keep * CLASS_WEIGHT(R, w, label[r]) : 0;                            \
      scale[r] = hit[r] + g[r] * s * (R)j->weights;                                              \
      shift[r] = w ? 0 : g[r] * s;                                                               \
    }                                                                                            \
    if (inner == 1) k->exp_rows(t.rows, n, x, top, logsum, scale, shift, dx);                    \
    else k->exp_cols(n, t.rows, inner, x, top, logsum, scale, shift, dx);                        \
    for (int64_t r = 0; r < t.rows; r++) {                                                       \
      R *row = dx + (inner == 1 ? r * n : r);                                                    \
      if (label[r] == j->ignore) { /* 0, also where x is not finite */                           \
        for (int64_t c = 0; c < n; c++) row[c * inner] = 0;                                      \
        continue;                                                                                \
      }                                                                                          \
      if (w && s > 0)                                                                            \
        for (int64_t c = 0; c < n; c++) row[c * inner] -= g[r] * s * CLASS_WEIGHT(R, w, c);      \
      row[label[r] * inner] -= hit[r];                                                           \
    }                                                                                            \
  }
BACKWARD(float, f32)
BACKWARD(double, f64)
#undef BACKWARD

static void backward(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  for (int64_t t = begin; t < end; t++) {
    if (j->call->in[1]->dtype == FNN_F32) backward_f32(j, t);
    else backward_f64(j, t);
  }
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  const fnn_tensor *x = c->in[1];
  job j = {.call = c, .weight = weight_of(c, 1), .ignore = c->attr[IGNORE_INDEX].v.i,
           .smoothing = c->attr[SMOOTHING].v.f};
  int64_t tiles, grain;
  fnn_softmax_shape(def, x, x->ndim > 1, &j.dims);
  fnn_status st = fnn_check_labels(def, c->in[2], j.dims.n, j.ignore);
  if (st) return st;
  if (j.smoothing > 0) j.weights = sum_weights(j.weight, j.dims.n);
  set_tiles(&j, &tiles, &grain);
  fnn_parallel_for(tiles, grain, backward, &j);
  return FNN_OK;
}

const fnn_family fnn_family_cross_entropy = {infer, workspace, run};
const fnn_family fnn_family_cross_entropy_bwd = {infer_bwd, NULL, run_bwd};
