/* gather "x, index -> y; dim:i": y[i, j] = x[index[i, j], j] (dim 0), and its way back,
 * scatter_ "src, index -> +y; dim:i, reduce:i", scatter_fill_ "index -> +y; dim:i, reduce:i,
 * value:s". Writers of one element differ along dim only; a thread owns whole lanes of dim. */
#include "ops/copy.h"
#include "ops/indexed.h"
#include "ops/iter.h"

#define GRAIN 8192

/* A tensor of rank 0 has one dimension of size 1 here. */
static fnn_tensor ranked(const fnn_tensor *t) {
  fnn_tensor r = *t;
  if (r.ndim == 0) {
    r.ndim = 1;
    r.size[0] = r.stride[0] = 1;
  }
  return r;
}

/* t seen in the index's shape, with dim standing still: where the index's offsets start from. */
static fnn_tensor lanes(const fnn_tensor *t, const fnn_tensor *index, int dim) {
  fnn_tensor r = ranked(t);
  for (int d = 0; d < r.ndim; d++) r.size[d] = index->size[d];
  if (dim >= 0) r.stride[dim] = 0;
  return r;
}

static fnn_status check(const fnn_opdef *def, const fnn_tensor *index, const fnn_tensor *t,
                        int64_t want, int *dim) {
  fnn_status st = fnn_index_dtype(def, index);
  if (!st) st = fnn_wrap_dim(def, want, t->ndim, dim);
  if (st || fnn_tensor_numel(index) == 0) return st;
  fnn_tensor i = ranked(index), r = ranked(t);
  int fits = i.ndim == r.ndim;
  for (int d = 0; fits && d < i.ndim; d++) fits = d == *dim || i.size[d] <= r.size[d];
  if (!fits)
    return fnn_fail(FNN_ERUNTIME, "%s: index %s does not fit %s apart from dimension %d",
                    def->name, fnn_tensor_str(index), fnn_tensor_str(t), *dim);
  return FNN_OK;
}

typedef struct job {
  int move; /* FNN_TAKE, FNN_PUT or a reduction */
  int dtype, index32;
  int64_t size, stride; /* of t along dim; stride in bytes */
} job;

/* Operands: dense, index, t (in this order in gather; index first in scatter). */
static void move_run(const job *b, int64_t n, char *d, int64_t ds, const char *index, int64_t is,
                     char *t, int64_t ts) {
  int64_t item = fnn_dtype_size((fnn_dtype)b->dtype);
  int64_t ids[FNN_INDEX_CHUNK], off[FNN_INDEX_CHUNK];
  int k = fnn_size_class(b->dtype);
  for (int64_t i = 0; i < n; i += FNN_INDEX_CHUNK) {
    int64_t m = is == 0 ? 1 : fnn_min64(FNN_INDEX_CHUNK, n - i);
    const int64_t *from = ids;
    if (b->index32)
      for (int64_t j = 0; j < m; j++) ids[j] = ((const int32_t *)index)[(i + j) * is];
    else if (is == 1) from = (const int64_t *)index + i;
    else
      for (int64_t j = 0; j < m; j++) ids[j] = ((const int64_t *)index)[(i + j) * is];
    fnn_k->index->offsets(m, from, b->size, b->stride, off);
    if (is == 0) break;
    char *dense = d + i * ds * item, *at = t + i * ts * item;
    if (b->move == FNN_TAKE) fnn_k->index->take[k](m, off, at, ts * item, dense, ds * item);
    else if (b->move == FNN_PUT) fnn_k->index->put[k](m, off, at, ts * item, dense, ds * item);
    else
      fnn_k->index->accumulate[b->move][b->dtype](m, 1, off, at, ts * item, dense, ds * item);
  }
  if (is != 0 || n == 0) return;
  t += off[0]; /* one index for the whole run (an expanded index) */
  if (b->move == FNN_TAKE) fnn_k->copy->strided[k](n, t, ts * item, d, ds * item);
  else if (b->move == FNN_PUT) fnn_k->copy->strided[k](n, d, ds * item, t, ts * item);
  else {
    const int64_t none = 0;
    if (ts == 1 && ds == 1)
      fnn_k->index->accumulate[b->move][b->dtype](1, n, &none, t, 0, d, 0);
    else
      for (int64_t i = 0; i < n; i++)
        fnn_k->index->accumulate[b->move][b->dtype](1, 1, &none, t + i * ts * item, 0,
                                                    d + i * ds * item, 0);
  }
}

static void gather_run(void *ctx, int64_t n, char *const *p, const int64_t *s) {
  move_run(ctx, n, p[0], s[0], p[1], s[1], p[2], s[2]);
}

static void scatter_run(void *ctx, int64_t n, char *const *p, const int64_t *s) {
  move_run(ctx, n, p[1], s[1], p[0], s[0], p[2], s[2]);
}

static job make_job(int move, const fnn_tensor *t, const fnn_tensor *index, int dim) {
  fnn_tensor r = ranked(t);
  return (job){move, t->dtype, index->dtype == FNN_I32, r.size[dim],
               r.stride[dim] * fnn_dtype_size((fnn_dtype)t->dtype)};
}

static fnn_status gather_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  int dim;
  fnn_status st = check(def, c->in[1], c->in[0], c->attr[0].v.i, &dim);
  if (!st) fnn_set_shape(out, c->in[0]->dtype, c->in[1]->ndim, c->in[1]->size);
  return st;
}

