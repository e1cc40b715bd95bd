/* attention_bwd: with p = exp(scale q k^T + mask - lse) block by block again and
 * delta = sum dy y:  dv = p^T dy,  ds = scale p (dy v^T - delta),  dq = ds k,  dk = ds^T q.
 * A head of k and v belongs to one thread, which goes through the queries in order, so dk and dv
 * are sums in a fixed order. Where heads are few, their keys are cut into chunks by shape alone;
 * the chunks' shares of dq are then joined in order. */
#include "ops/attention.h"
#include "ops/random.h"

#define HEADS_ENOUGH 16 /* for any number of threads that is usual */
#define CHUNK 256       /* keys, at least */

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *q = c->in[1], *k = c->in[2], *v = c->in[3], *y = c->in[4];
  const fnn_tensor *lse = c->in[5], *aux = c->nin > 7 ? c->in[7] : NULL;
  fnn_status st = fnn_attention_check(def, c, 1, 6);
  for (int i = 0; i < c->nout && !st; i++) st = fnn_attention_given(def, c, i);
  if (st) return st;
  fnn_tensor want;
  fnn_attention_shape(&want, q->dtype, q->size[0], q->size[1], q->size[2], v->size[3]);
  const fnn_tensor *both[2] = {dy, y};
  for (int i = 0; i < 2; i++) {
    if (both[i]->dtype != q->dtype || !fnn_same_shape(both[i], &want))
      return fnn_fail(FNN_EVALUE, "%s: %s is no output of query %s and value %s", def->name,
                      fnn_tensor_str(both[i]), fnn_tensor_str(q), fnn_tensor_str(v));
    if ((st = fnn_attention_layout(def, i ? "output" : "gradient", both[i]))) return st;
  }
  if (lse->dtype != q->dtype || lse->ndim != 3 || !fnn_tensor_is_contiguous(lse) ||
      fnn_tensor_numel(lse) != q->size[0] * q->size[1] * q->size[2])
    return fnn_fail(FNN_EVALUE, "%s: lse %s does not go with query %s", def->name,
                    fnn_tensor_str(lse), fnn_tensor_str(q));
  if (c->attr[2].v.f > 0 && (st = fnn_check_generator(def, aux, NULL))) return st;
  const fnn_tensor *like[3] = {q, k, v};
  for (int i = 0; i < c->nout; i++)
    fnn_attention_shape(&out[i], q->dtype, like[i]->size[0], like[i]->size[1], like[i]->size[2],
                        like[i]->size[3]);
  return FNN_OK;
}

/* Scratch of one thread. */
typedef struct layout {
  int64_t dy_across, q, dy, s, ds, keys, rows, bytes;
} layout;

static int64_t take(int64_t *at, int64_t bytes) {
  int64_t here = *at;
  *at += fnn_round_up(bytes, FNN_ALIGN);
  return here;
}

static layout layout_of(const fnn_attention *a) {
  const int64_t block = FNN_ATTENTION_KEYS * FNN_ATTENTION_Q * a->item;
  layout l;
  int64_t at = 0;
  take(&at, fnn_attention_pack_bytes(a, a->e, FNN_ATTENTION_Q));
  l.dy_across = take(&at, fnn_attention_pack_bytes(a, a->ev, FNN_ATTENTION_Q));
  l.q = take(&at, fnn_attention_pack_bytes(a, FNN_ATTENTION_Q, a->e));
  l.dy = take(&at, fnn_attention_pack_bytes(a, FNN_ATTENTION_Q, a->ev));
  l.s = take(&at, block);
  l.ds = take(&at, block);
  l.keys = take(&at, fnn_attention_pack_bytes(a, FNN_ATTENTION_KEYS, a->e));
  l.rows = take(&at, 2 * FNN_ATTENTION_Q * a->item);
  l.bytes = at;
  return l;
}

typedef struct job {
  fnn_attention a;
  const fnn_tensor *dy, *y, *dq, *dk, *dv;
  const char *lse;
  char *scratch, *shares; /* shares: chunks x (B, H, T, E), where there is more than one chunk */
  layout l;
  int64_t chunks, chunk;
} job;

static void set_chunks(job *j) {
  const fnn_attention *a = &j->a;
  int64_t heads = fnn_max64(1, a->batch * a->groups);
  int64_t most = fnn_min64(a->tk / CHUNK, fnn_ceil_div(HEADS_ENOUGH, heads));
  j->chunk = fnn_round_up(fnn_ceil_div(a->tk, fnn_max64(1, most)), FNN_ATTENTION_KEYS);
  j->chunks = a->tk ? fnn_ceil_div(a->tk, j->chunk) : 0;
}

