/* The pointwise iterator: merge dimensions, then walk them in runs or in dense blocks. */
#include "ops/iter.h"

#define BLOCK 512  /* elements of a stack block: 6 operands of 8 bytes fit the L1 cache */
#define SHORT 64   /* an innermost run shorter than this is walked in blocks of rows */
#define UNIT 1024  /* threads split contiguous work at multiples of this */

/* All operands have the output's own sizes and strides, and it is contiguous. */
static int plain(int nop, const fnn_tensor *const *op) {
  const fnn_tensor *o = op[0];
  int64_t want = 1;
  for (int d = o->ndim - 1; d >= 0; d--) {
    if (o->stride[d] != want) return 0;
    want *= o->size[d];
  }
  for (int k = 1; k < nop; k++) {
    const fnn_tensor *t = op[k];
    if (!t) continue;
    if (t->ndim != o->ndim) return 0;
    for (int d = 0; d < o->ndim; d++)
      if (t->size[d] != o->size[d] || t->stride[d] != o->stride[d]) return 0;
  }
  return 1;
}

/* Dimensions longer than 1, slowest in the output last, into it->size and it->stride. */
static int sort_dims(fnn_iter *it, const fnn_tensor *const *op) {
  const fnn_tensor *o = op[0];
  int order[FNN_MAX_DIMS], n = 0;
  for (int d = o->ndim - 1; d >= 0; d--) {
    if (o->size[d] == 1) continue;
    int at = n++;
    for (; at > 0 && o->stride[d] < o->stride[order[at - 1]]; at--) order[at] = order[at - 1];
    order[at] = d;
  }
  for (int j = 0; j < n; j++) {
    it->size[j] = o->size[order[j]];
    for (int k = 0; k < it->nop; k++) {
      int d = op[k] ? order[j] - (o->ndim - op[k]->ndim) : -1;
      it->stride[j][k] = d < 0 || op[k]->size[d] == 1 ? 0 : op[k]->stride[d];
    }
  }
  return n;
}

static void merge_dims(fnn_iter *it) {
  int m = 0;
  for (int j = 1; j < it->ndim; j++) {
    int joins = 1;
    for (int k = 0; k < it->nop; k++)
      joins &= it->stride[j][k] == it->stride[m][k] * it->size[m];
    if (joins) {
      it->size[m] *= it->size[j];
      continue;
    }
    m++;
    it->size[m] = it->size[j];
    memcpy(it->stride[m], it->stride[j], sizeof it->stride[m]);
  }
  it->ndim = m + 1;
}

void fnn_iter_init(fnn_iter *it, int nop, int nout, const fnn_tensor *const *op) {
  int64_t n = 1;
  for (int d = 0; d < op[0]->ndim; d++) n *= op[0]->size[d];
  it->nop = nop;
  it->nout = nout;
  it->numel = n;
  for (int k = 0; k < nop; k++) {
    it->data[k] = op[k] ? fnn_tensor_data(op[k]) : NULL;
    it->item[k] = op[k] ? (int)fnn_dtype_size((fnn_dtype)op[k]->dtype) : 0;
  }
  if (n > 1 && !plain(nop, op)) {
    it->ndim = sort_dims(it, op);
    merge_dims(it);
    return;
  }
  it->ndim = 1;
  it->size[0] = n;
  for (int k = 0; k < nop; k++) it->stride[0][k] = op[k] || n == 1;
}

/* Moves the pointers to the element whose outer coordinates are those of index. */
static void seek(const fnn_iter *it, int from, int64_t index, int64_t *at, char **p) {
  memcpy(p, it->data, sizeof it->data);
  for (int d = from; d < it->ndim; d++) {
    at[d] = index % it->size[d];
    index /= it->size[d];
    for (int k = 0; k < it->nop; k++) p[k] += at[d] * it->stride[d][k] * it->item[k];
  }
}

/* The next outer coordinate, dimension `from` fastest. */
static void step(const fnn_iter *it, int from, int64_t *at, char **p) {
  for (int d = from; d < it->ndim; d++) {
    int last = ++at[d] == it->size[d];
    int64_t by = last ? 1 - it->size[d] : 1;
    for (int k = 0; k < it->nop; k++) p[k] += by * it->stride[d][k] * it->item[k];
    if (!last) return;
    at[d] = 0;
  }
}

