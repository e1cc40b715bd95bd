/* Geometry of a convolution, shared by conv, conv_transpose and conv_bwd_w. Fewer than three
 * spatial dimensions get leading ones. */
#ifndef FNN_OPS_CONV_H
#define FNN_OPS_CONV_H

#include "ops/op.h"

#define FNN_CONV_DIMS 3

/* Channels are counted per group. transposed: in and kernel reach out as conv's derivative to its
 * input does. */
typedef struct fnn_conv {
  int dtype, transposed;
  int64_t batch, groups, cin, cout, taps;
  int64_t in[FNN_CONV_DIMS], out[FNN_CONV_DIMS], kernel[FNN_CONV_DIMS];
  int64_t stride[FNN_CONV_DIMS], padding[FNN_CONV_DIMS], dilation[FNN_CONV_DIMS];
} fnn_conv;

/* A tensor of pixels: strides in elements. */
typedef struct fnn_pixels {
  char *data;
  int64_t batch, channel, at[FNN_CONV_DIMS];
} fnn_pixels;

/* Outputs q, q + qstep, ... of one dimension whose windows cover the same taps of the packed
 * weights: tap, tap + tapstep, .... Output 0 of the run meets its tap 0 at input r; the next
 * output at r + rstep, the next tap at r + rtap. */
typedef struct fnn_conv_run {
  int64_t q, qstep, count;
  int64_t tap, tapstep, taps;
  int64_t r, rstep, rtap;
} fnn_conv_run;

/* ---- conv_shape.c */
int fnn_conv_channels_last(const fnn_tensor *t);
fnn_pixels fnn_conv_pixels(const fnn_tensor *t);
/* What the operands and attributes of a checked call say; w NULL: kernel from attribute 0. */
fnn_conv fnn_conv_of(const fnn_call *c, int transposed);
fnn_conv fnn_conv_of_bwd_w(const fnn_call *c);

/* ---- conv_plan.c */
/* The runs of a dimension, into out (NULL: only counted). */
int64_t fnn_conv_runs(const fnn_conv *g, int dim, fnn_conv_run *out);
/* The run's outputs in [q0, q1). */
fnn_conv_run fnn_conv_clip(fnn_conv_run run, int64_t q0, int64_t q1);
/* The inputs [*lo, *hi) that outputs [q0, q1) of a dimension touch, and how many at most. */
void fnn_conv_reach(const fnn_conv *g, int dim, int64_t q0, int64_t q1, int64_t *lo, int64_t *hi);
int64_t fnn_conv_reach_max(const fnn_conv *g, int dim, int64_t band);
/* The segments of the product of three runs, over pixels with the strides of x (channels
 * contiguous); packed rows are tap*cin + c. Returns how many; *at: where output 0 of the runs has
 * its taps 0. */
int64_t fnn_conv_segments(const fnn_conv *g, const fnn_pixels *x, const fnn_conv_run *const run[],
                          fnn_conv_segment *seg, int64_t *at);
/* The first dimension of more than one output. */
int fnn_conv_axis(const fnn_conv *g);
/* Strides of images whose channels are contiguous, `band` long in `axis`. */
fnn_pixels fnn_conv_dense(const int64_t *size, int axis, int64_t band, int64_t channels);
/* Copies pixels [lo, hi) of axis of images [n0, n1) from x to y: `channels` of them, channels
 * contiguous in one of both at least. */
void fnn_conv_move(const fnn_conv *g, const int64_t *size, int64_t channels, int axis, int64_t lo,
                   int64_t hi, int64_t n0, int64_t n1, const fnn_pixels *x, const fnn_pixels *y);

/* The operands of conv and conv_transpose. */
typedef struct fnn_conv_operands {
  fnn_pixels x, y;
  fnn_conv_weight w;
  const char *weight, *bias;
  int relu;
} fnn_conv_operands;

/* ---- conv_tiles.c */
int64_t fnn_conv_tiles_bytes(const fnn_conv *g, const fnn_conv_operands *p);
void fnn_conv_tiles_run(const fnn_conv *g, const fnn_conv_operands *p, void *workspace);

/* ---- conv_product.c */
int fnn_conv_is_product(const fnn_conv *g, const fnn_pixels *x, const fnn_pixels *y);
int64_t fnn_conv_product_bytes(const fnn_conv *g, const fnn_conv_operands *p);
void fnn_conv_product_run(const fnn_conv *g, const fnn_conv_operands *p, void *workspace);

/* ---- conv_plane.c */
int fnn_conv_is_plane(const fnn_conv *g, const fnn_pixels *x, const fnn_pixels *y);
int64_t fnn_conv_plane_bytes(const fnn_conv *g, const fnn_conv_operands *p);
void fnn_conv_plane_run(const fnn_conv *g, const fnn_conv_operands *p, void *workspace);

static inline const fnn_conv_kernels *fnn_conv_kernels_of(int dtype) {
  return dtype == FNN_F32 ? fnn_k->conv_f32 : fnn_k->conv_f64;
}
static inline int fnn_conv_is_depthwise(const fnn_conv *g) {
  return g->groups > 1 && g->cin == 1 && g->cout == 1;
}

static inline int64_t fnn_conv_count(const int64_t *size) { return size[0] * size[1] * size[2]; }

#endif
