/* Optimizer steps: one instruction updates every parameter of a group.
 * in: the gradients. out: the cell, then all parameters, then all first states, and so on.
 * The cell is a float64 tensor of FNN_CELL numbers: what changes between steps is memory.
 *   step (counted up by the instruction), lr, weight_decay, a, b, eps, where
 *   sgd: a momentum, b dampening;  adam: a beta1, b beta2;  rmsprop: a alpha, b momentum;
 *   adagrad: a lr_decay;  adadelta: a rho.
 * Any strides: where those of gradient, parameter and state differ, blocks are gathered. */
#include "ops/op.h"

enum { STEP, LR, WEIGHT_DECAY, A, B, EPS, FNN_CELL };
#define MAX_STATES 4 /* the parameter included */
#define NUM_SCALARS 8
#define GRAIN 32768 /* elements; below, a thread costs more than it brings */
#define BLOCK 256   /* elements gathered at a time */

typedef struct job {
  const fnn_call *call;
  fnn_optim_pair step;
  int flags;
  int n;      /* parameters */
  int states; /* tensors per parameter, itself included */
  double h[NUM_SCALARS];
} job;

static int states_of(const fnn_call *c) { return c->nin ? (c->nout - 1) / c->nin : 0; }

/* tensors per parameter: lo..hi, by the op and its attributes */
static void allowed(const fnn_opdef *def, const fnn_call *c, int *lo, int *hi) {
  switch (def->kernel) {
    case FNN_K_sgd: *lo = 1; *hi = 2; break;
    case FNN_K_adam: *lo = 3; *hi = 4; break;
    case FNN_K_rmsprop: *lo = 2 + (c->attr[1].v.i != 0); *hi = *lo + 1; break;
    case FNN_K_adagrad: *lo = *hi = 2; break;
    default: *lo = *hi = 3; break;
  }
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  (void)out;
  int lo, hi, n = c->nin, states = states_of(c);
  allowed(def, c, &lo, &hi);
  if (c->nout < 1 || c->nout != 1 + n * states || (n && (states < lo || states > hi)))
    return fnn_fail(FNN_EVALUE, "%s: %d gradients do not go with %d outputs (%s)", def->name, n,
                    c->nout, def->signature);
  for (int i = 0; i < c->nout; i++)
    if (!c->out[i] || !c->out[i]->storage)
      return fnn_fail(FNN_EVALUE, "%s: output %d is missing", def->name, i);
  const fnn_tensor *cell = c->out[0];
  if (cell->dtype != FNN_F64 || cell->ndim != 1 || cell->size[0] != FNN_CELL ||
      cell->stride[0] != 1)
    return fnn_fail(FNN_EVALUE, "%s: the cell must be a contiguous float64(%d,), got %s", def->name,
                    FNN_CELL, fnn_tensor_str(cell));
  for (int i = 0; i < n; i++) {
    const fnn_tensor *g = c->in[i];
    if (!g || !fnn_is_float(g->dtype))
      return fnn_fail(FNN_ETYPE, "%s: gradient %d: expected float32 or float64, got %s", def->name,
                      i, g ? fnn_tensor_str(g) : "nothing");
    for (int k = 0; k < states; k++) {
      const fnn_tensor *s = c->out[1 + k * n + i];
      if (s->dtype != g->dtype || !fnn_same_shape(s, g))
        return fnn_fail(FNN_EVALUE, "%s: %s %d is %s, its gradient %s", def->name,
                        k ? "state of parameter" : "parameter", i, fnn_tensor_str(s),
                        fnn_tensor_str(g));
    }
  }
  return FNN_OK;
}

/* The strides of t fill a block without gaps, in some order of dimensions. */
static int is_dense(const fnn_tensor *t) {
  int64_t want = 1, numel = fnn_tensor_numel(t);
  while (want < numel) {
    int d = 0;
    while (d < t->ndim && (t->size[d] == 1 || t->stride[d] != want)) d++;
    if (d == t->ndim) return 0;
    want *= t->size[d];
  }
  return 1;
}

