/* attention: y = softmax(scale q k^T + mask) v by blocks of FNN_ATTENTION_Q queries and
 * FNN_ATTENTION_KEYS keys with an online softmax (Milakov and Gimelshein 2018; Dao et al. 2022), so
 * that no matrix of queries by keys is ever in memory. A block of queries belongs to one thread and
 * takes its keys in order: the bits do not depend on the number of threads. Few queries (decoding)
 * go row by row through dot products instead. */
#include "ops/attention.h"
#include "ops/random.h"

#define FEW_QUERIES 4
#define WORK (1 << 18) /* multiply-adds that are worth a task */

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *q = c->in[0], *v = c->in[2];
  const int64_t two = 2;
  fnn_status st = fnn_attention_check(def, c, 0, 3);
  if (!st) st = fnn_attention_given(def, c, 0);
  if (!st && c->attr[2].v.f > 0)
    st = fnn_check_generator(def, c->nout > 2 ? c->out[2] : NULL, c->nout > 2 ? &out[2] : NULL);
  else if (!st && c->nout > 2 && c->out[2]) st = fnn_check_generator(def, c->out[2], &out[2]);
  if (st) return st;
  fnn_attention_shape(&out[0], q->dtype, q->size[0], q->size[1], q->size[2], v->size[3]);
  fnn_set_shape(&out[1], q->dtype, 3, q->size);
  if (c->nout > 3) fnn_set_shape(&out[3], FNN_I64, 1, &two);
  return FNN_OK;
}

static int by_rows(const fnn_attention *a) { return a->tq <= FEW_QUERIES && a->p == 0; }

/* Scratch of one thread: the packed queries, the scores, the packed values, three rows. */
typedef struct layout {
  int64_t scores, values, rows, bytes;
} layout;

static layout layout_of(const fnn_attention *a) {
  layout l = {0, 0, 0, 0};
  if (by_rows(a)) {
    l.bytes = fnn_round_up(fnn_max64(1, a->tq * a->tk) * a->item, FNN_ALIGN);
    return l;
  }
  l.scores = fnn_attention_pack_bytes(a, a->e, FNN_ATTENTION_Q);
  l.values = l.scores + FNN_ATTENTION_KEYS * FNN_ATTENTION_Q * a->item;
  l.rows = l.values + fnn_attention_pack_bytes(a, FNN_ATTENTION_KEYS, a->ev);
  l.bytes = l.rows + 3 * FNN_ATTENTION_Q * a->item;
  return l;
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  fnn_attention a = fnn_attention_of(c, 0, 3);
  return layout_of(&a).bytes * fnn_max_threads();
}

typedef struct job {
  fnn_attention a;
  const fnn_tensor *y;
  char *lse, *scratch;
  layout l;
  int64_t blocks; /* of queries */
} job;

/* ---- a block of queries */

static void minus_infinity(const fnn_attention *a, void *x) {
  for (int i = 0; i < FNN_ATTENTION_Q; i++) {
    if (a->is_double) ((double *)x)[i] = -INFINITY;
    else ((float *)x)[i] = -INFINITY;
  }
}

static void run_block(const job *j, const fnn_attention_part *r, char *scratch) {
  const fnn_attention *a = &j->a;
  const fnn_attention_kernels *kn = a->kernels;
  const int64_t row = FNN_ATTENTION_Q * a->item, g = r->h / (a->heads / a->groups);
  char *s = scratch + j->l.scores, *values = scratch + j->l.values, *top = scratch + j->l.rows;
  char *sum = top + row, *factor = sum + row;
  char *y = fnn_attention_row(a, j->y, r->b, r->h, r->q0);
  const int64_t ldy = j->y->stride[2], last = a->causal ? fnn_min64(a->tk, r->q0 + r->nq) : a->tk;
  fnn_attention_pack_across(a, a->e, r->nq, fnn_attention_row(a, a->q, r->b, r->h, r->q0),
                            a->q->stride[2], scratch);
  kn->scale(fnn_attention_pack_bytes(a, a->e, r->nq) / a->item, a->scale, scratch);
  minus_infinity(a, top);
  memset(sum, 0, (size_t)row);
  for (int64_t i = 0; i < r->nq && last == 0; i++)
    memset(y + i * ldy * a->item, 0, (size_t)(a->ev * a->item));
  for (int64_t k0 = 0, nk; k0 < last; k0 += nk) {
    int triangle = a->causal && k0 == r->q0;
    nk = fnn_min64(FNN_ATTENTION_KEYS, last - k0);
    if (a->causal && k0 < r->q0) nk = fnn_min64(nk, r->q0 - k0);
    fnn_attention_scores(a, triangle, nk, r->w, a->e, fnn_attention_row(a, a->k, r->b, g, k0),
                         a->k->stride[2], scratch, s);
    fnn_attention_mask(a, r, triangle, k0, nk, s);
    kn->step(nk, r->w, s, top, sum, factor);
    if (k0) kn->rescale(r->nq, a->ev, factor, y, ldy);
    if (a->p > 0) fnn_attention_dropout(a, r, k0, nk, s);
    fnn_attention_pack(a, nk, a->ev, fnn_attention_row(a, a->v, r->b, g, k0), a->v->stride[2],
                       values);
    fnn_attention_by_query(a, triangle, nk, r->nq, a->ev, s, values, y, ldy, k0 > 0);
  }
  int64_t at = ((r->b * a->heads + r->h) * a->tq + r->q0) * a->item;
  kn->finish(r->nq, a->ev, top, sum, y, ldy, j->lse + at);
}

