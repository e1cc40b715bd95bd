/* Moving and converting elements. x: source, y: destination; strides in bytes. */
#ifndef FNN_KERNELS_COPY_H
#define FNN_KERNELS_COPY_H

#include <stdint.h>

/* The dtypes that convert directly to each other; they are the first of fnn_dtype. */
#define FNN_CAST_MAIN 6

/* One side of the transposed tile, in elements; the buffer holds TILE x TILE of 8 bytes. */
#define FNN_COPY_TILE 64

typedef void (*fnn_cast_fn)(int64_t n, const void *x, void *y);

typedef struct fnn_copy_kernels {
  /* y[i] = (to)x[i], contiguous, [from][to] */
  fnn_cast_fn cast[FNN_CAST_MAIN][FNN_CAST_MAIN];
  /* int8, int16 to and from int64; float16, bfloat16 to and from float32 */
  fnn_cast_fn widen[4], narrow[4];
  /* by log2 of the element's bytes: */
  void (*strided[4])(int64_t n, const char *x, int64_t xs, char *y, int64_t ys);
  void (*fill[4])(int64_t n, const void *value, char *y);
  /* y[c * ldy + r] = x[r * xr + c * xc], y contiguous in r */
  void (*transpose[4])(int64_t nr, int64_t nc, const char *x, int64_t xr, int64_t xc, char *y,
                       int64_t ldy);
  /* n rows of bytes each */
  void (*rows)(int64_t n, int64_t bytes, const char *x, int64_t xs, char *y, int64_t ys);
} fnn_copy_kernels;

#endif
