#include "ops/reduce_run.h"

#define GRAIN 32768   /* elements below which a thread is not worth waking */
#define ROWS 256      /* outputs that a row kernel does in one call */
#define STRIP 32      /* columns of a gathered block */

fnn_status fnn_reduce_mask(const fnn_opdef *def, const fnn_tensor *x, const fnn_attr *dims,
                           unsigned *mask) {
  *mask = dims->n ? 0 : ~0u;
  for (int64_t i = 0; i < dims->n; i++) {
    int d;
    fnn_status st = fnn_wrap_dim(def, dims->v.ints[i], x->ndim, &d);
    if (st) return st;
    if (*mask >> d & 1)
      return fnn_fail(FNN_ERUNTIME, "%s: dim %d appears multiple times in the list of dims",
                      def->name, d);
    *mask |= 1u << d;
  }
  return FNN_OK;
}

void fnn_reduce_shape(const fnn_tensor *x, unsigned mask, int keepdim, int dtype,
                      fnn_tensor *out) {
  int64_t size[FNN_MAX_DIMS];
  int n = 0;
  for (int d = 0; d < x->ndim; d++) {
    if (!(mask >> d & 1)) size[n++] = x->size[d];
    else if (keepdim) size[n++] = 1;
  }
  fnn_set_shape(out, dtype, n, size);
}

void fnn_reduce_put(int64_t n, int64_t bytes, const void *from, char *y, int64_t stride) {
  if (from == y) return;
  if (stride == 1 || n == 1) memcpy(y, from, (size_t)(n * bytes));
  else if (bytes == 4)
    for (int64_t i = 0; i < n; i++) ((uint32_t *)y)[i * stride] = ((const uint32_t *)from)[i];
  else if (bytes == 8)
    for (int64_t i = 0; i < n; i++) ((uint64_t *)y)[i * stride] = ((const uint64_t *)from)[i];
  else
    for (int64_t i = 0; i < n; i++) y[i * stride] = ((const char *)from)[i];
}

/* One contiguous row that one call can do: no plan needed. */
static int simple(const fnn_reduce_job *j, int64_t n) {
  unsigned all = (1u << j->x->ndim) - 1;
  return (j->mask & all) == all && n <= FNN_ROW_BLOCK && fnn_tensor_is_contiguous(j->x);
}

static void plan(fnn_reduce_job *j) {
  fnn_reduction_plan(&j->plan, j->x, j->mask, j->keepdim, j->ordered, j->narrow, j->outs, 2);
}

int64_t fnn_reduce_workspace(fnn_reduce_job *j) {
  int64_t n = fnn_tensor_numel(j->x);
  if (n <= 16 || simple(j, n)) return 0;
  plan(j);
  int64_t partials = j->plan.outputs * j->plan.blocks;
  if (j->plan.blocks <= 1) return 0;
  return fnn_round_up(partials * j->k->p_bytes, FNN_ALIGN) + partials * j->k->q_bytes;
}

/* Hands n results of outputs o... (or a part of their columns, from `skip`) to the finish. */
static void finish(const fnn_reduce_job *j, int64_t o, int64_t skip, int64_t n, const void *p,
                   const void *q) {
  const fnn_reduction *r = &j->plan;
  char *y[2] = {NULL, NULL};
  int64_t s[2] = {1, 1};
  for (int i = 0; i < 2; i++) {
    if (!j->outs[i]) continue;
    s[i] = r->nk ? r->ky[i][r->nk - 1] : 1;
    int64_t at = fnn_reduction_at(r, o, i) + skip * s[i];
    y[i] = (char *)fnn_tensor_data(j->outs[i]) + at * fnn_dtype_size(j->outs[i]->dtype);
  }
  j->finish(j, n, p, q, y, s);
}

/* Outputs of one block each, rows. */
static void rows(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const fnn_reduce_job *j = ctx;
  const fnn_reduction *r = &j->plan;
  const char *x = fnn_tensor_data(j->x);
  int item = (int)fnn_dtype_size(j->x->dtype);
  int64_t side = r->nk ? r->ksize[r->nk - 1] : 1;
  int64_t step = r->nk ? r->kx[r->nk - 1] : 0;
  _Alignas(64) char p[ROWS * 8], q[ROWS * 8], buffer[FNN_ROW_BLOCK * 8];
  for (int64_t o = begin, m; o < end; o += m) {
    m = fnn_min64(fnn_min64(ROWS, end - o), side - o % side);
    int64_t base = fnn_reduction_at(r, o, -1), n, rs;
    if (r->count == 0 || (r->runs == 1 && r->run_stride == 1)) {
      j->k->row(m, r->count, step, 0, x + base * item, p, q);
    } else {
      for (int64_t i = 0; i < m; i++) {
        const void *b = fnn_reduction_block(r, base + i * step, 0, 1, item, x, buffer, &n, &rs);
        j->k->row(1, n, rs, 0, b, p + i * j->k->p_bytes, q + i * j->k->q_bytes);
      }
    }
    finish(j, o, 0, m, p, q);
  }
}

