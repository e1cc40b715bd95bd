/* Random ops: each reserves a range of its generator's counters and fills from it.
 *
 * A generator is an operand, an int64 tensor {seed, next counter} that is read and written. An op
 * whose derivative needs the same numbers again gives {seed, first counter} as an output. The k-th
 * element in row-major order takes the k-th number, whatever the strides. */
#include "ops/copy.h"
#include "ops/random.h"

#define GRAIN 4096 /* elements; some 3 us */

typedef struct fill {
  int kernel, per_group, is_double;
  uint64_t seed, block;
  int64_t n, item;
  const double *p;
  const char *x;
  char *y;
} fill;

static void fill_range(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const fill *f = ctx;
  int64_t first = begin * f->per_group, n = fnn_min64(end * f->per_group, f->n) - first;
  uint64_t block = f->block + (uint64_t)begin * FNN_GROUP_BLOCKS;
  const char *x = f->x ? f->x + first * f->item : NULL;
  char *y = f->y + first * f->item;
  if (f->is_double)
    fnn_k->random_f64->fill[f->kernel](f->seed, block, n, f->p, (const double *)x, (double *)y);
  else
    fnn_k->random_f32->fill[f->kernel](f->seed, block, n, f->p, (const float *)x, (float *)y);
}

static void fill_all(int kernel, int dtype, int64_t n, uint64_t seed, uint64_t block,
                     const double *p, const void *x, void *y) {
  int is_double = dtype == FNN_F64, per_group = fnn_group_elements(kernel, is_double);
  fill f = {kernel, per_group, is_double, seed, block, n, is_double ? 8 : 4, p, x, y};
  fnn_parallel_for(fnn_ceil_div(n, per_group), GRAIN / per_group, fill_range, &f);
}

static uint64_t groups(int64_t n, int per_group) {
  return (uint64_t)fnn_ceil_div(n, per_group) * FNN_GROUP_BLOCKS;
}

/* ---- operands */

fnn_status fnn_check_generator(const fnn_opdef *def, const fnn_tensor *g, fnn_tensor *want) {
  if (!g || !g->storage || g->dtype != FNN_I64 || g->ndim != 1 || g->size[0] != 2 ||
      g->stride[0] != 1)
    return fnn_fail(FNN_ETYPE, "%s: the generator must be a contiguous int64 tensor of 2 elements",
                    def->name);
  if (want) {
    *want = *g;
    want->storage = NULL;
  }
  return FNN_OK;
}

static fnn_status check_filled(const fnn_opdef *def, const fnn_tensor *y, fnn_tensor *want) {
  if (!y || !y->storage) return fnn_fail(FNN_EVALUE, "%s: a destination is needed", def->name);
  *want = *y;
  want->storage = NULL;
  return FNN_OK;
}

static fnn_status check_float(const fnn_opdef *def, const fnn_tensor *x) {
  if (fnn_is_float(x->dtype)) return FNN_OK;
  return fnn_fail(FNN_ENOTIMPL, "\"%s\" not implemented for '%s'", def->name,
                  fnn_dtype_name((fnn_dtype)x->dtype));
}

static int64_t bytes_of(const fnn_tensor *t) {
  return fnn_tensor_numel(t) * fnn_dtype_size((fnn_dtype)t->dtype);
}

/* A contiguous tensor of t's shape over memory; storage is the header it needs. */
static fnn_tensor over(const fnn_tensor *t, int dtype, void *memory, fnn_storage *storage) {
  fnn_tensor v;
  fnn_set_shape(&v, dtype, t->ndim, t->size);
  storage->data = memory;
  storage->nbytes = bytes_of(&v);
  v.storage = storage;
  return v;
}

static int64_t *generator_of(const fnn_tensor *g) { return fnn_tensor_data(g); }

/* ---- uniform_, normal_, exponential_: y[...] = a draw; out: generator, y */

