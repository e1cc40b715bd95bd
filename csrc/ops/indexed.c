/* The indexed move: a plan (run, other dimensions, positions), then kernels over chunks. */
#include "ops/indexed.h"

#define GRAIN_BYTES (1 << 16)
#define LINE 64
#define FEW 8 /* positions that are better copied one whole slice after the other */

typedef struct job {
  int move, dtype, size_class;
  int value; /* d is one value, everywhere */
  char *t, *d;
  const fnn_positions *pos;
  int64_t run, dj; /* bytes of a contiguous run; d's stride from position to position */
  int nd, nbefore; /* the other dimensions; the first nbefore lie before the index in d */
  int64_t size[FNN_MAX_DIMS], ts[FNN_MAX_DIMS], ds[FNN_MAX_DIMS];
  int64_t before, after; /* products of their sizes */
} job;

static int indexed(const fnn_indices *ix, int dim) {
  for (int k = 0; k < ix->k; k++)
    if (ix->dims[k] == dim) return 1;
  return 0;
}

static void plan(job *b, const fnn_tensor *t, const fnn_tensor *d, const fnn_indices *ix, int at) {
  int64_t item = fnn_dtype_size((fnn_dtype)t->dtype);
  int dd = 0;
  b->dtype = t->dtype;
  b->size_class = fnn_size_class(t->dtype);
  b->t = fnn_tensor_data(t);
  b->d = fnn_tensor_data(d);
  b->run = item;
  b->value = !fnn_tensor_is_contiguous(d);
  b->dj = b->value ? 0 : item;
  for (int i = at + ix->ndim; i < d->ndim; i++) b->dj *= d->size[i];
  b->nd = b->nbefore = 0;
  for (int dim = 0; dim < t->ndim; dim++) {
    if (indexed(ix, dim)) continue;
    if (dd == at) dd += ix->ndim;
    if (t->size[dim] != 1) {
      b->size[b->nd] = t->size[dim];
      b->ts[b->nd] = t->stride[dim] * item;
      b->ds[b->nd++] = d->stride[dd] * item;
      if (dd < at) b->nbefore++;
    }
    dd++;
  }
  while (b->nd > b->nbefore && b->ts[b->nd - 1] == b->run && b->ds[b->nd - 1] == b->run)
    b->run *= b->size[--b->nd];
  b->before = b->after = 1;
  for (int i = 0; i < b->nd; i++) *(i < b->nbefore ? &b->before : &b->after) *= b->size[i];
}

/* Moves t and d to the coordinates of flat number i over dimensions [from, to). */
static void seek(const job *b, int from, int to, int64_t i, char **t, char **d) {
  for (int k = to - 1; k >= from; k--) {
    int64_t at = i % b->size[k];
    i /= b->size[k];
    *t += at * b->ts[k];
    *d += at * b->ds[k];
  }
}

/* Positions [first, first + n) at one place of the other dimensions, bytes [lo, hi) of the run. */
static void move_chunk(const job *b, int64_t n, const int64_t *off, char *t, char *d, int64_t lo,
                       int64_t hi) {
  const fnn_index_kernels *k = fnn_k->index;
  int64_t item = 1 << b->size_class;
  t += lo;
  d += lo;
  if (b->move >= 0)
    k->accumulate[b->move][b->dtype](n, (hi - lo) / item, off, t, 0, d, b->dj);
  else if (hi - lo == item)
    (b->move == FNN_TAKE ? k->take : k->put)[b->size_class](n, off, t, 0, d, b->dj);
  else
    (b->move == FNN_TAKE ? k->take_rows : k->put_rows)(n, hi - lo, off, t, d, b->dj);
}

