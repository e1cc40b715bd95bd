/* Every channel by itself, planes of pixels, stride 1: along the rows of the planes. */
#include "ops/conv.h"

#define MIN_WIDTH 16     /* of narrower planes too much of a vector is border; */
#define MAX_WIDTH 32     /* wider ones are no slower by tiles (docs/adr/0002) */
#define BAND_ITEMS 2048  /* of the copy of some rows, which stays in the nearest cache */
#define PARALLEL_WORK (1 << 17)

/* The border at the start of a dimension: a transposed window reaches back. */
static int64_t border(const fnn_conv *g, int d) {
  int64_t wide = (g->kernel[d] - 1) * g->dilation[d];
  return g->transposed ? wide - g->padding[d] : g->padding[d];
}

int fnn_conv_is_plane(const fnn_conv *g, const fnn_pixels *x, const fnn_pixels *y) {
  if (!fnn_conv_is_depthwise(g) || x->at[2] != 1 || y->at[2] != 1)
    return 0;
  if (g->out[2] < MIN_WIDTH || g->out[2] > MAX_WIDTH) return 0;
  for (int d = 0; d < FNN_CONV_DIMS; d++) {
    int64_t wide = (g->kernel[d] - 1) * g->dilation[d], b = border(g, d);
    if (g->stride[d] != 1 || b < 0 || g->out[d] != g->in[d] + 2 * b - wide) return 0;
  }
  return g->in[0] == 1 && g->kernel[0] == 1;
}

typedef struct {
  const fnn_conv *g;
  const fnn_conv_operands *p;
  fnn_conv_plane one;
  int64_t item, band, bytes;
  char *scratch;
} job;

static job job_of(const fnn_conv *g, const fnn_conv_operands *p) {
  job j = {.g = g, .p = p, .item = fnn_dtype_size((fnn_dtype)g->dtype)};
  int64_t pw = border(g, 2), over = (g->kernel[1] - 1) * g->dilation[1];
  j.one = (fnn_conv_plane){.h = g->in[1], .w_in = g->in[2], .w_out = g->out[2],
                           .pitch = g->in[2] + pw, .kh = g->kernel[1], .kw = g->kernel[2],
                           .dh = g->dilation[1], .dw = g->dilation[2], .ph = border(g, 1),
                           .pw = pw, .sw = g->transposed ? -p->w.st : p->w.st,
                           .sx = p->x.at[1], .sy = p->y.at[1], .relu = p->relu};
  j.band = fnn_min64(g->out[1], fnn_max64(1, BAND_ITEMS / j.one.pitch - over));
  int64_t items = (2 * j.band + over) * j.one.pitch + pw + 2 * FNN_PLANE_SLACK;
  j.bytes = fnn_round_up(items * j.item, FNN_ALIGN);
  return j;
}

int64_t fnn_conv_plane_bytes(const fnn_conv *g, const fnn_conv_operands *p) {
  return fnn_max_threads() * job_of(g, p).bytes;
}

static void run_planes(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_conv *g = j->g;
  const fnn_conv_operands *p = j->p;
  const fnn_conv_kernels *k = fnn_conv_kernels_of(g->dtype);
  fnn_conv_plane one = j->one;
  one.scratch = j->scratch + thread * j->bytes;
  for (int64_t i = begin; i < end; i++) {
    int64_t n = i / g->groups, c = i % g->groups, first = one.sw < 0 ? g->taps - 1 : 0;
    one.x = p->x.data + (n * p->x.batch + c * p->x.channel) * j->item;
    one.y = p->y.data + (n * p->y.batch + c * p->y.channel) * j->item;
    one.w = p->weight + (c * p->w.sn + first * p->w.st) * j->item;
    one.bias = p->bias ? p->bias + c * j->item : NULL;
    for (one.q0 = 0; one.q0 < g->out[1]; one.q0 = one.q1) {
      one.q1 = fnn_min64(g->out[1], one.q0 + j->band);
      k->plane(&one);
    }
  }
}

void fnn_conv_plane_run(const fnn_conv *g, const fnn_conv_operands *p, void *workspace) {
  job j = job_of(g, p);
  j.scratch = workspace;
  int64_t work = fnn_conv_count(g->out) * g->taps;
  fnn_parallel_for(g->batch * g->groups, fnn_max64(1, PARALLEL_WORK / fnn_max64(1, work)),
                   run_planes, &j);
}