/* Programs that catch errors of gather and scatter catch RuntimeError. */
static fnn_status in_range(const fnn_opdef *def, const fnn_tensor *index, int dim, int64_t size) {
  return fnn_index_check(def, index, dim, 0, size) ? FNN_ERUNTIME : FNN_OK;
}

static fnn_status gather_go(const fnn_opdef *def, const fnn_call *c, void *ws) {
  fnn_tensor index = ranked(c->in[1]), y = ranked(c->out[0]), t;
  int dim;
  (void)ws;
  if (fnn_tensor_numel(&index) == 0) return FNN_OK;
  check(def, c->in[1], c->in[0], c->attr[0].v.i, &dim);
  job b = make_job(FNN_TAKE, c->in[0], &index, dim);
  fnn_status st = in_range(def, &index, dim, b.size);
  if (st) return st;
  t = lanes(c->in[0], &index, dim);
  const fnn_tensor *op[3] = {&y, &index, &t};
  fnn_iter it;
  fnn_iter_init(&it, 3, 1, op);
  fnn_iter_each(&it, GRAIN, gather_run, &b);
  return FNN_OK;
}

const fnn_family fnn_family_gather = {gather_infer, NULL, gather_go};

/* ---- scatter; kernel 1: the source is a scalar */
static fnn_status scatter_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *y = c->out[0], *src = c->in[0], *index = c->in[def->kernel ? 0 : 1];
  int64_t reduce = c->attr[1].v.i;
  int dim;
  if (!y || !y->storage) return fnn_fail(FNN_EVALUE, "%s: a destination is needed", def->name);
  fnn_status st = check(def, index, y, c->attr[0].v.i, &dim);
  if (st) return st;
  if (reduce < 0 || reduce >= FNN_NUM_REDUCE)
    return fnn_fail(FNN_EVALUE, "%s: no such reduction: %lld", def->name, (long long)reduce);
  if (reduce && !fnn_k->index->accumulate[reduce][y->dtype])
    return fnn_fail(FNN_ETYPE, "%s: cannot reduce %s", def->name, fnn_tensor_str(y));
  if (def->kernel == 0) {
    fnn_tensor i = ranked(index), s = ranked(src);
    int fits = i.ndim == s.ndim || fnn_tensor_numel(index) == 0;
    for (int d = 0; fits && d < i.ndim && fnn_tensor_numel(index); d++)
      fits = i.size[d] <= s.size[d];
    if (!fits)
      return fnn_fail(FNN_ERUNTIME, "%s: index %s is larger than the source %s", def->name,
                      fnn_tensor_str(index), fnn_tensor_str(src));
    if (src->dtype != y->dtype)
      return fnn_fail(FNN_ETYPE, "%s: source %s for %s", def->name, fnn_tensor_str(src),
                      fnn_tensor_str(y));
  } else if (!fnn_scalar_fits(y->dtype, &c->attr[2])) {
    return fnn_fail(FNN_ERUNTIME, "%s: value cannot be converted to type %s without overflow",
                    def->name, fnn_dtype_name((fnn_dtype)y->dtype));
  }
  *out = *y;
  out->storage = NULL;
  return FNN_OK;
}

typedef struct share {
  job *b;
  const fnn_tensor *op[3]; /* index, src, t: of one shape */
  int split;
} share;

static void part(void *ctx, int64_t begin, int64_t end, int thread) {
  const share *s = ctx;
  fnn_tensor view[3];
  const fnn_tensor *op[3] = {&view[0], &view[1], &view[2]};
  (void)thread;
  for (int k = 0; k < 3; k++) {
    view[k] = *s->op[k];
    if (s->split < 0) continue;
    view[k].size[s->split] = end - begin;
    view[k].offset += begin * view[k].stride[s->split] *
                      fnn_dtype_size((fnn_dtype)view[k].dtype);
  }
  fnn_iter it;
  fnn_iter_init(&it, 3, 0, op);
  fnn_iter_each(&it, INT64_MAX / 2, scatter_run, s->b);
}

static fnn_status scatter_go(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *y = c->out[0];
  fnn_tensor index = ranked(c->in[def->kernel ? 0 : 1]), src, t;
  int64_t bits = 0, n = fnn_tensor_numel(&index);
  int dim;
  (void)ws;
  if (n == 0) return FNN_OK;
  check(def, c->in[def->kernel ? 0 : 1], y, c->attr[0].v.i, &dim);
  job b = make_job(c->attr[1].v.i ? (int)c->attr[1].v.i : FNN_PUT, y, &index, dim);
  fnn_status st = in_range(def, &index, dim, b.size);
  if (st) return st;
  fnn_storage s = {.data = &bits, .nbytes = 8};
  if (def->kernel == 0) {
    src = lanes(c->in[0], &index, -1);
  } else {
    fnn_scalar_store(y->dtype, &c->attr[2], &bits);
    src = index;
    src.dtype = y->dtype;
    src.storage = &s;
    src.offset = 0;
    memset(src.stride, 0, sizeof src.stride);
  }
  t = lanes(y, &index, dim);
  share sh = {&b, {&index, &src, &t}, -1};
  for (int d = 0; d < index.ndim; d++)
    if (d != dim && (sh.split < 0 || index.size[d] > index.size[sh.split])) sh.split = d;
  int64_t lanes_n = sh.split < 0 ? 1 : index.size[sh.split];
  fnn_parallel_for(lanes_n, fnn_max64(1, GRAIN / (n / lanes_n)), part, &sh);
  return FNN_OK;
}

const fnn_family fnn_family_scatter = {scatter_infer, NULL, scatter_go};
