/* The driver of the matrix product: which form, what to pack, cache blocks, threads.
 *
 * The form (tiles, dot products, matrix-vector) decides the order of summation and follows from
 * shape and strides alone. Blocking, packing and the split over threads do not touch it: every
 * element's chain of FMAs runs on through C from one K block to the next. */
#include "ops/gemm.h"

#include "ops/op.h"

#define KC 512        /* K block; up to 1.5 KC so that the last one is never thin */
#define MC 96         /* rows of A that pass under each panel of a packed B block */
#define BLOCK_BYTES (2 << 20)    /* of a packed B block: a core's share of L3 */
#define STACK_BYTES 16384        /* packing this small needs no workspace */
#define THIN_K 64     /* up to here writing C costs most: finish whole rows of it first */
#define AXPY_K 4       /* rows of C one by one up to here: they are written in long runs */
#define DOT_MAX 8                /* dot products where m or n is at most this, */
#define DOT_MIN_K 48             /* and k at least this */
#define TURN_COST 2    /* of an element of C moved, in elements packed */
#define SHARES 4 /* parts of a thread where a part costs nothing of its own */
#define PARALLEL_WORK (1 << 19)  /* multiply-adds that repay a parallel region */

typedef enum { TILES, AXPY, DOT } form;

typedef struct {
  fnn_gemm_args g; /* the product as it is computed */
  form form;
  int turned; /* it is computed transposed, in scratch, part by part */
  int pack_a, pack_b;
  int64_t kc, nc;
  int64_t bytes_b, bytes_t, bytes; /* of the B block, of B block and A block, and of all scratch */
} plan;

static const fnn_gemm_kernels *kernels_of(int dtype) {
  return dtype == FNN_F32 ? fnn_k->gemm_f32 : fnn_k->gemm_f64;
}
static int64_t item_of(int dtype) { return dtype == FNN_F32 ? 4 : 8; }

/* C^T = B^T A^T; c and ldc are left to the caller. */
static fnn_gemm_args turn(const fnn_gemm_args *g) {
  fnn_gemm_args t = *g;
  t.m = g->n; t.n = g->m;
  t.a = g->b; t.rsa = g->csb; t.csa = g->rsb;
  t.b = g->a; t.rsb = g->csa; t.csb = g->rsa;
  t.end.bias_m = g->end.bias_n;
  t.end.bias_n = g->end.bias_m;
  return t;
}

/* A column of C is a row of its transpose: matrix-vector has one orientation only. Strides along
 * dimensions of size 1 say nothing and are set to what suits. */
static fnn_gemm_args normal(const fnn_gemm_args *g) {
  fnn_gemm_args t = *g;
  if (g->n == 1 && g->m != 1 && g->ldc == 1) {
    t = turn(g);
    t.ldc = g->m;
  }
  if (t.k == 1) t.csa = 1;
  if (t.k == 1 && t.csb != 1) t.rsb = 1;
  if (t.n == 1 && t.rsb != 1) t.csb = 1;
  return t;
}

/* Whether C^T, moved back, costs less: then few rows of A are packed in place of many of B^T, or
 * no longer do few columns leave vectors half empty. */
static int worth_turning(const fnn_gemm_args *g) {
  int64_t lanes = FNN_GEMM_LANES / item_of(g->dtype);
  int64_t m = fnn_round_up(g->m, lanes), n = fnn_round_up(g->n, lanes);
  if (g->end.accumulate || g->m == 1 || g->n == 1) return 0;
  if (g->csa == 1 && g->rsb == 1)
    return g->m > DOT_MAX && m * 4 <= g->m * 5 && g->m <= 8 * lanes &&
           (g->n - g->m) * g->k >= TURN_COST * g->m * g->n;
  return g->rsa == 1 && g->csb == 1 && g->n < lanes && g->k >= DOT_MIN_K &&
         n * g->m >= 5 * m * g->n / 4;
}

static plan make_plan(const fnn_gemm_args *args) {
  const fnn_gemm_kernels *kn = kernels_of(args->dtype);
  plan p = {.g = normal(args), .form = TILES};
  if ((p.turned = worth_turning(&p.g))) p.g = turn(&p.g);
  const fnn_gemm_args *g = &p.g;
  int64_t item = item_of(g->dtype), lesser = fnn_min64(g->m, g->n);
  p.kc = fnn_max64(1, g->k);
  p.nc = g->n;
  if (g->csa == 1 && g->rsb == 1 && (g->csb != 1 || g->n == 1) &&
      (lesser == 1 || (lesser <= DOT_MAX && g->k >= DOT_MIN_K))) {
    p.form = DOT;
    return p;
  }
  if ((g->m == 1 || g->k <= AXPY_K) && g->csb == 1 && g->n >= 4 * 64 / item) {
    p.form = AXPY;
    return p;
  }
  if (g->k > KC + KC / 2) {
    int64_t blocks = (g->k + KC / 2) / KC;
    p.kc = fnn_round_up(fnn_ceil_div(g->k, blocks), 4);
  }
  p.nc = fnn_min64(fnn_round_up(g->n, kn->nr), BLOCK_BYTES / (KC * item));
  p.pack_b = g->csb != 1 || (g->m > 24 && g->n > 4 * kn->nr && (kn->pack_rows || g->k > THIN_K));
  if (g->csa == 1) p.pack_a = kn->pack_rows && g->n > 4 * kn->nr;
  else p.pack_a = g->n > 2 * kn->nr && g->m * g->k > (kn->pack_rows ? 1 << 14 : 1 << 18);
  if (p.pack_b) p.bytes_b = fnn_round_up(p.kc * p.nc * item, 64);
  p.bytes_t = p.bytes_b + (p.pack_a ? (fnn_min64(g->m, MC) * p.kc + 16) * item : 0);
  p.bytes_t = fnn_round_up(p.bytes_t, 64);
  p.bytes = p.bytes_t + (p.turned ? fnn_round_up(g->m * g->n * item, 64) : 0);
  return p;
}

