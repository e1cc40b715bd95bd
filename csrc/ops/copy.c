/* The strided copy. Dimensions are ordered by the destination's strides and merged; then a
 * copy is runs (memcpy), fills, blocked transposes, or strided rows; with a conversion, the same
 * through a small buffer. Threads split one dimension. */
#include "ops/copy.h"

#define GRAIN_BYTES (1 << 17)
#define CHUNK 512

typedef enum mode { RUNS, FILL, TRANSPOSE, STRIDED } mode;

typedef struct plan {
  const char *x;
  char *y;
  int from, to; /* dtypes; equal where the bits are moved as they are */
  int nd;       /* at least 1 */
  mode mode;
  int64_t size[FNN_MAX_DIMS], xs[FNN_MAX_DIMS], ys[FNN_MAX_DIMS]; /* strides in bytes */
} plan;

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

static void move_dim(plan *p, int from, int to) {
  int64_t n = p->size[from], a = p->xs[from], b = p->ys[from];
  for (int d = from; d > to; d--) {
    p->size[d] = p->size[d - 1];
    p->xs[d] = p->xs[d - 1];
    p->ys[d] = p->ys[d - 1];
  }
  for (int d = from; d < to; d++) {
    p->size[d] = p->size[d + 1];
    p->xs[d] = p->xs[d + 1];
    p->ys[d] = p->ys[d + 1];
  }
  p->size[to] = n;
  p->xs[to] = a;
  p->ys[to] = b;
}

/* Dimensions of size 1 out, destination strides positive and descending. */
static void order(plan *p, const fnn_tensor *x, const fnn_tensor *y) {
  int64_t xi = fnn_dtype_size((fnn_dtype)x->dtype), yi = fnn_dtype_size((fnn_dtype)y->dtype);
  p->nd = 0;
  for (int d = 0; d < y->ndim; d++) {
    int k = d - (y->ndim - x->ndim), at = p->nd;
    if (y->size[d] == 1) continue;
    int64_t n = y->size[d], ys = y->stride[d] * yi;
    int64_t xs = k < 0 || x->size[k] == 1 ? 0 : x->stride[k] * xi;
    if (ys < 0) {
      p->y += (n - 1) * ys;
      p->x += (n - 1) * xs;
      ys = -ys;
      xs = -xs;
    }
    p->size[at] = n;
    p->xs[at] = xs;
    p->ys[at] = ys;
    while (at > 0 && p->ys[at - 1] < ys) at--;
    move_dim(p, p->nd, at);
    p->nd++;
  }
}

static void merge(plan *p) {
  int n = 0;
  for (int d = 1; d < p->nd; d++) {
    if (p->ys[n] == p->size[d] * p->ys[d] && p->xs[n] == p->size[d] * p->xs[d]) {
      p->size[n] *= p->size[d];
    } else {
      n++;
      p->size[n] = p->size[d];
    }
    p->xs[n] = p->xs[d];
    p->ys[n] = p->ys[d];
  }
  if (p->nd) p->nd = n + 1;
  else *p = (plan){p->x, p->y, p->from, p->to, 1, RUNS, {1}, {0}, {0}};
}

static void choose(plan *p) {
  int last = p->nd - 1, k = last;
  int64_t xi = fnn_dtype_size((fnn_dtype)p->from), yi = fnn_dtype_size((fnn_dtype)p->to);
  if (p->size[last] == 1) {
    p->xs[last] = xi;
    p->ys[last] = yi;
  }
  p->mode = STRIDED;
  if (p->ys[last] != yi) return;
  for (int d = 0; d < last; d++)
    if (p->xs[d] && magnitude(p->xs[d]) < magnitude(p->xs[k])) k = d;
  if (p->xs[last] == xi) p->mode = RUNS;
  else if (p->xs[last] == 0) p->mode = FILL;
  else if (k != last && p->size[k] >= 4) p->mode = TRANSPOSE;
  if (p->mode == TRANSPOSE) move_dim(p, k, last - 1);
}

/* ---- one innermost block, by mode */

static void cast_row(const plan *p, int64_t n, const char *x, int64_t xs, char *y, int64_t ys) {
  int64_t xi = fnn_dtype_size((fnn_dtype)p->from), yi = fnn_dtype_size((fnn_dtype)p->to);
  int64_t in[CHUNK], out[CHUNK];
  if (xs == xi && ys == yi) {
    fnn_cast_run(n, p->from, x, p->to, y);
    return;
  }
  for (int64_t i = 0; i < n; i += CHUNK) {
    int64_t m = fnn_min64(CHUNK, n - i);
    const char *src = x + i * xs;
    char *dst = y + i * ys;
    if (xs != xi) {
      fnn_k->copy->strided[fnn_size_class(p->from)](m, src, xs, (char *)in, xi);
      src = (const char *)in;
    }
    fnn_cast_run(m, p->from, src, p->to, ys == yi ? dst : (char *)out);
    if (ys != yi) fnn_k->copy->strided[fnn_size_class(p->to)](m, (char *)out, yi, dst, ys);
  }
}

