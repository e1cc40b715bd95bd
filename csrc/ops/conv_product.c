/* One tap, stride 1, no padding, planes of pixels: y = w x for every image and group, a matrix
 * product as it stands. */
#include "ops/conv.h"

#include "ops/gemm.h"

#define MIN_PIXELS 16 /* of a plane: fewer fill no vector, and images are better taken together */

/* Whether a channel's pixels are one run of elements. */
static int is_plane(const fnn_pixels *p, const int64_t *size) {
  int64_t expect = 1;
  for (int d = FNN_CONV_DIMS - 1; d >= 0; d--) {
    if (size[d] == 1) continue;
    if (p->at[d] != expect) return 0;
    expect *= size[d];
  }
  return 1;
}

int fnn_conv_is_product(const fnn_conv *g, const fnn_pixels *x, const fnn_pixels *y) {
  if (g->taps != 1 || fnn_conv_is_depthwise(g) || fnn_conv_count(g->in) < MIN_PIXELS) return 0;
  for (int d = 0; d < FNN_CONV_DIMS; d++)
    if (g->stride[d] != 1 || g->padding[d] || g->out[d] != g->in[d]) return 0;
  return x->channel != 1 && y->channel != 1 && is_plane(x, g->in) && is_plane(y, g->out);
}

typedef struct {
  const fnn_conv *g;
  const fnn_conv_operands *p;
  fnn_gemm_args one;
  char *scratch;
  int64_t bytes; /* of one worker's scratch; < 0: each product is split over threads */
} job;

static fnn_gemm_args product_of(const fnn_conv *g, const fnn_conv_operands *p) {
  fnn_gemm_args a = {.dtype = g->dtype, .m = g->cout, .n = fnn_conv_count(g->in), .k = g->cin,
                     .rsa = p->w.sn, .csa = p->w.sc, .rsb = p->x.channel, .csb = 1,
                     .ldc = p->y.channel};
  a.end.relu = p->relu;
  return a;
}

static int by_images(const fnn_conv *g) { return g->batch * g->groups >= fnn_max_threads(); }

int64_t fnn_conv_product_bytes(const fnn_conv *g, const fnn_conv_operands *p) {
  fnn_gemm_args a = product_of(g, p);
  return by_images(g) ? fnn_max_threads() * fnn_gemm_scratch(&a) : fnn_gemm_scratch_threads(&a);
}

static void run_products(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_conv *g = j->g;
  const fnn_conv_operands *p = j->p;
  int64_t item = fnn_dtype_size((fnn_dtype)g->dtype);
  for (int64_t i = begin; i < end; i++) {
    int64_t n = i / g->groups, group = i % g->groups;
    int64_t step = g->transposed ? g->cin * p->w.sc : g->cout * p->w.sn;
    fnn_gemm_args a = j->one;
    a.a = p->weight + group * step * item;
    a.b = p->x.data + (n * p->x.batch + group * g->cin * p->x.channel) * item;
    a.c = p->y.data + (n * p->y.batch + group * g->cout * p->y.channel) * item;
    a.end.bias_m = p->bias ? p->bias + group * g->cout * item : NULL;
    if (j->bytes < 0) fnn_gemm_run(&a, j->scratch);
    else fnn_gemm_serial(&a, j->scratch + thread * j->bytes);
  }
}

void fnn_conv_product_run(const fnn_conv *g, const fnn_conv_operands *p, void *workspace) {
  job j = {g, p, product_of(g, p), workspace, -1};
  int64_t count = g->batch * g->groups;
  if (!by_images(g)) {
    run_products(&j, 0, count, 0);
    return;
  }
  j.bytes = fnn_gemm_scratch(&j.one);
  int64_t work = j.one.m * j.one.n * j.one.k;
  fnn_parallel_for(count, fnn_max64(1, (1 << 17) / fnn_max64(1, work)), run_products, &j);
}
