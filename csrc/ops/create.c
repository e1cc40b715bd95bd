/* Tensors whose elements depend on their position alone: full, arange, linspace, eye; and tri,
 * one_hot, which need little more. */
#include "ops/copy.h"

#define BLOCK 512
#define GRAIN 16384

static fnn_status shape(const fnn_opdef *def, int64_t dtype, int64_t ndim, const int64_t *size,
                        fnn_tensor *out) {
  int64_t n, bytes;
  if (dtype < 0 || dtype >= FNN_NUM_DTYPES)
    return fnn_fail(FNN_ETYPE, "%s: no such dtype: %lld", def->name, (long long)dtype);
  if (ndim > FNN_MAX_DIMS)
    return fnn_fail(FNN_EVALUE, "%s: %lld dimensions; a tensor has at most %d", def->name,
                    (long long)ndim, FNN_MAX_DIMS);
  for (int d = 0; d < ndim; d++)
    if (size[d] < 0)
      return fnn_fail(FNN_ERUNTIME, "%s: negative dimension in %s", def->name,
                      fnn_shape_str((int)ndim, size));
  if (!fnn_numel_ok((int)ndim, size, &n) ||
      !fnn_mul_ok(n, fnn_dtype_size((fnn_dtype)dtype), &bytes))
    return fnn_fail(FNN_EVALUE, "%s: shape %s is too large", def->name,
                    fnn_shape_str((int)ndim, size));
  fnn_set_shape(out, (int)dtype, (int)ndim, size);
  return FNN_OK;
}

/* ---- full "-> y; size:I, dtype:i, value:s" */
static fnn_status full_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  fnn_status st = shape(def, c->attr[1].v.i, c->attr[0].n, c->attr[0].v.ints, out);
  if (!st && !fnn_scalar_fits(out->dtype, &c->attr[2]))
    st = fnn_fail(FNN_ERUNTIME, "%s: value cannot be converted to type %s without overflow",
                  def->name, fnn_dtype_name((fnn_dtype)out->dtype));
  return st;
}

static fnn_status full_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  (void)ws;
  fnn_fill(c->out[0], &c->attr[2]);
  return FNN_OK;
}

const fnn_family fnn_family_full = {full_infer, NULL, full_run};

/* ---- arange "-> y; start:s, step:s, n:i, dtype:i": start + i * step, in int64 if both are
 * integers, else in double; linspace "-> y; start:f, end:f, n:i, base:f, dtype:i": n numbers
 * from start to end, or base to their power where base is not 0 */
static fnn_status line_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  return shape(def, c->attr[def->kernel ? 4 : 3].v.i, 1, &c->attr[2].v.i, out);
}

typedef struct line {
  const fnn_tensor *y;
  int power, integers;
  int64_t n, first, by;
  double start, step, end, base;
} line;

static void line_part(void *ctx, int64_t begin, int64_t end, int thread) {
  const line *l = ctx;
  int64_t ints[BLOCK], item = fnn_dtype_size((fnn_dtype)l->y->dtype);
  double reals[BLOCK];
  (void)thread;
  for (int64_t i = begin; i < end; i += BLOCK) {
    int64_t m = fnn_min64(BLOCK, end - i);
    for (int64_t j = 0; j < m; j++) {
      int64_t k = i + j;
      if (l->integers) ints[j] = (int64_t)((uint64_t)l->first + (uint64_t)k * (uint64_t)l->by);
      else if (k < l->n / 2 || isnan(l->end)) reals[j] = l->start + (double)k * l->step;
      else reals[j] = l->end - (double)(l->n - 1 - k) * l->step; /* exact at both ends */
    }
    for (int64_t j = 0; l->power && j < m; j++) reals[j] = pow(l->base, reals[j]);
    fnn_cast_run(m, l->integers ? FNN_I64 : FNN_F64, l->integers ? (void *)ints : (void *)reals,
                 l->y->dtype, (char *)fnn_tensor_data(l->y) + i * item);
  }
}

static double number(const fnn_attr *a) { return a->n == 1 ? a->v.f : (double)a->v.i; }

static int64_t line_workspace(const fnn_opdef *def, const fnn_call *c) {
  const fnn_tensor *y = c->out[0];
  (void)def;
  return fnn_tensor_is_contiguous(y)
             ? 0
             : fnn_tensor_numel(y) * fnn_dtype_size((fnn_dtype)y->dtype);
}