static int64_t share_bytes(const job *j) {
  const fnn_attention *a = &j->a;
  return a->batch * a->heads * a->tq * a->e * a->item;
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  job j = {.a = fnn_attention_of(c, 1, 6)};
  set_chunks(&j);
  int64_t shares = j.chunks > 1 && c->nout && c->out[0] ? j.chunks * share_bytes(&j) : 0;
  return fnn_round_up(shares, FNN_ALIGN) + layout_of(&j.a).bytes * fnn_max_threads();
}

/* Where dq of query q0 goes for this chunk, and how far apart its rows are. */
static char *dq_of(const job *j, const fnn_attention_part *r, int64_t chunk, int64_t *ld) {
  const fnn_attention *a = &j->a;
  if (!j->dq) return NULL;
  *ld = j->chunks > 1 ? a->e : j->dq->stride[2];
  if (j->chunks == 1) return fnn_attention_row(a, j->dq, r->b, r->h, r->q0);
  return j->shares + chunk * share_bytes(j) +
         ((r->b * a->heads + r->h) * a->tq + r->q0) * a->e * a->item;
}

static void zero_rows(const fnn_attention *a, int64_t rows, int64_t n, char *y, int64_t ld) {
  for (int64_t i = 0; i < rows; i++) memset(y + i * ld * a->item, 0, (size_t)(n * a->item));
}

/* One block of queries against the keys [k0, end). */
static void run_block(const job *j, const fnn_attention_part *r, int64_t chunk, int64_t k0,
                      int64_t end, char *scratch) {
  const fnn_attention *a = &j->a;
  const int64_t g = r->h / (a->heads / a->groups), ldq = a->q->stride[2], lddy = j->dy->stride[2];
  int64_t lddq = 0;
  char *s = scratch + j->l.s, *ds = scratch + j->l.ds, *lse = scratch + j->l.rows;
  char *delta = lse + FNN_ATTENTION_Q * a->item, *dq = dq_of(j, r, chunk, &lddq);
  const char *q = fnn_attention_row(a, a->q, r->b, r->h, r->q0);
  const char *dy = fnn_attention_row(a, j->dy, r->b, r->h, r->q0);
  if (a->causal) end = fnn_min64(end, r->q0 + r->nq);
  if (dq && end <= k0) zero_rows(a, r->nq, a->e, dq, lddq);
  if (end <= k0) return;
  fnn_attention_pack_across(a, a->e, r->nq, q, ldq, scratch);
  a->kernels->scale(fnn_attention_pack_bytes(a, a->e, r->nq) / a->item, a->scale, scratch);
  fnn_attention_pack_across(a, a->ev, r->nq, dy, lddy, scratch + j->l.dy_across);
  fnn_attention_pack(a, r->nq, a->e, q, ldq, scratch + j->l.q);
  fnn_attention_pack(a, r->nq, a->ev, dy, lddy, scratch + j->l.dy);
  memset(lse, 0, (size_t)(2 * FNN_ATTENTION_Q * a->item));
  memcpy(lse, j->lse + ((r->b * a->heads + r->h) * a->tq + r->q0) * a->item,
         (size_t)(r->nq * a->item));
  a->kernels->dots(r->nq, a->ev, dy, lddy, fnn_attention_row(a, j->y, r->b, r->h, r->q0),
                   j->y->stride[2], delta);
  for (int64_t at = k0, nk; at < end; at += nk) {
    const char *k = fnn_attention_row(a, a->k, r->b, g, at);
    const int64_t ldk = a->k->stride[2];
    int triangle = a->causal && at == r->q0;
    nk = fnn_min64(FNN_ATTENTION_KEYS, end - at);
    if (a->causal && at < r->q0) nk = fnn_min64(nk, r->q0 - at);
    fnn_attention_scores(a, triangle, nk, r->w, a->e, k, ldk, scratch, s);
    fnn_attention_mask(a, r, triangle, at, nk, s);
    fnn_attention_scores(a, triangle, nk, r->w, a->ev, fnn_attention_row(a, a->v, r->b, g, at),
                         a->v->stride[2], scratch + j->l.dy_across, ds);
    if (triangle) a->kernels->above(nk, r->w, 0, ds);
    if (a->p > 0) fnn_attention_dropout(a, r, at, nk, ds);
    a->kernels->backward(nk, r->w, a->scale, lse, delta, s, ds);
    if (a->p > 0) fnn_attention_dropout(a, r, at, nk, s);
    if (j->dv)
      fnn_attention_by_key(a, triangle, nk, r->nq, a->ev, s, scratch + j->l.dy,
                           fnn_attention_row(a, j->dv, r->b, g, at), j->dv->stride[2]);
    if (j->dk)
      fnn_attention_by_key(a, triangle, nk, r->nq, a->e, ds, scratch + j->l.q,
                           fnn_attention_row(a, j->dk, r->b, g, at), j->dk->stride[2]);
    if (!dq) continue;
    fnn_attention_pack(a, nk, a->e, k, ldk, scratch + j->l.keys);
    fnn_attention_by_query(a, triangle, nk, r->nq, a->e, ds, scratch + j->l.keys, dq, lddq,
                           at > k0);
  }
}

