/* linear: y = x w^T + b over the last dimension of x, then relu where act is 1.
 * linear_bwd_w: dw (+)= dy^T x and db (+)= column sums of dy, over all leading dimensions. */
#include "ops/matmul.h"

#include "ops/copy.h"

static fnn_status check_float(const fnn_opdef *def, const fnn_tensor *a, const fnn_tensor *b) {
  if (!fnn_is_float(a->dtype))
    return fnn_fail(FNN_ETYPE, "%s: expected float32 or float64, got %s", def->name,
                    fnn_tensor_str(a));
  if (a->dtype != b->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: all operands must have the same dtype, got %s and %s",
                    def->name, fnn_tensor_str(a), fnn_tensor_str(b));
  return FNN_OK;
}

static fnn_tensor transposed(const fnn_tensor *w) {
  fnn_tensor t = *w;
  t.size[0] = w->size[1]; t.size[1] = w->size[0];
  t.stride[0] = w->stride[1]; t.stride[1] = w->stride[0];
  return t;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0], *w = c->in[1], *b = c->in[2];
  fnn_status st = check_float(def, x, w);
  if (st || (b && (st = check_float(def, x, b)))) return st;
  if (x->ndim == 0 || w->ndim != 2 || x->size[x->ndim - 1] != w->size[1])
    return fnn_fail(FNN_ERUNTIME, "%s: x of shape %s and weight of shape %s cannot be multiplied",
                    def->name, fnn_shape_str(x->ndim, x->size), fnn_shape_str(w->ndim, w->size));
  if (b && (b->ndim != 1 || b->size[0] != w->size[0]))
    return fnn_fail(FNN_ERUNTIME, "%s: bias of shape %s does not fit weight of shape %s",
                    def->name, fnn_shape_str(b->ndim, b->size), fnn_shape_str(w->ndim, w->size));
  if (c->attr[0].v.i != 0 && c->attr[0].v.i != 1)
    return fnn_fail(FNN_EVALUE, "%s: no such activation: %lld", def->name,
                    (long long)c->attr[0].v.i);
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  out->size[x->ndim - 1] = w->size[0];
  fnn_set_contiguous(out);
  return FNN_OK;
}

/* A bias that is not contiguous is gathered at the head of the workspace. */
static int64_t bias_bytes(const fnn_tensor *b) {
  if (!b || b->stride[0] == 1 || b->size[0] <= 1) return 0;
  return fnn_round_up(b->size[0] * fnn_dtype_size((fnn_dtype)b->dtype), FNN_ALIGN);
}

static const void *bias_of(const fnn_tensor *b, void *ws) {
  if (!b) return NULL;
  if (!bias_bytes(b)) return fnn_tensor_data(b);
  fnn_storage s = {.data = ws, .nbytes = bias_bytes(b), .writable = 1};
  fnn_tensor t = *b;
  t.storage = &s;
  t.offset = 0;
  t.stride[0] = 1;
  fnn_copy(b, &t);
  return ws;
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  fnn_tensor wt = transposed(c->in[1]);
  return bias_bytes(c->in[2]) + fnn_matmul_bytes(c->in[0], &wt, c->out[0]);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  fnn_tensor wt = transposed(c->in[1]);
  fnn_epilogue end = {.bias_n = bias_of(c->in[2], ws), .relu = c->attr[0].v.i == 1};
  fnn_matmul_into(c->in[0], &wt, c->out[0], &end, (char *)ws + bias_bytes(c->in[2]));
  return FNN_OK;
}

const fnn_family fnn_family_linear = {infer, workspace, run};

/* ---- the gradient of weight and bias */

static fnn_status infer_bwd(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  fnn_status st = check_float(def, dy, x);
  if (st) return st;
  int ok = dy->ndim == x->ndim && dy->ndim > 0;
  for (int i = 0; ok && i < dy->ndim - 1; i++) ok = dy->size[i] == x->size[i];
  if (!ok)
    return fnn_fail(FNN_ERUNTIME, "%s: dy of shape %s does not fit x of shape %s", def->name,
                    fnn_shape_str(dy->ndim, dy->size), fnn_shape_str(x->ndim, x->size));
  for (int i = 0; i < c->nout && c->attr[0].v.i; i++)
    if (c->out[i] && !c->out[i]->storage)
      return fnn_fail(FNN_EVALUE, "%s: beta needs outputs to add to", def->name);
  int64_t size[2] = {dy->size[dy->ndim - 1], x->size[x->ndim - 1]};
  fnn_set_shape(out, dy->dtype, 2, size);
  if (c->nout > 1) fnn_set_shape(out + 1, dy->dtype, 1, size);
  return FNN_OK;
}

/* The leading dimensions of dy and x, merged where both allow; the last one is K. */
typedef struct {
  int n;
  int64_t size[FNN_MAX_DIMS], dy[FNN_MAX_DIMS], x[FNN_MAX_DIMS], count;
} lead;

static lead leading(const fnn_tensor *dy, const fnn_tensor *x) {
  lead l = {.n = 0, .count = 1};
  for (int i = 0; i < dy->ndim - 1; i++) {
    int64_t size = dy->size[i], sy = dy->stride[i], sx = x->stride[i];
    if (size == 1) continue;
    int j = l.n - 1;
    if (l.n && l.dy[j] == sy * size && l.x[j] == sx * size) {
      l.size[j] *= size;
    } else {
      j = l.n++;
      l.size[j] = size;
    }
    l.dy[j] = sy;
    l.x[j] = sx;
  }
  if (l.n == 0) {
    l.n = 1;
    l.size[0] = 1;
    l.dy[0] = l.x[0] = 0;
  }
  for (int i = 0; i < l.n - 1; i++) l.count *= l.size[i];
  return l;
}