static fnn_status check_parameters(const fnn_opdef *def, const double *p) {
  if (def->kernel == FNN_K_uniform && !(p[0] <= p[1]))
    return fnn_fail(FNN_ERUNTIME, "uniform_ expects to return a [from, to) range, but found "
                    "from=%g > to=%g", p[0], p[1]);
  if (def->kernel == FNN_K_normal && !(p[1] >= 0))
    return fnn_fail(FNN_ERUNTIME, "normal expects std >= 0.0, but found std %g", p[1]);
  if (def->kernel == FNN_K_exponential && !(p[0] > 0))
    return fnn_fail(FNN_ERUNTIME, "exponential_ expects lambda > 0.0, but found lambda=%g", p[0]);
  return FNN_OK;
}

static fnn_status random_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  int two = def->kernel != FNN_K_exponential;
  const double p[2] = {c->attr[0].v.f, two ? c->attr[1].v.f : 0};
  fnn_status st = fnn_check_generator(def, c->out[0], &out[0]);
  if (!st) st = check_filled(def, c->out[1], &out[1]);
  if (!st) st = check_parameters(def, p);
  return st ? st : check_float(def, c->out[1]);
}

static int64_t random_workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  return fnn_tensor_is_contiguous(c->out[1]) ? 0 : bytes_of(c->out[1]);
}

static fnn_status random_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  int two = def->kernel != FNN_K_exponential;
  const double p[2] = {c->attr[0].v.f, two ? c->attr[1].v.f : 0};
  const fnn_tensor *y = c->out[1];
  int64_t *gen = generator_of(c->out[0]), n = fnn_tensor_numel(y);
  int per_group = fnn_group_elements(def->kernel, y->dtype == FNN_F64);
  uint64_t block = fnn_random_reserve(gen, groups(n, per_group));
  fill_all(def->kernel, y->dtype, n, (uint64_t)gen[0], block, p, NULL,
           ws ? ws : fnn_tensor_data(y));
  if (ws) {
    fnn_storage s;
    fnn_tensor t = over(y, y->dtype, ws, &s);
    fnn_copy(&t, y);
  }
  return FNN_OK;
}

const fnn_family fnn_family_random = {random_infer, random_workspace, random_run};

/* ---- bernoulli_: y[...] = 1 with probability p (attribute, or an operand that broadcasts to y),
 * else 0, in any dtype. Drawn as floats of p's type, then converted. */

static int bernoulli_dtype(const fnn_call *c) {
  return c->in[0] ? c->in[0]->dtype : c->out[1]->dtype == FNN_F64 ? FNN_F64 : FNN_F32;
}

static fnn_status bernoulli_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *p = c->in[0], *y = c->out[1];
  fnn_status st = fnn_check_generator(def, c->out[0], &out[0]);
  if (!st) st = check_filled(def, y, &out[1]);
  if (st) return st;
  if (!p) {
    double value = c->attr[0].v.f;
    if (!(value >= 0 && value <= 1))
      return fnn_fail(FNN_ERUNTIME, "bernoulli_ expects p to be in [0, 1], but got p=%g", value);
    return FNN_OK;
  }
  const fnn_tensor *both[2] = {y, p};
  fnn_tensor shape;
  if ((st = check_float(def, p)) || (st = fnn_broadcast(def, 2, both, &shape))) return st;
  if (!fnn_same_shape(&shape, y))
    return fnn_fail(FNN_ERUNTIME, "%s: probabilities of shape %s do not broadcast to %s", def->name,
                    fnn_shape_str(p->ndim, p->size), fnn_shape_str(y->ndim, y->size));
  return FNN_OK;
}

/* The draw, and the probabilities in the same order where they are an operand. */
static int64_t bernoulli_workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  int64_t n = fnn_tensor_numel(c->out[1]) * fnn_dtype_size((fnn_dtype)bernoulli_dtype(c));
  return c->in[0] ? 2 * n : n;
}

