/* cat "x* -> y; dim:i": the inputs end to end along dim. */
#include "ops/copy.h"

#define BLOCK_BYTES (1 << 16)
#define LINE_BYTES (1 << 12)

/* torch's old rule: an empty tensor of rank 1 fits anywhere. */
static int skipped(const fnn_tensor *x) { return x->ndim == 1 && x->size[0] == 0; }

static int channels_last(const fnn_tensor *x) {
  return x->ndim == 4 && x->stride[1] == 1 && fnn_is_dense(x) && !fnn_tensor_is_contiguous(x);
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *first = NULL;
  int dim, all_last = 1;
  if (c->nin < 1)
    return fnn_fail(FNN_ERUNTIME, "%s: expected a non-empty list of tensors", def->name);
  for (int k = 0; k < c->nin; k++)
    if (!first || (skipped(first) && !skipped(c->in[k]))) first = c->in[k];
  if (first->ndim == 0)
    return fnn_fail(FNN_ERUNTIME, "%s: a tensor of rank 0 cannot be concatenated", def->name);
  fnn_status st = fnn_wrap_dim(def, c->attr[0].v.i, first->ndim, &dim);
  if (st) return st;
  *out = *first;
  out->size[dim] = 0;
  for (int k = 0; k < c->nin; k++) {
    const fnn_tensor *x = c->in[k];
    int fits = x->ndim == first->ndim;
    if (x->dtype != first->dtype)
      return fnn_fail(FNN_ETYPE, "%s: expected one dtype, got %s and %s", def->name,
                      fnn_tensor_str(first), fnn_tensor_str(x));
    if (skipped(x)) continue;
    for (int d = 0; fits && d < x->ndim; d++) fits = d == dim || x->size[d] == first->size[d];
    if (!fits)
      return fnn_fail(FNN_ERUNTIME,
                      "%s: sizes must match except in dimension %d, got %s and %s (tensor %d)",
                      def->name, dim, fnn_shape_str(first->ndim, first->size),
                      fnn_shape_str(x->ndim, x->size), k);
    if (!fnn_add_ok(out->size[dim], x->size[dim], &out->size[dim]))
      return fnn_fail(FNN_EVALUE, "%s: the result is too large", def->name);
    all_last &= channels_last(x);
  }
  fnn_set_shape(out, first->dtype, first->ndim, out->size);
  if (all_last && out->ndim == 4) {
    out->stride[1] = 1;
    out->stride[3] = out->size[1];
    out->stride[2] = out->size[1] * out->size[3];
    out->stride[0] = out->stride[2] * out->size[2];
  }
  return FNN_OK;
}

typedef struct job {
  const fnn_call *c;
  int dim;
  int64_t block; /* rows of dimension 0 that are written together */
} job;

/* Rows [begin, end) of dimension 0 from every input, so that a line of y is met once. */
static void rows(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *b = ctx;
  (void)thread;
  for (int64_t u = begin; u < end; u++) {
    fnn_tensor y = *b->c->out[0];
    int64_t item = fnn_dtype_size((fnn_dtype)y.dtype), at = b->dim ? u * b->block : 0;
    int64_t n = b->dim ? fnn_min64(b->block, y.size[0] - at) : 0;
    for (int k = 0; k < b->c->nin; k++) {
      fnn_tensor x = *b->c->in[k];
      if (skipped(&x)) continue;
      y.size[b->dim] = x.size[b->dim];
      if (b->dim) {
        x.offset += at * x.stride[0] * item;
        x.size[0] = n;
      }
      fnn_tensor to = y;
      if (b->dim) {
        to.offset += at * y.stride[0] * item;
        to.size[0] = n;
      }
      fnn_copy(&x, &to);
      y.offset += x.size[b->dim] * y.stride[b->dim] * item;
    }
  }
}

/* Contiguous operands: y is written from end to end, LINE_BYTES of it at a time. */
typedef struct lines {
  const fnn_call *c;
  int64_t count, together, inner; /* rows of y, rows in one go, bytes of one step along dim */
  int dim;
} lines;

static void each_line(void *ctx, int64_t begin, int64_t end, int thread) {
  const lines *l = ctx;
  const fnn_tensor *y = l->c->out[0];
  int64_t whole = y->size[l->dim] * l->inner;
  (void)thread;
  for (int64_t u = begin * l->together; u < fnn_min64(end * l->together, l->count);
       u += l->together) {
    int64_t n = fnn_min64(l->together, l->count - u);
    char *to = (char *)fnn_tensor_data(y) + u * whole;
    for (int k = 0; k < l->c->nin; k++) {
      const fnn_tensor *x = l->c->in[k];
      if (skipped(x)) continue;
      int64_t bytes = x->size[l->dim] * l->inner;
      fnn_k->copy->rows(n, bytes, (const char *)fnn_tensor_data(x) + u * bytes, bytes, to, whole);
      to += bytes;
    }
  }
}

static int contiguous(const fnn_call *c) {
  for (int k = 0; k < c->nin; k++)
    if (!fnn_tensor_is_contiguous(c->in[k])) return 0;
  return fnn_tensor_is_contiguous(c->out[0]);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *y = c->out[0];
  job b = {c, 0, 1};
  (void)ws;
  fnn_wrap_dim(def, c->attr[0].v.i, y->ndim, &b.dim);
  int64_t bytes = fnn_tensor_numel(y) * fnn_dtype_size((fnn_dtype)y->dtype);
  if (bytes == 0) return FNN_OK;
  if (b.dim == 0) {
    rows(&b, 0, 1, 0); /* each copy has threads of its own */
    return FNN_OK;
  }
  if (contiguous(c)) {
    lines l = {c, 1, 1, bytes, b.dim};
    for (int d = 0; d < b.dim; d++) l.count *= y->size[d];
    l.inner = bytes / l.count / y->size[b.dim];
    l.together = fnn_max64(1, LINE_BYTES / (bytes / l.count));
    fnn_parallel_for(fnn_ceil_div(l.count, l.together),
                     fnn_ceil_div(2 * BLOCK_BYTES * l.count, bytes * l.together), each_line, &l);
    return FNN_OK;
  }
  b.block = fnn_max64(1, BLOCK_BYTES / (bytes / y->size[0]));
  fnn_parallel_for(fnn_ceil_div(y->size[0], b.block), 2, rows, &b);
  return FNN_OK;
}

const fnn_family fnn_family_cat = {infer, NULL, run};
