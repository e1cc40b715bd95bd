/* Batches of matrix products: dimensions folded into rows where strides allow, then either the
 * batch or the single product is split over threads. */
#include "ops/matmul.h"

#define BATCH_WORK (1 << 19)   /* multiply-adds worth a thread */
#define INNER_WORK (1 << 22)   /* a single product this large is split itself */

static int64_t dim(const fnn_tensor *t, int from_end) {
  return t->ndim >= from_end ? t->size[t->ndim - from_end] : 1;
}

static int64_t step(const fnn_tensor *t, int i) { return t->size[i] == 1 ? 0 : t->stride[i]; }

/* A batch dimension along which B stands still is more rows of A. */
static void fold_rows(fnn_product *p) {
  fnn_gemm_args *g = &p->g;
  while (p->nbatch) {
    int i = p->nbatch - 1;
    int one = g->m == 1;
    if (p->sb[i] != 0) return;
    if (!one && (p->sa[i] != g->rsa * g->m || p->sc[i] != g->ldc * g->m)) return;
    if (one) { g->rsa = p->sa[i]; g->ldc = p->sc[i]; }
    g->m *= p->size[i];
    p->nbatch--;
  }
}

/* Neighbouring batch dimensions that step alike become one. */
static void merge_batch(fnn_product *p) {
  int n = 0;
  for (int i = 0; i < p->nbatch; i++) {
    if (p->size[i] == 1) continue;
    int j = n - 1;
    if (n && p->sa[j] == p->sa[i] * p->size[i] && p->sb[j] == p->sb[i] * p->size[i] &&
        p->sc[j] == p->sc[i] * p->size[i]) {
      p->size[j] *= p->size[i];
    } else {
      j = n++;
      p->size[j] = p->size[i];
    }
    p->sa[j] = p->sa[i];
    p->sb[j] = p->sb[i];
    p->sc[j] = p->sc[i];
  }
  p->nbatch = n;
}

/* C with contiguous columns: compute its transpose. */
static void transpose(fnn_product *p) {
  fnn_gemm_args g = p->g;
  p->g.m = g.n; p->g.n = g.m;
  p->g.a = g.b; p->g.rsa = g.csb; p->g.csa = g.rsb;
  p->g.b = g.a; p->g.rsb = g.csa; p->g.csb = g.rsa;
  p->g.ldc = p->csc;
  p->csc = g.ldc;
  p->swapped = 1;
  for (int i = 0; i < p->nbatch; i++) {
    int64_t t = p->sa[i];
    p->sa[i] = p->sb[i];
    p->sb[i] = t;
  }
}

static int rows_fit(const fnn_product *p) { return p->csc == 1 || p->g.n == 1; }

int fnn_product_fits(const fnn_product *p) { return rows_fit(p); }

fnn_product fnn_matmul_product(const fnn_tensor *a, const fnn_tensor *b, const fnn_tensor *y) {
  fnn_product p = {.g = {.dtype = a->dtype, .k = a->size[a->ndim - 1]}, .count = 1};
  int av = a->ndim == 1, bv = b->ndim == 1;
  fnn_gemm_args *g = &p.g;
  g->m = av ? 1 : dim(a, 2);
  g->n = bv ? 1 : dim(b, 1);
  g->rsa = av ? 0 : a->stride[a->ndim - 2];
  g->csa = a->stride[a->ndim - 1];
  g->rsb = b->stride[bv ? 0 : b->ndim - 2];
  g->csb = bv ? 0 : b->stride[b->ndim - 1];
  int tail = !av + !bv;
  p.nbatch = y->ndim - tail;
  g->ldc = av ? 0 : y->stride[p.nbatch];
  p.csc = bv ? 1 : y->stride[y->ndim - 1];
  for (int i = 0; i < p.nbatch; i++) {
    int ia = i - (p.nbatch - (a->ndim - 2)), ib = i - (p.nbatch - (b->ndim - 2));
    p.size[i] = y->size[i];
    p.sa[i] = av || ia < 0 ? 0 : step(a, ia);
    p.sb[i] = bv || ib < 0 ? 0 : step(b, ib);
    p.sc[i] = y->stride[i];
    p.count *= y->size[i];
  }
  if (a->storage) g->a = fnn_tensor_data(a);
  if (b->storage) g->b = fnn_tensor_data(b);
  if (y->storage) g->c = fnn_tensor_data(y);
  merge_batch(&p);
  if (!rows_fit(&p) && (g->ldc == 1 || g->m == 1)) transpose(&p);
  else fold_rows(&p);
  p.count = 1;
  for (int i = 0; i < p.nbatch; i++) p.count *= p.size[i];
  return p;
}

static double work_of(const fnn_gemm_args *g) {
  return (double)g->m * (double)g->n * (double)(g->k ? g->k : 1);
}

/* 1: threads share the batch, each with its own scratch. */
static int split_batch(const fnn_product *p) {
  return p->count > 1 && work_of(&p->g) < INNER_WORK &&
         work_of(&p->g) * (double)p->count >= 2.0 * BATCH_WORK;
}

int64_t fnn_product_workspace(const fnn_product *p) {
  if (split_batch(p)) {
    int64_t bytes = fnn_gemm_scratch(&p->g);
    return bytes ? bytes * fnn_max_threads() : 0;
  }
  return fnn_gemm_scratch_threads(&p->g);
}

typedef struct {
  const fnn_product *p;
  char *scratch;
  int64_t bytes; /* of one worker's scratch; < 0: the products themselves are split */
} batch;

static void run_batch(void *ctx, int64_t begin, int64_t end, int thread) {
  const batch *t = ctx;
  const fnn_product *p = t->p;
  int64_t item = fnn_dtype_size((fnn_dtype)p->g.dtype);
  for (int64_t i = begin; i < end; i++) {
    fnn_gemm_args g = p->g;
    int64_t rest = i, a = 0, b = 0, c = 0;
    for (int d = p->nbatch - 1; d >= 0; d--) {
      int64_t at = d ? rest % p->size[d] : rest;
      rest /= p->size[d];
      a += at * p->sa[d];
      b += at * p->sb[d];
      c += at * p->sc[d];
    }
    g.a = (const char *)g.a + a * item;
    g.b = (const char *)g.b + b * item;
    g.c = (char *)g.c + c * item;
    if (t->bytes < 0) fnn_gemm_run(&g, t->scratch);
    else fnn_gemm_serial(&g, t->scratch + thread * t->bytes);
  }
}

void fnn_product_run(const fnn_product *p, void *workspace) {
  if (p->count == 0 || p->g.m == 0 || p->g.n == 0) return;
  batch t = {p, workspace, -1};
  if (!split_batch(p)) {
    run_batch(&t, 0, p->count, 0);
    return;
  }
  t.bytes = fnn_gemm_scratch(&p->g);
  fnn_parallel_for(p->count, (int64_t)(BATCH_WORK / work_of(&p->g)) + 1, run_batch, &t);
}
