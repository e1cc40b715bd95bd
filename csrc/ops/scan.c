/* cumsum, cumprod, cummax, cummin, logcumsumexp, and the linear recurrence that their derivatives
 * are made of. Lines run in parallel, each one from its first element to its last. */
#include "ops/reduce_plan.h"

#define GRAIN 8192 /* elements of sequential work that are worth a thread */
#define ROWS 8     /* lines of contiguous elements that one call interleaves */

typedef struct job {
  fnn_reduction plan;
  fnn_scan_fn fn;
  fnn_lines x, y, z; /* of the first line */
  int64_t item[3];   /* element sizes */
  int columns;
} job;

static fnn_lines line_at(const job *j, fnn_lines base, int64_t offset, int which) {
  base.data = (char *)base.data + offset * j->item[which];
  return base;
}

static void lines(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *j = ctx;
  const fnn_reduction *r = &j->plan;
  int64_t side = r->nk ? r->ksize[r->nk - 1] : 1, most = j->columns ? FNN_SCAN_LINES : ROWS;
  for (int64_t o = begin, m; o < end; o += m) {
    m = fnn_min64(fnn_min64(most, end - o), side - o % side);
    fnn_lines x = line_at(j, j->x, fnn_reduction_at(r, o, -1), 0);
    fnn_lines y = line_at(j, j->y, fnn_reduction_at(r, o, 0), 1), z = j->z;
    if (z.data) z = line_at(j, z, fnn_reduction_at(r, o, 1), 2);
    j->fn(r->count, m, x, y, z);
  }
}

/* The array t as lines along dim; shift: first element and direction of a reversed scan. */
static fnn_lines along(const fnn_tensor *t, int dim, int last, int64_t line, int reverse) {
  int64_t step = t->ndim ? t->stride[dim] : 1, n = t->ndim ? t->size[dim] : 1;
  char *data = fnn_tensor_data(t);
  if (reverse && n) data += (n - 1 + last) * step * fnn_dtype_size((fnn_dtype)t->dtype);
  return (fnn_lines){data, reverse ? -step : step, line};
}

/* x scanned into y; z as in kernels/scan.h. */
static fnn_status scan(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *y,
                       const fnn_tensor *z, int64_t dim, int reverse) {
  job j = {.fn = fnn_k->scan->fn[def->kernel][x->dtype]};
  const fnn_tensor *outs[2] = {y, z};
  int d;
  fnn_wrap_dim(def, dim, x->ndim, &d);
  fnn_reduction_plan(&j.plan, x, 1u << d, 1, 1, 0, outs, 2);
  const fnn_reduction *r = &j.plan;
  int64_t k = r->nk - 1;
  j.x = along(x, d, 0, r->nk ? r->kx[k] : 1, reverse);
  j.y = along(y, d, 0, r->nk ? r->ky[0][k] : 1, reverse);
  /* coefficients of a reversed recurrence: step i uses that of element i + 1 */
  if (z) j.z = along(z, d, def->kernel == FNN_SCAN_linrec, r->nk ? r->ky[1][k] : 1, reverse);
  j.item[0] = fnn_dtype_size((fnn_dtype)x->dtype);
  j.item[1] = fnn_dtype_size((fnn_dtype)y->dtype);
  j.item[2] = z ? fnn_dtype_size((fnn_dtype)z->dtype) : 0;
  j.columns = j.x.line == 1 && j.y.line == 1;
  fnn_parallel_for(r->outputs, GRAIN / fnn_max64(r->count, 1) + 1, lines, &j);
  return FNN_OK;
}

static fnn_status check(const fnn_opdef *def, const fnn_tensor *x, int64_t dim) {
  int d;
  if (x->dtype >= FNN_REDUCE_DTYPES || !fnn_k->scan->fn[def->kernel][x->dtype])
    return fnn_fail(FNN_ENOTIMPL, "%s: not implemented for %s", def->name, fnn_tensor_str(x));
  return fnn_wrap_dim(def, dim, x->ndim, &d);
}

/* cumsum, cumprod: x; dim, reverse. logcumsumexp, cummax, cummin: x; dim. */
static fnn_status scan_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  fnn_status st = check(def, x, c->attr[0].v.i);
  if (st) return st;
  fnn_set_shape(&out[0], x->dtype, x->ndim, x->size);
  if (c->nout > 1) fnn_set_shape(&out[1], FNN_I64, x->ndim, x->size);
  return FNN_OK;
}

static fnn_status scan_run(const fnn_opdef *def, const fnn_call *c, void *workspace) {
  (void)workspace;
  int both = def->kernel == FNN_SCAN_cummax || def->kernel == FNN_SCAN_cummin;
  int reverse = def->kernel <= FNN_SCAN_cumprod && c->attr[1].v.i;
  return scan(def, c->in[0], c->out[0], both ? c->out[1] : NULL, c->attr[0].v.i, reverse);
}

/* a, b; dim, reverse */
static fnn_status linrec_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *a = c->in[0], *b = c->in[1];
  if (a->dtype != b->dtype || !fnn_same_shape(a, b))
    return fnn_fail(FNN_EVALUE, "%s: %s and %s differ in shape or dtype", def->name,
                    fnn_tensor_str(a), fnn_tensor_str(b));
  fnn_status st = check(def, b, c->attr[0].v.i);
  if (!st) fnn_set_shape(&out[0], b->dtype, b->ndim, b->size);
  return st;
}

static fnn_status linrec_run(const fnn_opdef *def, const fnn_call *c, void *workspace) {
  (void)workspace;
  return scan(def, c->in[1], c->out[0], c->in[0], c->attr[0].v.i, (int)c->attr[1].v.i);
}

const fnn_family fnn_family_scan = {scan_infer, NULL, scan_run};
const fnn_family fnn_family_linrec = {linrec_infer, NULL, linrec_run};