static int same_strides(const fnn_tensor *a, const fnn_tensor *b) {
  for (int i = 0; i < a->ndim; i++)
    if (a->stride[i] != b->stride[i] && a->size[i] != 1) return 0;
  return 1;
}

/* Element offsets of the logical elements [begin, begin + n) of t. */
static void offsets(const fnn_tensor *t, int64_t begin, int64_t n, int64_t *off) {
  int64_t index[FNN_MAX_DIMS], at = 0;
  for (int d = t->ndim - 1; d >= 0; d--) {
    index[d] = begin % t->size[d];
    begin /= t->size[d];
    at += index[d] * t->stride[d];
  }
  for (int64_t i = 0; i < n; i++) {
    off[i] = at;
    for (int d = t->ndim - 1; d >= 0; d--) {
      at += t->stride[d];
      if (++index[d] < t->size[d]) break;
      at -= t->size[d] * t->stride[d];
      index[d] = 0;
    }
  }
}

static void gather(const fnn_tensor *t, int64_t n, const int64_t *off, void *block) {
  if (t->dtype == FNN_F32)
    for (int64_t i = 0; i < n; i++) ((float *)block)[i] = ((float *)fnn_tensor_data(t))[off[i]];
  else
    for (int64_t i = 0; i < n; i++) ((double *)block)[i] = ((double *)fnn_tensor_data(t))[off[i]];
}

static void scatter(const fnn_tensor *t, int64_t n, const int64_t *off, const void *block) {
  if (t->dtype == FNN_F32)
    for (int64_t i = 0; i < n; i++) ((float *)fnn_tensor_data(t))[off[i]] = ((float *)block)[i];
  else
    for (int64_t i = 0; i < n; i++) ((double *)fnn_tensor_data(t))[off[i]] = ((double *)block)[i];
}

static void call_kernel(const job *j, int dtype, int64_t n, const void *g, void *const *s) {
  if (dtype == FNN_F32) {
    j->step.f32(n, j->h, j->flags, g, (float *const *)s);
  } else {
    j->step.f64(n, j->h, j->flags, g, (double *const *)s);
  }
}

/* Elements [lo, hi) of parameter i, whose tensors have different strides. */
static void update_gathered(const job *j, int i, int64_t lo, int64_t hi) {
  double block[1 + MAX_STATES][BLOCK];
  int64_t off[1 + MAX_STATES][BLOCK];
  const fnn_tensor *g = j->call->in[i];
  void *s[MAX_STATES];
  for (int64_t at = lo; at < hi; at += BLOCK) {
    int64_t n = fnn_min64(BLOCK, hi - at);
    offsets(g, at, n, off[0]);
    gather(g, n, off[0], block[0]);
    for (int k = 0; k < j->states; k++) {
      const fnn_tensor *t = j->call->out[1 + k * j->n + i];
      s[k] = block[1 + k];
      offsets(t, at, n, off[1 + k]);
      gather(t, n, off[1 + k], s[k]);
    }
    call_kernel(j, g->dtype, n, block[0], s);
    for (int k = 0; k < j->states; k++)
      scatter(j->call->out[1 + k * j->n + i], n, off[1 + k], s[k]);
  }
}

static void update_one(const job *j, int i, int64_t lo, int64_t hi) {
  const fnn_tensor *g = j->call->in[i];
  int64_t skip = lo * (g->dtype == FNN_F32 ? 4 : 8);
  void *s[MAX_STATES];
  int flat = fnn_tensor_is_contiguous(g) || is_dense(g);
  for (int k = 0; k < j->states; k++) {
    const fnn_tensor *t = j->call->out[1 + k * j->n + i];
    flat = flat && same_strides(g, t);
    s[k] = (char *)fnn_tensor_data(t) + skip;
  }
  if (flat) call_kernel(j, g->dtype, hi - lo, (const char *)fnn_tensor_data(g) + skip, s);
  else update_gathered(j, i, lo, hi);
}

