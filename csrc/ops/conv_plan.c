/* Which taps an output's window has inside the input: runs of outputs of one dimension that share
 * them, and the segments of their products. Border taps are left out, not multiplied by zero. */
#include "ops/conv.h"

static int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }
static int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

static int64_t gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

/* The taps of output q, as a run of one. */
static fnn_conv_run taps_of(const fnn_conv *g, int dim, int64_t q) {
  int64_t s = g->stride[dim], d = g->dilation[dim], p = g->padding[dim], last = g->in[dim] - 1;
  int64_t taps = g->kernel[dim], lo, hi;
  fnn_conv_run run = {.q = q, .qstep = 1, .count = 1, .tapstep = 1, .rstep = s, .rtap = d};
  if (!g->transposed) { /* r = q s - p + t d */
    lo = fnn_max64(0, ceil_div(p - q * s, d));
    hi = fnn_min64(taps - 1, floor_div(last + p - q * s, d));
    run.r = q * s - p + lo * d;
  } else { /* q = r s - p + t d; the packed taps are counted from the last one */
    int64_t f = gcd(s, d), t = 0;
    run.qstep = s;
    run.rstep = 1;
    run.tapstep = s / f;
    run.rtap = d / f;
    int64_t most = fnn_min64(run.tapstep, taps); /* taps beyond are none, however far the stride */
    while (t < most && (q + p - t * d) % s) t++;
    lo = fnn_max64(0, ceil_div(q + p - last * s, d));
    hi = fnn_min64(taps - 1, floor_div(q + p, d));
    if (t == most) lo = hi + 1;
    lo += ((t - lo) % run.tapstep + run.tapstep) % run.tapstep;
    if (lo <= hi) hi = lo + (hi - lo) / run.tapstep * run.tapstep;
    run.r = (q + p - hi * d) / s;
    int64_t flipped = taps - 1 - hi;
    hi = taps - 1 - lo;
    lo = flipped;
  }
  if (lo > hi) {
    run.r = 0;
    return run;
  }
  run.tap = lo;
  run.taps = (hi - lo) / run.tapstep + 1;
  return run;
}

int64_t fnn_conv_runs(const fnn_conv *g, int dim, fnn_conv_run *out) {
  int64_t step = g->transposed ? g->stride[dim] : 1, n = 0;
  for (int64_t first = 0; first < step && first < g->out[dim]; first++) {
    fnn_conv_run run = taps_of(g, dim, first);
    for (int64_t q = first + step; q < g->out[dim]; q += step) {
      fnn_conv_run next = taps_of(g, dim, q);
      if (next.tap == run.tap && next.taps == run.taps &&
          (run.taps == 0 || next.r == run.r + run.count * run.rstep)) {
        run.count++;
        continue;
      }
      if (out) out[n] = run;
      n++;
      run = next;
    }
    if (out) out[n] = run;
    n++;
  }
  return n;
}

fnn_conv_run fnn_conv_clip(fnn_conv_run run, int64_t q0, int64_t q1) {
  int64_t skip = q0 > run.q ? ceil_div(q0 - run.q, run.qstep) : 0;
  int64_t end = q1 > run.q ? fnn_min64(run.count, ceil_div(q1 - run.q, run.qstep)) : 0;
  run.q += skip * run.qstep;
  run.r += skip * run.rstep;
  run.count = fnn_max64(0, end - skip);
  return run;
}

void fnn_conv_reach(const fnn_conv *g, int dim, int64_t q0, int64_t q1, int64_t *lo, int64_t *hi) {
  int64_t s = g->stride[dim], p = g->padding[dim], wide = (g->kernel[dim] - 1) * g->dilation[dim];
  if (g->transposed) {
    *lo = ceil_div(q0 + p - wide, s);
    *hi = floor_div(q1 - 1 + p, s) + 1;
  } else {
    *lo = q0 * s - p;
    *hi = (q1 - 1) * s - p + wide + 1;
  }
  *lo = fnn_min64(fnn_max64(*lo, 0), g->in[dim]);
  *hi = fnn_max64(*lo, fnn_min64(*hi, g->in[dim]));
}

