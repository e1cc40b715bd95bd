#include "ops/reduce_plan.h"

typedef struct dim { int64_t size, x, y[2]; } dim;

static int64_t magnitude(int64_t v) { return v < 0 ? -v : v; }

/* Widest stride first; equal strides keep their order. */
static void sort(dim *d, int n) {
  for (int i = 1; i < n; i++) {
    dim t = d[i];
    int j = i;
    for (; j > 0 && magnitude(d[j - 1].x) < magnitude(t.x); j--) d[j] = d[j - 1];
    d[j] = t;
  }
}

static int merges(const dim *a, const dim *b) {
  return a->x == b->x * b->size && a->y[0] == b->y[0] * b->size && a->y[1] == b->y[1] * b->size;
}

static int merge(dim *d, int n) {
  int m = 0;
  for (int i = 0; i < n; i++) {
    if (m && merges(&d[m - 1], &d[i])) {
      int64_t size = d[m - 1].size * d[i].size;
      d[m - 1] = d[i];
      d[m - 1].size = size;
    } else {
      d[m++] = d[i];
    }
  }
  return m;
}

static void collect(fnn_reduction *r, const fnn_tensor *x, unsigned mask, int keepdim, int ordered,
                    const fnn_tensor *const *outs, int nout) {
  dim kept[FNN_MAX_DIMS], reduced[FNN_MAX_DIMS];
  int nk = 0, nr = 0, at = 0;
  r->origin = 0;
  r->outputs = r->count = 1;
  for (int d = 0; d < x->ndim; d++) {
    int in = mask >> d & 1;
    int64_t size = x->size[d], stride = x->stride[d];
    if (size != 1 && in) {
      if (stride < 0 && !ordered) r->origin += (size - 1) * stride, stride = -stride;
      reduced[nr++] = (dim){size, stride, {0, 0}};
      r->count *= size;
    } else if (size != 1) {
      dim k = {size, stride, {0, 0}};
      for (int i = 0; i < nout; i++) k.y[i] = outs[i] ? outs[i]->stride[at] : 0;
      kept[nk++] = k;
      r->outputs *= size;
    }
    if (keepdim || !in) at++;
  }
  sort(kept, nk);
  if (!ordered) sort(reduced, nr);
  r->nk = merge(kept, nk);
  r->nr = merge(reduced, nr);
  for (int d = 0; d < r->nk; d++) {
    r->ksize[d] = kept[d].size;
    r->kx[d] = kept[d].x;
    r->ky[0][d] = kept[d].y[0];
    r->ky[1][d] = kept[d].y[1];
  }
  for (int d = 0; d < r->nr; d++) {
    r->rsize[d] = reduced[d].size;
    r->rx[d] = reduced[d].x;
  }
}

void fnn_reduction_plan(fnn_reduction *r, const fnn_tensor *x, unsigned mask, int keepdim,
                        int ordered, int64_t narrow, const fnn_tensor *const *outs, int nout) {
  collect(r, x, mask, keepdim, ordered, outs, nout);
  r->run = r->nr ? r->rsize[r->nr - 1] : 1;
  r->run_stride = r->nr ? r->rx[r->nr - 1] : 1;
  r->runs = r->run ? r->count / r->run : 1;
  r->width = 1;
  r->width_stride = 0;
  int64_t side = r->nk ? r->ksize[r->nk - 1] : 1;
  int64_t step = r->nk ? magnitude(r->kx[r->nk - 1]) : 0;
  r->columns = step && step < magnitude(r->run_stride) && side >= narrow && r->count > 0 &&
               r->outputs > 0;
  r->block = FNN_ROW_BLOCK;
  if (r->columns) {
    r->width = side;
    r->width_stride = r->kx[r->nk - 1];
    int packed = r->width_stride == 1 && r->run_stride == side && r->runs == 1;
    r->block = side >= FNN_COL_NARROW ? FNN_COL_BLOCK
               : (packed ? FNN_COL_PACKED : FNN_ROW_BLOCK) / side;
  }
  r->parts = r->run > r->block ? fnn_ceil_div(r->run, r->block) : 1;
  /* long contiguous runs are blocks of their own; short or strided ones are gathered together */
  int lone = r->run * 8 >= r->block && (r->columns ? r->width_stride : r->run_stride) == 1;
  r->per = r->parts > 1 || lone ? 1 : r->block / fnn_max64(r->run, 1);
  r->blocks = r->parts > 1 ? r->runs * r->parts : fnn_ceil_div(r->runs, r->per);
}

int64_t fnn_reduction_start(const fnn_reduction *r, int64_t b) {
  if (r->parts > 1) return b / r->parts * r->run + b % r->parts * r->block;
  return fnn_min64(b * r->per, r->runs) * r->run;
}

static int64_t offset_of(int64_t i, int n, const int64_t *size, const int64_t *stride) {
  int64_t at = 0;
  for (int d = n - 1; d >= 0; d--) {
    at += i % size[d] * stride[d];
    i /= size[d];
  }
  return at;
}

int64_t fnn_reduction_at(const fnn_reduction *r, int64_t o, int which) {
  if (which < 0) return r->origin + offset_of(o, r->nk, r->ksize, r->kx);
  return offset_of(o, r->nk, r->ksize, r->ky[which]);
}

#define GATHER(T)                                                          \
  static void gather_##T(int64_t n, const T *x, int64_t stride, T *y) {    \
    for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];                  \
  }
GATHER(uint8_t)
GATHER(uint32_t)
GATHER(uint64_t)

static void gather(int64_t n, int item, const char *x, int64_t stride, char *y) {
  if (stride == 1) memcpy(y, x, (size_t)(n * item));
  else if (item == 4) gather_uint32_t(n, (const void *)x, stride, (void *)y);
  else if (item == 8) gather_uint64_t(n, (const void *)x, stride, (void *)y);
  else gather_uint8_t(n, (const void *)x, stride, (void *)y);
}

const void *fnn_reduction_block(const fnn_reduction *r, int64_t base, int64_t b, int64_t width,
                                int item, const char *x, void *buffer, int64_t *n, int64_t *rs) {
  int64_t from = fnn_reduction_start(r, b);
  *n = fnn_reduction_start(r, b + 1) - from;
  int64_t first = from / fnn_max64(r->run, 1), skip = from - first * r->run;
  int64_t step = r->columns ? r->width_stride : r->run_stride;
  const char *at = x + (base + skip * r->run_stride) * item;
  if (*n <= r->run && step == 1) {
    *rs = r->columns ? r->run_stride : r->run;
    return at + offset_of(first, r->nr - 1, r->rsize, r->rx) * item;
  }
  char *to = buffer;
  int64_t left = *n;
  for (int64_t i = first; left > 0; i++) {
    const char *run = at + offset_of(i, r->nr - 1, r->rsize, r->rx) * item;
    int64_t take = fnn_min64(left, r->run);
    if (!r->columns) {
      gather(take, item, run, r->run_stride, to);
      to += take * item;
    } else {
      for (int64_t j = 0; j < take; j++, to += width * item)
        gather(width, item, run + j * r->run_stride * item, r->width_stride, to);
    }
    left -= take;
  }
  *rs = r->columns ? width : *n;
  return buffer;
}