/* Rows [m0, m1) and columns [n0, n1) of C. */
typedef struct { int64_t m0, m1, n0, n1; } part;

static const void *at(const void *p, int64_t i) { return p ? (const char *)p + i : NULL; }

static fnn_gemm_block block_of(const fnn_gemm_args *g, const part *r) {
  int64_t item = item_of(g->dtype);
  fnn_gemm_block b = {
      .m = r->m1 - r->m0, .n = r->n1 - r->n0, .k = g->k,
      .a = at(g->a, r->m0 * g->rsa * item), .rsa = g->rsa, .csa = g->csa,
      .b = at(g->b, r->n0 * g->csb * item),
      .c = (char *)g->c + (r->m0 * g->ldc + r->n0) * item, .ldc = g->ldc,
      .load = g->end.accumulate, .relu = g->end.relu,
      .bias_m = at(g->end.bias_m, r->m0 * item), .bias_n = at(g->end.bias_n, r->n0 * item)};
  return b;
}

static void run_tiles(const plan *p, const part *r, char *scratch) {
  const fnn_gemm_args *g = &p->g;
  const fnn_gemm_kernels *kn = kernels_of(g->dtype);
  int64_t item = item_of(g->dtype), nr = kn->nr;
  fnn_gemm_block whole = block_of(g, r);
  if (p->turned) {
    whole.c = scratch + p->bytes_t;
    whole.ldc = whole.n;
  }
  int64_t mc = g->k <= THIN_K ? 6 : p->pack_a || p->pack_b ? MC : whole.m;
  for (int64_t j = 0; j < whole.n; j += p->nc)
    for (int64_t k0 = 0; k0 == 0 || k0 < g->k; k0 += p->kc) {
      fnn_gemm_block b = whole;
      b.n = fnn_min64(p->nc, whole.n - j);
      b.k = fnn_min64(p->kc, g->k - k0);
      b.b = at(whole.b, (j * g->csb + k0 * g->rsb) * item);
      b.ldb = g->rsb;
      b.bpanel = nr;
      if (p->pack_b) {
        kn->pack_b(b.k, b.n, b.b, g->rsb, g->csb, scratch);
        b.b = scratch;
        b.ldb = nr;
        b.bpanel = b.k * nr;
      }
      b.load = whole.load || k0 > 0;
      int last = k0 + b.k >= g->k;
      b.relu = whole.relu && last;
      b.bias_n = last ? at(whole.bias_n, j * item) : NULL;
      for (int64_t i = 0; i < whole.m; i += mc) {
        b.m = fnn_min64(mc, whole.m - i);
        b.a = at(whole.a, (i * g->rsa + k0 * g->csa) * item);
        b.c = (char *)whole.c + (i * whole.ldc + j) * item;
        b.bias_m = last ? at(whole.bias_m, i * item) : NULL;
        if (p->pack_a) {
          kn->pack_a(b.m, b.k, b.a, g->rsa, g->csa, scratch + p->bytes_b);
          b.a = scratch + p->bytes_b;
          b.packed_a = 1;
        }
        kn->tiles(&b);
      }
    }
}

/* Rows of the part as computed are columns of C. */
static void turn_back(const plan *p, const part *r, const char *scratch) {
  int64_t item = item_of(p->g.dtype), m = r->m1 - r->m0, n = r->n1 - r->n0;
  fnn_k->copy->transpose[item == 4 ? 2 : 3](
      m, n, scratch + p->bytes_t, n * item, item,
      (char *)p->g.c + (r->n0 * p->g.ldc + r->m0) * item, p->g.ldc * item);
}

static void run_part(const plan *p, const part *r, void *scratch) {
  const fnn_gemm_args *g = &p->g;
  if (r->m0 >= r->m1 || r->n0 >= r->n1) return;
  if (p->form == TILES) {
    char stack[STACK_BYTES] __attribute__((aligned(64)));
    char *to = p->bytes <= STACK_BYTES ? stack : scratch;
    run_tiles(p, r, to);
    if (p->turned) turn_back(p, r, to);
    return;
  }
  fnn_gemm_block b = block_of(g, r);
  b.ldb = p->form == DOT ? g->csb : g->rsb;
  if (p->form == DOT) kernels_of(g->dtype)->dot(&b);
  else kernels_of(g->dtype)->axpy(&b);
}