int64_t fnn_conv_reach_max(const fnn_conv *g, int dim, int64_t band) {
  int64_t s = g->stride[dim], wide = (g->kernel[dim] - 1) * g->dilation[dim];
  int64_t n = g->transposed ? (band - 1 + wide) / s + 2 : (band - 1) * s + wide + 1;
  return fnn_min64(n, g->in[dim]);
}

int64_t fnn_conv_segments(const fnn_conv *g, const fnn_pixels *x, const fnn_conv_run *const run[],
                          fnn_conv_segment *seg, int64_t *at) {
  const fnn_conv_run *d = run[0], *h = run[1], *w = run[2];
  int64_t n = 0;
  *at = d->r * x->at[0] + h->r * x->at[1] + w->r * x->at[2];
  for (int64_t i = 0; i < d->taps; i++)
    for (int64_t j = 0; j < h->taps; j++)
      for (int64_t k = 0; k < w->taps; k++) {
        int64_t row = (d->tap + i * d->tapstep) * g->kernel[1] + h->tap + j * h->tapstep;
        row = (row * g->kernel[2] + w->tap + k * w->tapstep) * g->cin;
        int64_t a = i * d->rtap * x->at[0] + j * h->rtap * x->at[1] + k * w->rtap * x->at[2];
        fnn_conv_segment *last = seg + n - 1;
        if (n && x->channel == 1 && last->a + last->k == a && last->b + last->k == row) last->k += g->cin;
        else seg[n++] = (fnn_conv_segment){a, row, g->cin};
      }
  return n;
}

fnn_pixels fnn_conv_dense(const int64_t *size, int axis, int64_t band, int64_t channels) {
  fnn_pixels p = {.channel = 1};
  int64_t stride = channels;
  for (int d = FNN_CONV_DIMS - 1; d >= 0; d--) {
    p.at[d] = stride;
    stride *= d == axis ? band : size[d];
  }
  p.batch = stride;
  return p;
}

int fnn_conv_axis(const fnn_conv *g) {
  int axis = 0;
  while (axis < FNN_CONV_DIMS - 1 && g->out[axis] <= 1) axis++;
  return axis;
}

void fnn_conv_move(const fnn_conv *g, const int64_t *size, int64_t channels, int axis, int64_t lo,
                   int64_t hi, int64_t n0, int64_t n1, const fnn_pixels *x, const fnn_pixels *y) {
  const int64_t item = fnn_dtype_size((fnn_dtype)g->dtype);
  const fnn_conv_kernels *k = fnn_conv_kernels_of(g->dtype);
  const fnn_copy_kernels *copy = fnn_k->copy;
  const int by_size = g->dtype == FNN_F32 ? 2 : 3;
  int64_t from[FNN_CONV_DIMS] = {0}, to[FNN_CONV_DIMS];
  for (int d = 0; d < FNN_CONV_DIMS; d++) to[d] = size[d];
  from[axis] = lo;
  to[axis] = hi;
  int64_t w = to[2] - from[2], h = to[1] - from[1];
  if (w == size[2] && x->at[1] == x->at[2] * w && y->at[1] == y->at[2] * w) {
    w *= h;
    h = 1;
  }
  for (int64_t n = n0; n < n1; n++)
    for (int64_t d = from[0]; d < to[0]; d++)
      for (int64_t i = 0; i < h; i++) {
        int64_t row = from[1] + i;
        const char *a = x->data + item * (n * x->batch + d * x->at[0] + row * x->at[1] +
                                          from[2] * x->at[2]);
        char *b = y->data + item * (n * y->batch + d * y->at[0] + row * y->at[1] +
                                    from[2] * y->at[2]);
        if (x->channel == 1 && y->channel == 1)
          copy->rows(w, channels * item, a, item * x->at[2], b, item * y->at[2]);
        else if (y->channel == 1 && x->at[2] == 1)
          k->transpose(channels, w, a, x->channel, b, y->at[2]);
        else if (x->channel == 1 && y->at[2] == 1)
          k->transpose(w, channels, a, x->at[2], b, y->channel);
        else
          for (int64_t c = 0; c < channels; c++)
            copy->strided[by_size](w, a + item * c * x->channel, item * x->at[2],
                                   b + item * c * y->channel, item * y->at[2]);
      }
}