static void run_blocks(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  for (int64_t i = begin; i < end; i++) {
    int64_t bh = i / j->blocks;
    fnn_attention_part r = {bh / j->a.heads, bh % j->a.heads, 0, 0, 0};
    r.q0 = i % j->blocks * FNN_ATTENTION_Q;
    r.nq = fnn_min64(FNN_ATTENTION_Q, j->a.tq - r.q0);
    r.w = fnn_round_up(r.nq, FNN_ATTENTION_W);
    run_block(j, &r, j->scratch + thread * j->l.bytes);
  }
}

/* ---- few queries */

static void run_head(const job *j, int64_t b, int64_t h, char *s) {
  const fnn_attention *a = &j->a;
  const int64_t g = h / (a->heads / a->groups), ldy = j->y->stride[2], *st = a->mask_stride;
  char *y = fnn_attention_row(a, j->y, b, h, 0);
  fnn_gemm_block p = {.m = a->tq, .n = a->tk, .k = a->e, .a = fnn_attention_row(a, a->q, b, h, 0),
                      .rsa = a->q->stride[2], .csa = 1, .b = fnn_attention_row(a, a->k, b, g, 0),
                      .ldb = a->k->stride[2], .c = s, .ldc = a->tk};
  if (a->tk) a->gemm->dot(&p);
  for (int64_t i = 0; i < a->tq; i++) {
    int64_t n = a->causal ? fnn_min64(a->tk, i + 1) : a->tk;
    int64_t at = b * st[0] + h * st[1] + i * st[2];
    const char *mask = a->mask ? (const char *)fnn_tensor_data(a->mask) +
                                     at * (a->is_bool ? 1 : a->item) : NULL;
    char sum[8], *yi = y + i * ldy * a->item, *si = s + i * a->tk * a->item;
    a->kernels->row(n, a->scale, mask, a->is_bool, st[3], si, sum,
                    j->lse + ((b * a->heads + h) * a->tq + i) * a->item);
    fnn_gemm_block pv = {.m = 1, .n = a->ev, .k = n, .a = si, .rsa = a->tk, .csa = 1,
                         .b = fnn_attention_row(a, a->v, b, g, 0), .ldb = a->v->stride[2],
                         .c = yi, .ldc = a->ev};
    a->gemm->axpy(&pv);
    a->kernels->divide(a->ev, sum, yi);
  }
}

static void run_heads(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  for (int64_t i = begin; i < end; i++)
    run_head(j, i / j->a.heads, i % j->a.heads, j->scratch + thread * j->l.bytes);
}

static void draw(const fnn_call *c, fnn_attention *a) {
  int64_t *gen = fnn_tensor_data(c->out[2]);
  a->seed = (uint64_t)gen[0];
  a->block = fnn_random_reserve(gen, fnn_attention_random_blocks(a));
  if (c->nout < 4 || !c->out[3]) return;
  int64_t *used = fnn_tensor_data(c->out[3]);
  used[0] = (int64_t)a->seed;
  used[1] = (int64_t)a->block;
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  job j = {.a = fnn_attention_of(c, 0, 3), .y = c->out[0], .scratch = ws};
  j.lse = fnn_tensor_data(c->out[1]);
  j.l = layout_of(&j.a);
  j.blocks = fnn_ceil_div(j.a.tq, FNN_ATTENTION_Q);
  if (j.a.p > 0) draw(c, &j.a);
  int rows = by_rows(&j.a);
  int64_t heads = j.a.batch * j.a.heads;
  int64_t queries = rows ? j.a.tq : fnn_min64(FNN_ATTENTION_Q, j.a.tq);
  int64_t work = fnn_max64(1, queries * j.a.tk * (j.a.e + j.a.ev));
  fnn_parallel_for(rows ? heads : heads * j.blocks, fnn_ceil_div(WORK, work),
                   rows ? run_heads : run_blocks, &j);
  return FNN_OK;
}

const fnn_family fnn_family_attention = {infer, workspace, run};