/* All positions [first, last) at the outer place `before` and inner places [a0, a1). */
static void move_block(const job *b, int64_t before, int64_t a0, int64_t a1, int64_t first,
                       int64_t last, int64_t lo, int64_t hi) {
  int64_t buf[FNN_INDEX_CHUNK];
  char *t0 = b->t, *d0 = b->d;
  seek(b, 0, b->nbefore, before, &t0, &d0);
  for (int64_t j = first; j < last; j += FNN_INDEX_CHUNK) {
    int64_t n = fnn_min64(FNN_INDEX_CHUNK, last - j);
    const int64_t *off = fnn_positions_chunk(b->pos, j, n, buf);
    for (int64_t a = a0; a < a1; a++) {
      char *t = t0, *d = d0 + j * b->dj;
      seek(b, b->nbefore, b->nd, a, &t, &d);
      move_chunk(b, n, off, t, d, lo, hi);
    }
  }
}

/* Any share of the output is free to any thread. */
static void by_chunk(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *b = ctx;
  int64_t chunks = fnn_ceil_div(b->pos->m, FNN_INDEX_CHUNK);
  for (int64_t u = begin; u < end; u++) {
    int64_t first = u % chunks * FNN_INDEX_CHUNK;
    move_block(b, u / chunks, 0, b->after, first, fnn_min64(first + FNN_INDEX_CHUNK, b->pos->m), 0,
               b->run);
  }
}

/* Writers of one place stay with one thread: it owns columns of the run, or whole lanes. */
static void by_column(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *b = ctx;
  for (int64_t o = 0; o < b->before; o++)
    move_block(b, o, 0, b->after, 0, b->pos->m, begin * LINE, fnn_min64(end * LINE, b->run));
}

static void by_lane(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const job *b = ctx;
  while (begin < end) {
    int64_t a0 = begin % b->after, a1 = fnn_min64(b->after, a0 + end - begin);
    move_block(b, begin / b->after, a0, a1, 0, b->pos->m, 0, b->run);
    begin += a1 - a0;
  }
}

/* One whole slice after the other. */
static void by_slice(const job *b, const fnn_tensor *t, const fnn_tensor *d) {
  fnn_tensor ts = *t, ds = *d;
  int64_t buf[1], item = fnn_dtype_size((fnn_dtype)t->dtype);
  ts.ndim = ds.ndim = (int8_t)b->nd;
  for (int i = 0; i < b->nd; i++) {
    ts.size[i] = ds.size[i] = b->size[i];
    ts.stride[i] = b->ts[i] / item;
    ds.stride[i] = b->ds[i] / item;
  }
  if (b->run != item) { /* the run is a dimension again */
    ts.ndim = ds.ndim = (int8_t)(b->nd + 1);
    ts.size[b->nd] = ds.size[b->nd] = b->run / item;
    ts.stride[b->nd] = ds.stride[b->nd] = 1;
  }
  for (int64_t j = 0; j < b->pos->m; j++) {
    ts.offset = t->offset + fnn_positions_chunk(b->pos, j, 1, buf)[0];
    ds.offset = d->offset + j * b->dj;
    if (b->move == FNN_TAKE) fnn_copy(&ts, &ds);
    else fnn_copy(&ds, &ts);
  }
}

void fnn_indexed_move(int move, const fnn_tensor *t, const fnn_tensor *d, const fnn_indices *ix,
                      int at, const fnn_positions *pos) {
  job b = {.move = move, .pos = pos};
  plan(&b, t, d, ix, at);
  int64_t others = b.before * b.after, lines = fnn_ceil_div(b.run, LINE);
  if (pos->m == 0 || others == 0 || b.run == 0) return;
  if (move < 0 && others >= 16 && (b.value || (pos->m <= FEW && b.run < LINE))) {
    by_slice(&b, t, d);
  } else if (move == FNN_TAKE) {
    int64_t bytes = fnn_min64(pos->m, FNN_INDEX_CHUNK) * b.after * b.run;
    fnn_parallel_for(b.before * fnn_ceil_div(pos->m, FNN_INDEX_CHUNK),
                     fnn_max64(1, GRAIN_BYTES / bytes), by_chunk, &b);
  } else if (lines > 1 || others == 1) {
    int64_t bytes = LINE * pos->m * others;
    fnn_parallel_for(lines, fnn_max64(1, GRAIN_BYTES / bytes), by_column, &b);
  } else {
    fnn_parallel_for(others, fnn_max64(1, GRAIN_BYTES / (b.run * pos->m)), by_lane, &b);
  }
}
