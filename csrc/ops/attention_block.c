/* Attention by blocks of scores: checks, and the products and masks of one block. */
#include "ops/attention.h"

#define SIDE 16 /* keys or queries by which a triangle is cut */

/* ---- checks */

fnn_status fnn_attention_layout(const fnn_opdef *def, const char *what, const fnn_tensor *t) {
  if (t->ndim != 4)
    return fnn_fail(FNN_ERUNTIME, "%s: %s must have 4 dimensions, got %s", def->name, what,
                    fnn_tensor_str(t));
  if (t->stride[3] != 1 && t->size[3] > 1 && fnn_tensor_numel(t) > 0)
    return fnn_fail(FNN_ERUNTIME, "%s: the last dimension of %s %s must be contiguous", def->name,
                    what, fnn_tensor_str(t));
  return FNN_OK;
}

static fnn_status check_mask(const fnn_opdef *def, const fnn_tensor *q, const fnn_tensor *k,
                             const fnn_tensor *mask) {
  const int64_t want[4] = {q->size[0], q->size[1], q->size[2], k->size[2]};
  if (mask->dtype != FNN_BOOL && mask->dtype != q->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: the mask must be bool or have the query's dtype, got %s "
                    "and query %s", def->name, fnn_tensor_str(mask), fnn_tensor_str(q));
  int ok = mask->ndim <= 4;
  for (int d = 0; ok && d < mask->ndim; d++) {
    int64_t size = want[4 - mask->ndim + d];
    ok = mask->size[d] == 1 || mask->size[d] == size;
  }
  if (ok) return FNN_OK;
  return fnn_fail(FNN_ERUNTIME, "%s: mask of shape %s does not broadcast to %s", def->name,
                  fnn_shape_str(mask->ndim, mask->size), fnn_shape_str(4, want));
}

fnn_status fnn_attention_check(const fnn_opdef *def, const fnn_call *c, int first, int at_mask) {
  const fnn_tensor *q = c->in[first], *k = c->in[first + 1], *v = c->in[first + 2];
  const fnn_tensor *mask = at_mask < c->nin ? c->in[at_mask] : NULL;
  double p = c->attr[2].v.f;
  if (!fnn_is_float(q->dtype) || q->dtype != k->dtype || q->dtype != v->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: query, key and value must have one dtype, float32 or "
                    "float64, got %s, %s and %s", def->name, fnn_tensor_str(q), fnn_tensor_str(k),
                    fnn_tensor_str(v));
  fnn_status st = fnn_attention_layout(def, "query", q);
  if (!st) st = fnn_attention_layout(def, "key", k);
  if (!st) st = fnn_attention_layout(def, "value", v);
  if (st) return st;
  if (q->size[0] != k->size[0] || q->size[0] != v->size[0] || k->size[1] != v->size[1] ||
      q->size[3] != k->size[3] || k->size[2] != v->size[2] ||
      (k->size[1] ? q->size[1] % k->size[1] : q->size[1]))
    return fnn_fail(FNN_ERUNTIME, "%s: query %s, key %s and value %s do not go together", def->name,
                    fnn_shape_str(4, q->size), fnn_shape_str(4, k->size),
                    fnn_shape_str(4, v->size));
  if (!(p >= 0 && p <= 1))
    return fnn_fail(FNN_ERUNTIME, "dropout probability has to be between 0 and 1, but got %g", p);
  return mask ? check_mask(def, q, k, mask) : FNN_OK;
}

void fnn_attention_shape(fnn_tensor *t, int dtype, int64_t b, int64_t h, int64_t n, int64_t d) {
  const int64_t size[4] = {b, h, n, d};
  const int order[4] = {3, 1, 2, 0};
  int64_t stride = 1;
  fnn_set_shape(t, dtype, 4, size);
  for (int i = 0; i < 4; i++) {
    t->stride[order[i]] = stride;
    stride *= fnn_max64(1, size[order[i]]);
  }
}

fnn_status fnn_attention_given(const fnn_opdef *def, const fnn_call *c, int i) {
  const fnn_tensor *t = i < c->nout ? c->out[i] : NULL;
  return t && t->storage && t->ndim == 4 ? fnn_attention_layout(def, "an output", t) : FNN_OK;
}

fnn_attention fnn_attention_of(const fnn_call *c, int first, int at_mask) {
  const fnn_tensor *q = c->in[first], *k = c->in[first + 1], *v = c->in[first + 2];
  fnn_attention a = {.q = q, .k = k, .v = v, .mask = at_mask < c->nin ? c->in[at_mask] : NULL};
  a.is_double = q->dtype == FNN_F64;
  a.item = a.is_double ? 8 : 4;
  a.kernels = a.is_double ? fnn_k->attention_f64 : fnn_k->attention_f32;
  a.gemm = a.is_double ? fnn_k->gemm_f64 : fnn_k->gemm_f32;
  a.batch = q->size[0]; a.heads = q->size[1]; a.tq = q->size[2]; a.e = q->size[3];
  a.groups = k->size[1]; a.tk = k->size[2]; a.ev = v->size[3];
  a.scale = c->attr[0].v.f; a.causal = (int)c->attr[1].v.i; a.p = c->attr[2].v.f;
  for (int d = 0; a.mask && d < a.mask->ndim; d++)
    if (a.mask->size[d] > 1) a.mask_stride[4 - a.mask->ndim + d] = a.mask->stride[d];
  a.is_bool = a.mask && a.mask->dtype == FNN_BOOL;
  return a;
}

/* ---- packing */

int64_t fnn_attention_pack_bytes(const fnn_attention *a, int64_t m, int64_t n) {
  return fnn_round_up(m * fnn_round_up(fnn_max64(1, n), FNN_ATTENTION_Q) * a->item, FNN_ALIGN);
}