/* Elements [begin, end) of the gradients laid end to end. */
static void update(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  int64_t at = 0;
  for (int i = 0; i < j->n && at < end; i++) {
    int64_t size = fnn_tensor_numel(j->call->in[i]);
    int64_t lo = fnn_max64(begin - at, 0), hi = fnn_min64(end - at, size);
    if (lo < hi) update_one(j, i, lo, hi);
    at += size;
  }
}

static void prepare_sgd(const fnn_call *c, const double *cell, job *j) {
  double h[] = {-cell[LR], cell[WEIGHT_DECAY], cell[A], 1 - cell[B]};
  memcpy(j->h, h, sizeof h);
  if (j->states < 2) return;
  j->flags |= FNN_OPTIM_MOMENTUM | (c->attr[1].v.i ? FNN_OPTIM_NESTEROV : 0) |
              (cell[STEP] == 1 ? FNN_OPTIM_FIRST : 0);
}

static void prepare_adam(const fnn_call *c, const double *cell, job *j) {
  double beta1 = cell[A], beta2 = cell[B];
  double step = cell[LR] / (1 - pow(beta1, cell[STEP]));
  double shrink = c->attr[1].v.i ? 1 - cell[LR] * cell[WEIGHT_DECAY] : 1;
  double correction = sqrt(1 - pow(beta2, cell[STEP]));
  double h[] = {-step, cell[WEIGHT_DECAY], shrink,     1 - beta1,
                beta2, 1 - beta2,          correction, cell[EPS]};
  memcpy(j->h, h, sizeof h);
  if (c->attr[1].v.i) j->flags &= ~FNN_OPTIM_DECAY;
  if (j->states == 4) j->flags |= FNN_OPTIM_AMSGRAD;
}

static void prepare_rmsprop(const fnn_call *c, const double *cell, job *j) {
  double h[] = {-cell[LR], cell[WEIGHT_DECAY], cell[A], 1 - cell[A], cell[B], cell[EPS]};
  memcpy(j->h, h, sizeof h);
  int centered = c->attr[1].v.i != 0;
  if (centered) j->flags |= FNN_OPTIM_CENTERED;
  if (j->states == 3 + centered) j->flags |= FNN_OPTIM_MOMENTUM;
}

static void prepare_adagrad(const double *cell, job *j) {
  double h[] = {-cell[LR] / (1 + (cell[STEP] - 1) * cell[A]), cell[WEIGHT_DECAY], cell[EPS]};
  memcpy(j->h, h, sizeof h);
}

static void prepare_adadelta(const double *cell, job *j) {
  double h[] = {-cell[LR], cell[WEIGHT_DECAY], cell[A], 1 - cell[A], cell[EPS]};
  memcpy(j->h, h, sizeof h);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  double *cell = fnn_tensor_data(c->out[0]);
  job j = {.call = c, .step = fnn_k->optim->step[def->kernel], .n = c->nin,
           .states = states_of(c)};
  j.flags = (c->attr[0].v.i ? FNN_OPTIM_MAXIMIZE : 0) |
            (cell[WEIGHT_DECAY] != 0 ? FNN_OPTIM_DECAY : 0);
  cell[STEP] += 1;
  switch (def->kernel) {
    case FNN_K_sgd: prepare_sgd(c, cell, &j); break;
    case FNN_K_adam: prepare_adam(c, cell, &j); break;
    case FNN_K_rmsprop: prepare_rmsprop(c, cell, &j); break;
    case FNN_K_adagrad: prepare_adagrad(cell, &j); break;
    default: prepare_adadelta(cell, &j); break;
  }
  int64_t total = 0;
  for (int i = 0; i < j.n; i++) total += fnn_tensor_numel(c->in[i]);
  fnn_parallel_for(total, GRAIN, update, &j);
  return FNN_OK;
}

const fnn_family fnn_family_optim = {infer, NULL, run};