/* Rows of up to CHUNK elements of a transpose, converted. */
static void cast_transpose(const plan *p, const char *x, char *y) {
  int c = p->nd - 2, r = p->nd - 1;
  int64_t xi = fnn_dtype_size((fnn_dtype)p->from), yi = fnn_dtype_size((fnn_dtype)p->to);
  int64_t buf[8 * CHUNK];
  const int64_t nc = 8 * CHUNK / FNN_COPY_TILE, nr = FNN_COPY_TILE;
  for (int64_t i = 0; i < p->size[r]; i += nr)
    for (int64_t j = 0; j < p->size[c]; j += nc) {
      int64_t m = fnn_min64(nr, p->size[r] - i), n = fnn_min64(nc, p->size[c] - j);
      fnn_k->copy->transpose[fnn_size_class(p->from)](
          m, n, x + i * p->xs[r] + j * p->xs[c], p->xs[r], p->xs[c], (char *)buf, nr * xi);
      for (int64_t t = 0; t < n; t++)
        fnn_cast_run(m, p->from, (char *)buf + t * nr * xi, p->to,
                     y + (j + t) * p->ys[c] + i * yi);
    }
}

static void rows(const plan *p, int64_t n, const char *x, int64_t xs, char *y, int64_t ys) {
  int d = p->nd - 1, s = fnn_size_class(p->to);
  if (p->from == p->to && p->mode == RUNS) {
    fnn_k->copy->rows(n, p->size[d] * p->ys[d], x, xs, y, ys);
    return;
  }
  for (int64_t i = 0; i < n; i++, x += xs, y += ys) {
    if (p->mode == FILL) {
      int64_t value;
      fnn_cast_run(1, p->from, x, p->to, &value);
      fnn_k->copy->fill[s](p->size[d], &value, y);
    } else if (p->from == p->to) {
      fnn_k->copy->strided[s](p->size[d], x, p->xs[d], y, p->ys[d]);
    } else {
      cast_row(p, p->size[d], x, p->xs[d], y, p->ys[d]);
    }
  }
}

static void inner(const plan *p, const char *x, char *y) {
  int c = p->nd - 2, r = p->nd - 1;
  if (p->mode != TRANSPOSE) {
    if (p->nd == 1) rows(p, 1, x, 0, y, 0);
    else rows(p, p->size[c], x, p->xs[c], y, p->ys[c]);
  } else if (p->from == p->to) {
    fnn_k->copy->transpose[fnn_size_class(p->to)](p->size[r], p->size[c], x, p->xs[r], p->xs[c], y,
                                                  p->ys[c]);
  } else {
    cast_transpose(p, x, y);
  }
}

/* The outer dimensions, as an odometer. */
static void walk(const plan *p) {
  int outer = p->nd - 2;
  int64_t at[FNN_MAX_DIMS] = {0};
  const char *x = p->x;
  char *y = p->y;
  for (;;) {
    inner(p, x, y);
    int d = outer - 1;
    for (; d >= 0; d--) {
      x += p->xs[d];
      y += p->ys[d];
      if (++at[d] < p->size[d]) break;
      x -= p->xs[d] * p->size[d];
      y -= p->ys[d] * p->size[d];
      at[d] = 0;
    }
    if (d < 0) return;
  }
}

typedef struct share {
  const plan *p;
  int dim;
  int64_t unit;
} share;

static void part(void *ctx, int64_t begin, int64_t end, int thread) {
  const share *s = ctx;
  plan p = *s->p;
  (void)thread;
  begin *= s->unit;
  p.size[s->dim] = fnn_min64(end * s->unit, p.size[s->dim]) - begin;
  p.x += begin * p.xs[s->dim];
  p.y += begin * p.ys[s->dim];
  walk(&p);
}

/* The outermost dimension that is long enough to share out, else the longest. */
static void split(const plan *p, int64_t numel) {
  share s = {p, 0, 1};
  int d = 0;
  while (d < p->nd && p->size[d] < 64) d++;
  if (d < p->nd) s.dim = d;
  else
    for (d = 1; d < p->nd; d++)
      if (p->size[d] > p->size[s.dim]) s.dim = d;
  int64_t n = p->size[s.dim];
  if (s.dim >= p->nd - 2 && n > FNN_COPY_TILE) s.unit = FNN_COPY_TILE;
  int64_t bytes = numel / n * s.unit * fnn_dtype_size((fnn_dtype)p->to);
  int64_t grain = fnn_max64(1, GRAIN_BYTES / fnn_max64(1, bytes));
  fnn_parallel_for(fnn_ceil_div(n, s.unit), grain, part, &s);
}

void fnn_copy(const fnn_tensor *x, const fnn_tensor *y) {
  int64_t numel = fnn_tensor_numel(y), bytes = numel * fnn_dtype_size((fnn_dtype)y->dtype);
  plan p;
  if (numel == 0) return;
  p.x = fnn_tensor_data(x);
  p.y = fnn_tensor_data(y);
  p.from = x->dtype;
  p.to = y->dtype;
  if (p.from == FNN_BOOL && (p.to == FNN_U8 || p.to == FNN_I8)) p.from = p.to;
  if (p.from == FNN_U8 && p.to == FNN_I8) p.from = p.to;
  if (p.from == FNN_I8 && p.to == FNN_U8) p.from = p.to;
  order(&p, x, y);
  merge(&p);
  choose(&p);
  if (bytes < 2 * GRAIN_BYTES) walk(&p);
  else split(&p, numel);
}