void fnn_attention_pack(const fnn_attention *a, int64_t m, int64_t n, const void *rows, int64_t ld,
                        void *to) {
  a->gemm->pack_b(m, n, rows, ld, 1, to);
}

void fnn_attention_pack_across(const fnn_attention *a, int64_t m, int64_t n, const void *rows,
                               int64_t ld, void *to) {
  if (n % FNN_ATTENTION_Q) memset(to, 0, (size_t)fnn_attention_pack_bytes(a, m, n));
  a->gemm->pack_b(m, n, rows, 1, ld, to);
}

/* ---- products */

/* Columns [at, at + n) of a packed matrix of `depth` rows, from its row `row` on. */
static const char *panel_at(const fnn_attention *a, const void *b, int64_t depth, int64_t at,
                            int64_t row) {
  int64_t nr = a->gemm->nr;
  return (const char *)b + (at / nr * depth * nr + at % nr + row * nr) * a->item;
}

static fnn_gemm_block product(const fnn_attention *a, const void *b, int64_t depth) {
  int64_t nr = a->gemm->nr;
  return (fnn_gemm_block){.k = depth, .b = b, .ldb = nr, .bpanel = depth * nr};
}

void fnn_attention_scores(const fnn_attention *a, int triangle, int64_t nk, int64_t w,
                          int64_t depth, const void *rows, int64_t ld, const void *panel,
                          void *s) {
  fnn_gemm_block g = product(a, panel, depth);
  /* columns are skipped by whole panels, or inside the only one */
  int64_t nr = a->gemm->nr, unit = nr == FNN_ATTENTION_Q ? SIDE : fnn_max64(SIDE, nr);
  g.rsa = ld;
  g.csa = 1;
  g.ldc = FNN_ATTENTION_Q;
  for (int64_t j = 0; j < nk; j += g.m) {
    int64_t skip = triangle ? j / unit * unit : 0;
    g.m = triangle ? fnn_min64(SIDE, nk - j) : nk;
    g.n = w - skip;
    g.a = (const char *)rows + j * ld * a->item;
    g.b = panel_at(a, panel, depth, skip, 0);
    g.c = (char *)s + (j * FNN_ATTENTION_Q + skip) * a->item;
    a->gemm->tiles(&g);
  }
}

void fnn_attention_by_query(const fnn_attention *a, int triangle, int64_t nk, int64_t nq,
                            int64_t n, const void *s, const void *x, void *y, int64_t ld,
                            int load) {
  fnn_gemm_block g = product(a, x, nk);
  g.n = n;
  g.rsa = 1;
  g.csa = FNN_ATTENTION_Q;
  g.ldc = ld;
  g.load = load;
  for (int64_t i = 0; i < nq; i += g.m) {
    g.m = triangle ? fnn_min64(SIDE, nq - i) : nq;
    g.k = triangle ? fnn_min64(nk, i + g.m) : nk;
    g.a = (const char *)s + i * a->item;
    g.c = (char *)y + i * ld * a->item;
    a->gemm->tiles(&g);
  }
}

void fnn_attention_by_key(const fnn_attention *a, int triangle, int64_t nk, int64_t nq, int64_t n,
                          const void *s, const void *x, void *y, int64_t ld) {
  fnn_gemm_block g = product(a, x, nq);
  g.n = n;
  g.rsa = FNN_ATTENTION_Q;
  g.csa = 1;
  g.ldc = ld;
  g.load = 1;
  for (int64_t j = 0; j < nk; j += g.m) {
    int64_t skip = triangle ? j : 0;
    g.m = triangle ? fnn_min64(SIDE, nk - j) : nk;
    g.k = nq - skip;
    g.a = (const char *)s + (j * FNN_ATTENTION_Q + skip) * a->item;
    g.b = panel_at(a, x, nq, 0, skip);
    g.c = (char *)y + j * ld * a->item;
    if (g.k > 0) a->gemm->tiles(&g);
  }
}

/* ---- masks and dropout */

void fnn_attention_mask(const fnn_attention *a, const fnn_attention_part *r, int triangle,
                        int64_t k0, int64_t nk, void *s) {
  if (triangle) a->kernels->above(nk, r->w, -INFINITY, s);
  if (!a->mask) return;
  const int64_t *st = a->mask_stride;
  int64_t at = r->b * st[0] + r->h * st[1] + r->q0 * st[2] + k0 * st[3];
  const char *m = (const char *)fnn_tensor_data(a->mask) + at * (a->is_bool ? 1 : a->item);
  if (a->is_bool) a->kernels->bool_mask(nk, r->nq, (const uint8_t *)m, st[2], st[3], s);
  else a->kernels->add_mask(nk, r->nq, m, st[2], st[3], s);
}

void fnn_attention_dropout(const fnn_attention *a, const fnn_attention_part *r, int64_t k0,
                           int64_t nk, void *x) {
  int64_t per_key = fnn_ceil_div(a->tq, FNN_ATTENTION_Q);
  int64_t group = ((r->b * a->heads + r->h) * a->tk + k0) * per_key + r->q0 / FNN_ATTENTION_Q;
  for (int64_t j = 0; j < nk; j++, group += per_key) {
    uint64_t block = a->block + (uint64_t)group * FNN_GROUP_BLOCKS;
    char *row = (char *)x + j * FNN_ATTENTION_Q * a->item;
    if (a->is_double)
      fnn_k->random_f64->fill[FNN_K_dropout](a->seed, block, r->nq, &a->p, (double *)row,
                                             (double *)row);
    else
      fnn_k->random_f32->fill[FNN_K_dropout](a->seed, block, r->nq, &a->p, (float *)row,
                                             (float *)row);
  }
}