/* Block b of width columns from base, a strip at a time where they have to be gathered. */
static void columns(const fnn_reduce_job *j, int64_t base, int64_t b, int64_t width, char *p,
                    char *q) {
  const fnn_reduction *r = &j->plan;
  int item = (int)fnn_dtype_size(j->x->dtype);
  int plain = r->width_stride == 1 && (r->per == 1 || r->runs == 1);
  int64_t strip = plain ? width : STRIP, n, rs, at = fnn_reduction_start(r, b);
  _Alignas(64) char buffer[FNN_ROW_BLOCK * 8];
  for (int64_t c = 0; c < width; c += strip) {
    int64_t w = fnn_min64(strip, width - c);
    const void *block = fnn_reduction_block(r, base + c * r->width_stride, b, w, item,
                                            fnn_tensor_data(j->x), buffer, &n, &rs);
    j->k->col(n, w, rs, at, block, p + c * j->k->p_bytes, q + c * j->k->q_bytes);
  }
}

static int64_t tiles(const fnn_reduction *r) { return fnn_ceil_div(r->width, FNN_COL_TILE); }

/* Where the results of columns from `tile` of group o can be written without a detour: in the
 * output, if its elements are partial results and stand side by side; else NULL. */
static char *target(const fnn_reduce_job *j, int64_t o, int64_t tile) {
  const fnn_reduction *r = &j->plan;
  const fnn_tensor *y = j->outs[0];
  if (!j->in_place || !y || r->ky[0][r->nk - 1] != 1) return NULL;
  return (char *)fnn_tensor_data(y) + (fnn_reduction_at(r, o, 0) + tile) * j->k->p_bytes;
}

/* Tasks: (group of width outputs, block, tile of columns), or (output, block) for rows. */
static void blocks(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const fnn_reduce_job *j = ctx;
  const fnn_reduction *r = &j->plan;
  int item = (int)fnn_dtype_size(j->x->dtype);
  _Alignas(64) char buffer[FNN_ROW_BLOCK * 8], p[FNN_COL_TILE * 8], q[FNN_COL_TILE * 8];
  for (int64_t t = begin; t < end; t++) {
    int64_t tile = t % tiles(r) * FNN_COL_TILE, b = t / tiles(r) % r->blocks;
    int64_t o = t / tiles(r) / r->blocks * r->width, n, rs;
    int64_t base = fnn_reduction_at(r, o, -1) + tile * r->width_stride;
    int64_t to = (o * r->blocks + b * r->width + tile);
    char *to_p = j->p + to * j->k->p_bytes, *to_q = j->q + to * j->k->q_bytes;
    if (!r->columns) {
      const void *block = fnn_reduction_block(r, base, b, 1, item, fnn_tensor_data(j->x), buffer,
                                              &n, &rs);
      j->k->row(1, n, rs, fnn_reduction_start(r, b), block, to_p, to_q);
      continue;
    }
    int64_t w = fnn_min64(FNN_COL_TILE, r->width - tile);
    if (r->blocks > 1) {
      columns(j, base, b, w, to_p, to_q);
    } else {
      char *y = target(j, o, tile);
      columns(j, base, b, w, y ? y : p, q);
      finish(j, o, tile, w, y ? y : p, q);
    }
  }
}

/* Tasks: (group of outputs, tile). Block i takes in block i + 1, then i + 2, i + 4, ... */
static void joins(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const fnn_reduce_job *j = ctx;
  const fnn_reduction *r = &j->plan;
  const fnn_reducer *k = j->k;
  for (int64_t t = begin; t < end; t++) {
    int64_t o = t / tiles(r) * r->width, tile = t % tiles(r) * FNN_COL_TILE;
    int64_t w = fnn_min64(FNN_COL_TILE, r->width - tile), first = o * r->blocks + tile;
    char *p = j->p + first * k->p_bytes, *q = j->q + first * k->q_bytes;
    for (int64_t step = 1; step < r->blocks; step *= 2) {
      for (int64_t b = 0; b + step < r->blocks; b += 2 * step) {
        int64_t at = fnn_reduction_start(r, b), mid = fnn_reduction_start(r, b + step);
        int64_t end_b = fnn_reduction_start(r, fnn_min64(b + 2 * step, r->blocks));
        int64_t left = b * r->width, right = (b + step) * r->width;
        k->join(w, mid - at, end_b - mid, p + left * k->p_bytes, q + left * k->q_bytes,
                p + right * k->p_bytes, q + right * k->q_bytes);
      }
    }
    finish(j, o, tile, w, p, q);
  }
}

void fnn_reduce_run(fnn_reduce_job *j, void *workspace) {
  int64_t n = fnn_tensor_numel(j->x);
  if (simple(j, n)) {
    int64_t s[2] = {1, 1};
    _Alignas(8) char p[8], q[8];
    char *y[2] = {j->outs[0] ? fnn_tensor_data(j->outs[0]) : NULL,
                  j->outs[1] ? fnn_tensor_data(j->outs[1]) : NULL};
    j->plan.count = n;
    j->k->row(1, n, n, 0, fnn_tensor_data(j->x), p, q);
    j->finish(j, 1, p, q, y, s);
    return;
  }
  plan(j);
  const fnn_reduction *r = &j->plan;
  if (r->outputs == 0) return;
  if (!r->columns && r->blocks <= 1) {
    fnn_parallel_for(r->outputs, GRAIN / fnn_max64(r->count, 1) + 1, rows, j);
    return;
  }
  j->p = workspace;
  j->q = j->p + fnn_round_up(r->outputs * r->blocks * j->k->p_bytes, FNN_ALIGN);
  int64_t groups = r->outputs / r->width * tiles(r), tasks = groups * r->blocks;
  fnn_parallel_for(tasks, GRAIN / (n / tasks + 1) + 1, blocks, j);
  if (r->blocks > 1)
    fnn_parallel_for(groups, GRAIN / (r->blocks * fnn_min64(r->width, FNN_COL_TILE)) + 1, joins, j);
}
