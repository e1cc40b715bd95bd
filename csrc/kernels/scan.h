/* Scans: running sums, products, extremes, along n steps of c parallel lines. Sequential along a
 * line, so their order is fixed; float32 sums and products run in float64. */
#ifndef FNN_KERNELS_SCAN_H
#define FNN_KERNELS_SCAN_H

#include <stdint.h>

#define FNN_SCAN_LINES 128 /* lines that one call may do */

/* An array of n steps of c lines, with element strides for both. */
typedef struct fnn_lines {
  void *data;
  int64_t step, line;
} fnn_lines;

/* y = scan of x. z: indices (int64) that cummax and cummin write, or the coefficients that
 * linrec reads: y_i = x_i + z_i y_(i-1), where z_0 is never read. */
typedef void (*fnn_scan_fn)(int64_t n, int64_t c, fnn_lines x, fnn_lines y, fnn_lines z);

enum {
  FNN_SCAN_cumsum, FNN_SCAN_cumprod, FNN_SCAN_logcumsumexp, FNN_SCAN_linrec, FNN_SCAN_cummax,
  FNN_SCAN_cummin, FNN_NUM_SCAN
};

/* Indexed by dtype (float32, float64, int64, int32, uint8, bool); NULL: not for this dtype. */
typedef struct fnn_scan_kernels {
  fnn_scan_fn fn[FNN_NUM_SCAN][6];
} fnn_scan_kernels;

#endif
