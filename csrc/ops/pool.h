/* What the poolings share: the window's geometry from an instruction, and layouts. */
#ifndef FNN_OPS_POOL_H
#define FNN_OPS_POOL_H

#include "ops/op.h"

/* A batch of planes: contiguous, or channels last. */
typedef struct fnn_planes {
  int64_t n, c;
  int last;
} fnn_planes;

/* t is (N, C, `spatial` sizes), float, contiguous or channels last, empty in N alone. */
fnn_status fnn_pool_planes(const fnn_opdef *def, const char *what, const fnn_tensor *t,
                           int64_t spatial, int dtype, fnn_planes *p);
/* Kernel, stride, padding and dilation (NULL: 1) of a window over planes of `size`. */
fnn_status fnn_pool_window(const fnn_opdef *def, const fnn_attr *kernel, const fnn_attr *stride,
                           const fnn_attr *padding, const fnn_attr *dilation,
                           const int64_t *size, fnn_window *w);
/* Fills w->out by the rule of floor or ceil. */
fnn_status fnn_pool_out(const fnn_opdef *def, int ceil, fnn_window *w);
/* Fills w->out from y's sizes, which must follow from w by either rule. */
fnn_status fnn_pool_given_out(const fnn_opdef *def, const fnn_tensor *y, int spatial,
                              fnn_window *w);
/* (N, C, size) of dtype in the layout of p. */
void fnn_pool_shape(const fnn_tensor *like, const fnn_planes *p, int dtype, int spatial,
                    const int64_t *size3, fnn_tensor *out);
/* The number of taps. */
static inline int64_t fnn_pool_volume(const fnn_window *w) {
  return w->kernel[0] * w->kernel[1] * w->kernel[2];
}
/* Bytes for the tables of w, which fnn_pool_tables fills. */
int64_t fnn_pool_table_bytes(const fnn_window *w, int offsets);
void fnn_pool_tables(fnn_window *w, int offsets, void *workspace);
/* fn over planes, or over the units of channels-last images, `rows` in each. */
void fnn_pool_split(const fnn_planes *p, const fnn_window *w, int64_t rows, fnn_range_fn fn,
                    void *ctx);

#endif