void fnn_gemm_serial(const fnn_gemm_args *args, void *scratch) {
  plan p = make_plan(args);
  part all = {0, p.g.m, 0, p.g.n};
  run_part(&p, &all, scratch);
}

/* ---- threads */

typedef struct {
  const plan *p;
  int64_t rows, cols, unit_m, unit_n; /* the grid of parts; their sizes are whole units */
  char *scratch;
} grid;

static int64_t cut(int64_t i, int64_t parts, int64_t n, int64_t unit) {
  return fnn_min64(n, fnn_ceil_div(n, unit) * i / parts * unit);
}

static void run_grid(void *ctx, int64_t begin, int64_t end, int thread) {
  const grid *t = ctx;
  const fnn_gemm_args *g = &t->p->g;
  (void)thread;
  for (int64_t i = begin; i < end; i++) {
    int64_t r = i / t->cols, c = i % t->cols;
    part q = {cut(r, t->rows, g->m, t->unit_m), cut(r + 1, t->rows, g->m, t->unit_m),
              cut(c, t->cols, g->n, t->unit_n), cut(c + 1, t->cols, g->n, t->unit_n)};
    run_part(t->p, &q, t->scratch + i * t->p->bytes);
  }
}

static int threads_for(const fnn_gemm_args *g) {
  if ((double)g->m * (double)g->n * (double)g->k < PARALLEL_WORK) return 1;
  return fnn_max_threads(); /* binds this call: workspace and run agree */
}

/* Parts as even and as square as their number allows: a part repacks its share of A and B. */
static void make_grid(grid *t, int64_t parts) {
  const fnn_gemm_args *g = &t->p->g;
  int64_t best = INT64_MAX;
  t->unit_m = t->p->form == DOT ? 4 : 6;
  t->unit_n = t->p->form == DOT ? 4 : 64 / item_of(g->dtype);
  for (int64_t rows = 1; rows <= parts; rows++) {
    if (parts % rows) continue;
    int64_t m = fnn_ceil_div(fnn_ceil_div(g->m, t->unit_m), rows) * t->unit_m;
    int64_t n = fnn_ceil_div(fnn_ceil_div(g->n, t->unit_n), parts / rows) * t->unit_n;
    int64_t cost = m * n + 8 * (m + n);
    if (cost < best) {
      best = cost;
      t->rows = rows;
      t->cols = parts / rows;
    }
  }
}

void fnn_gemm_run(const fnn_gemm_args *args, void *scratch) {
  plan p = make_plan(args);
  part all = {0, p.g.m, 0, p.g.n};
  int parts = threads_for(args);
  if (p.form == DOT && parts > 1) parts *= SHARES;
  if (parts == 1) {
    run_part(&p, &all, scratch);
    return;
  }
  grid t = {&p, 0, 0, 0, 0, scratch};
  make_grid(&t, parts);
  fnn_parallel_for(parts, 1, run_grid, &t);
}

/* ---- scratch */

/* One that adds to C is never turned. */
int64_t fnn_gemm_scratch(const fnn_gemm_args *args) {
  fnn_gemm_args g = *args;
  g.end.accumulate = 0;
  plan p = make_plan(&g);
  int64_t bytes = p.bytes;
  if (p.turned) {
    g.end.accumulate = 1;
    p = make_plan(&g);
    bytes = fnn_max64(bytes, p.bytes);
  }
  return bytes <= STACK_BYTES ? 0 : bytes;
}

int64_t fnn_gemm_scratch_threads(const fnn_gemm_args *args) {
  return fnn_gemm_scratch(args) * threads_for(args);
}

static fnn_gemm_args by_flags(int dtype, int ta, int tb, int64_t m, int64_t n, int64_t k,
                              int64_t lda, int64_t ldb) {
  fnn_gemm_args g = {.dtype = dtype, .m = m, .n = n, .k = k, .rsa = ta ? 1 : lda,
                     .csa = ta ? lda : 1, .rsb = tb ? 1 : ldb, .csb = tb ? ldb : 1};
  return g;
}

void fnn_gemm(int dtype, int ta, int tb, int64_t m, int64_t n, int64_t k, const void *a,
              int64_t lda, const void *b, int64_t ldb, void *c, int64_t ldc,
              const fnn_epilogue *e, void *workspace) {
  fnn_gemm_args g = by_flags(dtype, ta, tb, m, n, k, lda, ldb);
  g.a = a;
  g.b = b;
  g.c = c;
  g.ldc = ldc;
  if (e) g.end = *e;
  fnn_gemm_run(&g, workspace);
}

int64_t fnn_gemm_workspace(int dtype, int ta, int tb, int64_t m, int64_t n, int64_t k) {
  fnn_gemm_args g = by_flags(dtype, ta, tb, m, n, k, ta ? m : k, tb ? k : n);
  g.ldc = n;
  return fnn_gemm_scratch_threads(&g);
}