/* A chunk of the keys of one head of k and v, under all queries that look at it. */
static void run_chunk(const job *j, int64_t b, int64_t g, int64_t chunk, char *scratch) {
  const fnn_attention *a = &j->a;
  const int64_t share = a->heads / a->groups, k0 = chunk * j->chunk;
  const int64_t end = fnn_min64(a->tk, k0 + j->chunk);
  if (j->dk)
    zero_rows(a, end - k0, a->e, fnn_attention_row(a, j->dk, b, g, k0), j->dk->stride[2]);
  if (j->dv)
    zero_rows(a, end - k0, a->ev, fnn_attention_row(a, j->dv, b, g, k0), j->dv->stride[2]);
  for (int64_t h = g * share; h < (g + 1) * share; h++)
    for (int64_t q0 = 0; q0 < a->tq; q0 += FNN_ATTENTION_Q) {
      fnn_attention_part r = {b, h, q0, fnn_min64(FNN_ATTENTION_Q, a->tq - q0), 0};
      r.w = fnn_round_up(r.nq, FNN_ATTENTION_W);
      run_block(j, &r, chunk, k0, end, scratch);
    }
}

static void run_chunks(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  for (int64_t i = begin; i < end; i++) {
    int64_t head = i / j->chunks;
    run_chunk(j, head / j->a.groups, head % j->a.groups, i % j->chunks,
              j->scratch + thread * j->l.bytes);
  }
}

/* Rows of dq from their shares. */
static void join_rows(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_attention *a = &j->a;
  (void)thread;
  for (int64_t i = begin; i < end; i++) {
    int64_t bh = i / a->tq;
    a->kernels->join(a->e, j->chunks, j->shares + i * a->e * a->item, share_bytes(j) / a->item,
                     fnn_attention_row(a, j->dq, bh / a->heads, bh % a->heads, i % a->tq));
  }
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  job j = {.a = fnn_attention_of(c, 1, 6), .dy = c->in[0], .y = c->in[4]};
  const fnn_attention *a = &j.a;
  j.dq = c->nout > 0 ? c->out[0] : NULL;
  j.dk = c->nout > 1 ? c->out[1] : NULL;
  j.dv = c->nout > 2 ? c->out[2] : NULL;
  j.lse = fnn_tensor_data(c->in[5]);
  j.l = layout_of(a);
  set_chunks(&j);
  j.shares = ws;
  j.scratch = (char *)ws +
              (j.chunks > 1 && j.dq ? fnn_round_up(j.chunks * share_bytes(&j), FNN_ALIGN) : 0);
  if (a->p > 0) {
    const int64_t *used = fnn_tensor_data(c->in[7]);
    j.a.seed = (uint64_t)used[0];
    j.a.block = (uint64_t)used[1];
  }
  int64_t heads = a->batch * a->heads;
  fnn_parallel_for(a->batch * a->groups * j.chunks, 1, run_chunks, &j);
  if (j.dq && j.chunks > 1)
    fnn_parallel_for(heads * a->tq, fnn_ceil_div(8192, fnn_max64(1, a->e * j.chunks)), join_rows,
                     &j);
  for (int64_t i = 0; j.dq && j.chunks == 0 && i < heads; i++)
    zero_rows(a, a->tq, a->e, fnn_attention_row(a, j.dq, i / a->heads, i % a->heads, 0),
              j.dq->stride[2]);
  return FNN_OK;
}

const fnn_family fnn_family_attention_bwd = {infer, workspace, run};