static int dw_dense(const fnn_tensor *dw) { return dw->stride[1] == 1 || dw->size[1] == 1; }

static fnn_gemm_args dw_product(const fnn_tensor *dy, const fnn_tensor *x, const fnn_tensor *dw,
                                const lead *l) {
  int i = l->n - 1, d = dy->ndim - 1;
  fnn_gemm_args g = {.dtype = dy->dtype, .m = dw->size[0], .n = dw->size[1], .k = l->size[i],
                     .a = fnn_tensor_data(dy), .rsa = dy->stride[d], .csa = l->dy[i],
                     .b = fnn_tensor_data(x), .rsb = l->x[i], .csb = x->stride[d],
                     .ldc = dw_dense(dw) ? dw->stride[0] : dw->size[1]};
  return g;
}

static int64_t dw_bytes(const fnn_tensor *dw) {
  if (dw_dense(dw)) return 0;
  return fnn_round_up(fnn_tensor_numel(dw) * fnn_dtype_size((fnn_dtype)dw->dtype), FNN_ALIGN);
}

static int64_t workspace_bwd(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  if (!c->out[0]) return 0;
  lead l = leading(c->in[0], c->in[1]);
  fnn_gemm_args g = dw_product(c->in[0], c->in[1], c->out[0], &l);
  return dw_bytes(c->out[0]) + fnn_gemm_scratch_threads(&g);
}

/* Offsets of the i-th combination of the outer leading dimensions. */
static void offsets(const lead *l, int64_t i, int64_t *dy, int64_t *x) {
  *dy = *x = 0;
  for (int d = l->n - 2; d >= 0; d--) {
    *dy += i % l->size[d] * l->dy[d];
    *x += i % l->size[d] * l->x[d];
    i /= l->size[d];
  }
}

static void bwd_weight(const fnn_call *c, const lead *l, const fnn_tensor *dw, char *ws) {
  fnn_gemm_args g = dw_product(c->in[0], c->in[1], dw, l), part = g;
  int64_t item = fnn_dtype_size((fnn_dtype)g.dtype);
  part.c = fnn_tensor_data(dw);
  if (g.m == 0 || g.n == 0) return;
  if (l->count == 0) {
    part.k = 0;
    part.end.accumulate = (int)c->attr[0].v.i;
    fnn_gemm_run(&part, ws);
  }
  for (int64_t i = 0; i < l->count; i++) {
    int64_t dy, x;
    offsets(l, i, &dy, &x);
    part.a = (const char *)g.a + dy * item;
    part.b = (const char *)g.b + x * item;
    part.end.accumulate = c->attr[0].v.i || i;
    fnn_gemm_run(&part, ws);
  }
}

typedef struct {
  const fnn_call *call;
  const lead *l;
} sums;

static void bwd_bias(void *ctx, int64_t begin, int64_t end, int thread) {
  const sums *t = ctx;
  const lead *l = t->l;
  const fnn_tensor *dy = t->call->in[0], *db = t->call->out[1];
  int64_t item = fnn_dtype_size((fnn_dtype)dy->dtype), cs = dy->stride[dy->ndim - 1];
  (void)thread;
  for (int64_t i = 0; i < l->count || i == 0; i++) {
    int64_t oy, ox, k = l->count ? l->size[l->n - 1] : 0;
    offsets(l, i, &oy, &ox);
    const void *from = (const char *)fnn_tensor_data(dy) + (oy + begin * cs) * item;
    void *to = (char *)fnn_tensor_data(db) + begin * db->stride[0] * item;
    int load = t->call->attr[0].v.i || i;
    if (dy->dtype == FNN_F32)
      fnn_k->gemm_f32->column_sums(k, end - begin, from, l->dy[l->n - 1], cs, load, to,
                                   db->stride[0]);
    else
      fnn_k->gemm_f64->column_sums(k, end - begin, from, l->dy[l->n - 1], cs, load, to,
                                   db->stride[0]);
  }
}

static fnn_status run_bwd(const fnn_opdef *def, const fnn_call *c, void *workspace) {
  (void)def;
  lead l = leading(c->in[0], c->in[1]);
  fnn_tensor *dw = c->out[0], *db = c->nout > 1 ? c->out[1] : NULL;
  if (dw && dw_bytes(dw)) {
    fnn_storage s = {.data = workspace, .nbytes = dw_bytes(dw), .writable = 1};
    fnn_tensor t = *dw;
    fnn_set_contiguous(&t);
    t.storage = &s;
    t.offset = 0;
    if (c->attr[0].v.i) fnn_copy(dw, &t);
    bwd_weight(c, &l, &t, (char *)workspace + dw_bytes(dw));
    fnn_copy(&t, dw);
  } else if (dw) {
    bwd_weight(c, &l, dw, workspace);
  }
  if (db) {
    sums t = {c, &l};
    int64_t rows = fnn_tensor_numel(c->in[0]) / fnn_max64(1, db->size[0]);
    fnn_parallel_for(db->size[0], fnn_max64(64, (1 << 17) / fnn_max64(1, rows)), bwd_bias, &t);
  }
  return FNN_OK;
}

const fnn_family fnn_family_linear_bwd_w = {infer_bwd, workspace_bwd, run_bwd};