typedef struct walk {
  const fnn_iter *it;
  fnn_iter_fn fn;
  void *ctx;
  /* blocks of rows x cols elements of the two inner dimensions */
  int64_t rows, cols, row_blocks, col_blocks;
  enum { DIRECT, GATHER, FIXED } mode[FNN_ITER_OPERANDS];
  int64_t inner[FNN_ITER_OPERANDS]; /* strides that the callback is told */
} walk;

static void each_range(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const walk *w = ctx;
  const fnn_iter *it = w->it;
  int64_t at[FNN_MAX_DIMS], i = begin * UNIT, stop = fnn_min64(end * UNIT, it->numel);
  char *p[FNN_ITER_OPERANDS], *q[FNN_ITER_OPERANDS];
  int64_t first = i % it->size[0];
  seek(it, 1, i / it->size[0], at, p);
  while (i < stop) {
    int64_t n = fnn_min64(it->size[0] - first, stop - i);
    for (int k = 0; k < it->nop; k++) q[k] = p[k] + first * it->stride[0][k] * it->item[k];
    w->fn(w->ctx, n, q, it->stride[0]);
    first = 0;
    i += n;
    if (i < stop) step(it, 1, at, p);
  }
}

void fnn_iter_each(const fnn_iter *it, int64_t grain, fnn_iter_fn fn, void *ctx) {
  if (it->numel == 0) return;
  if (it->ndim == 1 && it->numel <= grain) {
    fn(ctx, it->numel, it->data, it->stride[0]);
    return;
  }
  walk w = {.it = it, .fn = fn, .ctx = ctx};
  fnn_parallel_for(fnn_ceil_div(it->numel, UNIT), fnn_ceil_div(grain, UNIT), each_range, &w);
}

/* ---- dense blocks */

#define MOVERS(T)                                                                              \
  static void gather_##T(T *to, const T *from, int64_t rows, int64_t cols, int64_t s1,         \
                         int64_t s0) {                                                         \
    for (int64_t r = 0; r < rows; r++, from += s1, to += cols)                                 \
      for (int64_t c = 0; c < cols; c++) to[c] = from[c * s0];                                 \
  }                                                                                            \
  static void scatter_##T(T *to, const T *from, int64_t rows, int64_t cols, int64_t s1,        \
                          int64_t s0) {                                                        \
    for (int64_t r = 0; r < rows; r++, to += s1, from += cols)                                 \
      for (int64_t c = 0; c < cols; c++) to[c * s0] = from[c];                                 \
  }
MOVERS(uint8_t)
MOVERS(uint16_t)
MOVERS(uint32_t)
MOVERS(uint64_t)

static void gather(int item, void *to, const void *from, int64_t rows, int64_t cols, int64_t s1,
                   int64_t s0) {
  if (s0 == 1 && rows == 1) memcpy(to, from, (size_t)(cols * item));
  else if (item == 4) gather_uint32_t(to, from, rows, cols, s1, s0);
  else if (item == 8) gather_uint64_t(to, from, rows, cols, s1, s0);
  else if (item == 1) gather_uint8_t(to, from, rows, cols, s1, s0);
  else gather_uint16_t(to, from, rows, cols, s1, s0);
}

static void scatter(int item, void *to, const void *from, int64_t rows, int64_t cols, int64_t s1,
                    int64_t s0) {
  if (item == 4) scatter_uint32_t(to, from, rows, cols, s1, s0);
  else if (item == 8) scatter_uint64_t(to, from, rows, cols, s1, s0);
  else if (item == 1) scatter_uint8_t(to, from, rows, cols, s1, s0);
  else scatter_uint16_t(to, from, rows, cols, s1, s0);
}

/* Stride of operand k from row to row (0 where there is one dimension). */
static int64_t row_stride(const fnn_iter *it, int k) {
  return it->ndim > 1 ? it->stride[1][k] : 0;
}