static int all_probabilities(int dtype, int64_t n, const void *p) {
  int good = 1;
  for (int64_t i = 0; i < n; i++) {
    double v = dtype == FNN_F64 ? ((const double *)p)[i] : (double)((const float *)p)[i];
    good &= v >= 0 && v <= 1;
  }
  return good;
}

static fnn_status bernoulli_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  const fnn_tensor *y = c->out[1];
  int64_t *gen = generator_of(c->out[0]), n = fnn_tensor_numel(y);
  int dtype = bernoulli_dtype(c), kernel = c->in[0] ? FNN_K_bernoulli_each : FNN_K_bernoulli;
  void *each = c->in[0] ? (char *)ws + n * fnn_dtype_size((fnn_dtype)dtype) : NULL;
  fnn_storage s;
  fnn_tensor t;
  if (n == 0) return FNN_OK;
  if (each) {
    t = over(y, dtype, each, &s);
    fnn_copy(c->in[0], &t);
    if (!all_probabilities(dtype, n, each))
      return fnn_fail(FNN_ERUNTIME, "Expected p_in >= 0 && p_in <= 1 to be true, but got false.");
  }
  uint64_t block = fnn_random_reserve(gen, groups(n, 64));
  fill_all(kernel, dtype, n, (uint64_t)gen[0], block, &c->attr[0].v.f, each, ws);
  t = over(y, dtype, ws, &s);
  fnn_copy(&t, y);
  return FNN_OK;
}

const fnn_family fnn_family_bernoulli_ = {bernoulli_infer, bernoulli_workspace, bernoulli_run};

/* ---- dropout: y = x / (1 - p) where kept, else 0;  dx = dy likewise, from the same numbers */

static fnn_status dropout_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  double p = c->attr[0].v.f;
  int backward = c->nin == 2;
  if (!(p >= 0 && p <= 1))
    return fnn_fail(FNN_ERUNTIME, "dropout probability has to be between 0 and 1, but got %g", p);
  fnn_status st = check_float(def, x);
  if (!st) st = fnn_check_generator(def, backward ? c->in[1] : c->out[1], backward ? NULL : &out[1]);
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  fnn_set_dense_strides(x, &out[0]);
  if (backward) return FNN_OK;
  const int64_t two = 2;
  if (c->nout > 2) fnn_set_shape(&out[2], FNN_I64, 1, &two);
  return FNN_OK;
}

/* A contiguous copy of an input that is not, and of an output that is not. */
static int64_t dropout_workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  const fnn_tensor *x = c->in[0], *y = c->out[0];
  return fnn_tensor_is_contiguous(x) && (!y || fnn_tensor_is_contiguous(y)) ? 0 : bytes_of(x);
}

static fnn_status dropout_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  const fnn_tensor *x = c->in[0], *y = c->out[0];
  int64_t n = fnn_tensor_numel(x), *gen, seed, block;
  if (c->nin == 2) {
    gen = generator_of(c->in[1]);
    seed = gen[0], block = gen[1];
  } else {
    gen = generator_of(c->out[1]);
    seed = gen[0], block = (int64_t)fnn_random_reserve(gen, groups(n, 64));
    if (c->nout > 2 && c->out[2]) {
      generator_of(c->out[2])[0] = seed;
      generator_of(c->out[2])[1] = block;
    }
  }
  fnn_storage s;
  fnn_tensor t;
  const void *from = fnn_tensor_data(x);
  if (ws) t = over(x, x->dtype, ws, &s);
  if (ws && !fnn_tensor_is_contiguous(x)) {
    fnn_copy(x, &t);
    from = ws;
  }
  int direct = fnn_tensor_is_contiguous(y);
  fill_all(FNN_K_dropout, x->dtype, n, (uint64_t)seed, (uint64_t)block, &c->attr[0].v.f, from,
           direct ? fnn_tensor_data(y) : ws);
  if (!direct) fnn_copy(&t, y);
  return FNN_OK;
}

const fnn_family fnn_family_dropout = {dropout_infer, dropout_workspace, dropout_run};