static fnn_status line_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_attr *a = c->attr;
  fnn_tensor y = *c->out[0];
  fnn_storage s = {.data = ws};
  line l = {.y = &y, .n = a[2].v.i, .end = NAN};
  if (ws) { /* an output that is not contiguous */
    y.storage = &s;
    y.offset = 0;
    y.stride[0] = 1;
  }
  if (def->kernel == 0) {
    l.integers = a[0].n != 1 && a[1].n != 1;
    l.first = l.integers ? a[0].v.i : 0;
    l.by = l.integers ? a[1].v.i : 0;
    l.start = number(&a[0]);
    l.step = number(&a[1]);
  } else {
    l.start = a[0].v.f;
    l.end = l.n > 1 ? a[1].v.f : a[0].v.f;
    l.step = l.n > 1 ? (a[1].v.f - a[0].v.f) / (double)(l.n - 1) : 0;
    l.base = a[3].v.f;
    l.power = l.base != 0;
  }
  fnn_parallel_for(l.n, GRAIN, line_part, &l);
  if (ws) fnn_copy(&y, c->out[0]);
  return FNN_OK;
}

const fnn_family fnn_family_line = {line_infer, line_workspace, line_run};

/* ---- eye "-> y; n:i, m:i, dtype:i" */
static fnn_status eye_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  int64_t size[2] = {c->attr[0].v.i, c->attr[1].v.i};
  return shape(def, c->attr[2].v.i, 2, size, out);
}

/* The main diagonal of a matrix as a vector. */
static fnn_tensor diagonal(const fnn_tensor *y) {
  fnn_tensor d = *y;
  d.ndim = 1;
  d.size[0] = fnn_min64(y->size[0], y->size[1]);
  d.stride[0] = y->stride[0] + y->stride[1];
  return d;
}

static fnn_status eye_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_attr zero = {.n = 0}, one = {.v.i = 1, .n = 0};
  (void)def;
  (void)ws;
  if (fnn_tensor_numel(c->out[0]) == 0) return FNN_OK;
  fnn_fill(c->out[0], &zero);
  fnn_tensor d = diagonal(c->out[0]);
  fnn_fill(&d, &one);
  return FNN_OK;
}

const fnn_family fnn_family_eye = {eye_infer, NULL, eye_run};

/* ---- tri "x -> y; diagonal:i, upper:b": tril, triu of the last two dimensions */
static fnn_status tri_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  if (x->ndim < 2)
    return fnn_fail(FNN_ERUNTIME, "%s: expected at least 2 dimensions, got %s", def->name,
                    fnn_tensor_str(x));
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  return FNN_OK;
}

typedef struct tri {
  const fnn_tensor *x, *y;
  int64_t diagonal;
  int upper;
} tri;

/* Row `row` of all matrices: columns [0, edge) and [edge, n) are kept or cleared. */
static void tri_part(void *ctx, int64_t begin, int64_t end, int thread) {
  const tri *t = ctx;
  const fnn_attr zero = {.n = 0};
  int last = t->x->ndim - 1, rows = last - 1;
  int64_t n = t->x->size[last], item = fnn_dtype_size((fnn_dtype)t->x->dtype);
  (void)thread;
  for (int64_t row = begin; row < end; row++) {
    int64_t edge = row + t->diagonal + (t->upper ? 0 : 1);
    edge = edge < 0 ? 0 : edge > n ? n : edge;
    for (int right = 0; right < 2; right++) {
      fnn_tensor x = *t->x, y = *t->y;
      int64_t first = right ? edge : 0;
      x.size[rows] = y.size[rows] = 1;
      x.size[last] = y.size[last] = right ? n - edge : edge;
      x.offset += (row * x.stride[rows] + first * x.stride[last]) * item;
      y.offset += (row * y.stride[rows] + first * y.stride[last]) * item;
      if (right == t->upper) fnn_copy(&x, &y);
      else fnn_fill(&y, &zero);
    }
  }
}

static fnn_status tri_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  tri t = {c->in[0], c->out[0], c->attr[0].v.i, c->attr[1].v.i != 0};
  int64_t rows = t.x->size[t.x->ndim - 2], n = fnn_tensor_numel(t.x);
  t.diagonal = fnn_max64(-rows - 1, fnn_min64(t.x->size[t.x->ndim - 1], t.diagonal));
  (void)def;
  (void)ws;
  if (n) fnn_parallel_for(rows, fnn_max64(1, GRAIN / (n / rows)), tri_part, &t);
  return FNN_OK;
}

const fnn_family fnn_family_tri = {tri_infer, NULL, tri_run};