static void one_block(const walk *w, char *const *p, int64_t r, int64_t c,
                      char (*block)[BLOCK * 8]) {
  const fnn_iter *it = w->it;
  int64_t rows = fnn_min64(w->rows, (it->ndim > 1 ? it->size[1] : 1) - r);
  int64_t cols = fnn_min64(w->cols, it->size[0] - c);
  char *q[FNN_ITER_OPERANDS], *home[FNN_ITER_OPERANDS];
  for (int k = 0; k < it->nop; k++) {
    int64_t s0 = it->stride[0][k], s1 = row_stride(it, k);
    home[k] = p[k] + (r * s1 + c * s0) * it->item[k];
    q[k] = w->mode[k] == DIRECT ? home[k] : block[k];
    if (w->mode[k] == GATHER && k >= it->nout)
      gather(it->item[k], q[k], home[k], rows, cols, s1, s0);
  }
  w->fn(w->ctx, rows * cols, q, w->inner);
  for (int k = 0; k < it->nout; k++)
    if (w->mode[k] == GATHER)
      scatter(it->item[k], home[k], q[k], rows, cols, row_stride(it, k), it->stride[0][k]);
}

static void block_range(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const walk *w = ctx;
  const fnn_iter *it = w->it;
  _Alignas(64) char block[FNN_ITER_OPERANDS][BLOCK * 8];
  char *p[FNN_ITER_OPERANDS];
  int64_t at[FNN_MAX_DIMS], per = w->row_blocks * w->col_blocks;
  for (int k = 0; k < it->nop; k++)
    if (w->mode[k] == FIXED)
      gather(it->item[k], block[k], it->data[k], w->rows, w->cols, 0, it->stride[0][k]);
  seek(it, 2, begin / per, at, p);
  for (int64_t b = begin; b < end; b++) {
    /* rows fastest: the lines of a transposed operand are still in the cache for the next row */
    int64_t in = b % per, r = in % w->row_blocks * w->rows, c = in / w->row_blocks * w->cols;
    one_block(w, p, r, c, block);
    if (in == per - 1 && b + 1 < end) step(it, 2, at, p);
  }
}

/* How operand k reaches the callback in blocks of w->rows x w->cols. */
static void choose(walk *w, int k, int zeros) {
  const fnn_iter *it = w->it;
  int64_t s0 = it->stride[0][k], s1 = row_stride(it, k), outer = s1;
  for (int d = 2; d < it->ndim; d++) outer |= it->stride[d][k];
  w->inner[k] = 1;
  w->mode[k] = GATHER;
  if (s0 == 1 && (w->rows == 1 || s1 == w->cols)) w->mode[k] = DIRECT;
  else if (k < it->nout) return;
  else if (zeros && s0 == 0 && (outer == 0 || w->rows == 1)) w->mode[k] = DIRECT, w->inner[k] = 0;
  else if (outer == 0 && (s0 == 0 || w->cols == it->size[0])) w->mode[k] = FIXED;
}

void fnn_iter_dense(const fnn_iter *it, int64_t grain, int zeros, fnn_iter_fn fn, void *ctx) {
  if (it->numel == 0) return;
  int direct = it->ndim == 1 || it->size[0] >= SHORT;
  for (int k = 0; k < it->nop && direct; k++)
    direct = it->stride[0][k] == 1 || (zeros && k >= it->nout && it->stride[0][k] == 0);
  if (direct && (it->ndim == 1 || it->size[0] > BLOCK / 2)) {
    fnn_iter_each(it, grain, fn, ctx);
    return;
  }
  walk w = {.it = it, .fn = fn, .ctx = ctx};
  int64_t size1 = it->ndim > 1 ? it->size[1] : 1;
  w.cols = fnn_min64(it->size[0], BLOCK);
  w.rows = w.cols == it->size[0] ? fnn_min64(size1, BLOCK / w.cols) : 1;
  w.col_blocks = fnn_ceil_div(it->size[0], w.cols);
  w.row_blocks = fnn_ceil_div(size1, w.rows);
  int gathers = 0;
  for (int k = 0; k < it->nop; k++) {
    choose(&w, k, zeros);
    gathers |= w.mode[k] == GATHER;
  }
  if (direct && gathers) { /* else joined: a row repeated is copied once for many rows */
    fnn_iter_each(it, grain, fn, ctx);
    return;
  }
  int64_t blocks = it->numel / (it->size[0] * size1) * w.row_blocks * w.col_blocks;
  fnn_parallel_for(blocks, fnn_ceil_div(grain, w.rows * w.cols), block_range, &w);
}
