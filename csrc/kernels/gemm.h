/* C = A B (+ C), the serial pieces: register tiles, packing, dot products, matrix-vector.
 *
 * All matrices are row-major or given by strides in elements; b holds n columns. Every element
 * of C is one chain of FMAs in the order of k, whatever the tile, the packing or the ISA; only
 * dot() sums in lanes, FNN_GEMM_LANES bytes of them, joined by halving. Which of the two runs is
 * the driver's choice (ops/gemm.c) and follows from shape and layout alone. */
#ifndef FNN_KERNELS_GEMM_H
#define FNN_KERNELS_GEMM_H

#include <stdint.h>

#define FNN_GEMM_LANES 64

typedef struct fnn_gemm_block {
  int64_t m, n, k;
  const void *a;
  int64_t rsa, csa; /* ignored where packed_a */
  int packed_a;     /* a came from pack_a */
  const void *b;
  int64_t ldb, bpanel; /* row k of panel j of nr columns starts at b + j*bpanel + k*ldb */
  void *c;
  int64_t ldc;
  int load; /* the chain starts from C, else from 0 and C is not read */
  int relu;
  const void *bias_m, *bias_n; /* m or n values added at the end, or NULL */
} fnn_gemm_block;

typedef struct fnn_gemm_kernels {
  int nr;        /* columns of a packed panel */
  int pack_rows; /* panels are narrow: A with contiguous rows, or a B of few rows, wants packing */
  void (*tiles)(const fnn_gemm_block *g);
  /* Row by row of C, all of it at once for CHAIN rows of b: for m == 1 or few k, and wide n. */
  void (*axpy)(const fnn_gemm_block *g);
  /* csa == 1; column j of b is b + j*ldb, contiguous in k. */
  void (*dot)(const fnn_gemm_block *g);
  /* m*k elements and up to one vector of slack behind them are written. */
  void (*pack_a)(int64_t m, int64_t k, const void *a, int64_t rsa, int64_t csa, void *dst);
  /* Panels of nr columns, k*nr elements each, the last one zero padded to whole vectors. */
  void (*pack_b)(int64_t k, int64_t n, const void *b, int64_t rsb, int64_t csb, void *dst);
  /* y[j] = sum over m rows of x, added to y where load. */
  void (*column_sums)(int64_t m, int64_t n, const void *x, int64_t rs, int64_t cs, int load,
                      void *y, int64_t ys);
} fnn_gemm_kernels;

#endif
