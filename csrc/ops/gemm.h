/* Matrix product for drivers: C = A B (+ C) + bias, then relu. Row-major, float32 and float64. */
#ifndef FNN_OPS_GEMM_H
#define FNN_OPS_GEMM_H

#include <stdint.h>

/* What happens to C beside the product. All zero: C is written and never read. */
typedef struct fnn_epilogue {
  int accumulate;     /* beta: 0 or 1 */
  const void *bias_n; /* n values, one per column, or NULL */
  const void *bias_m; /* m values, one per row, or NULL */
  int relu;           /* max(x, 0); NaN stays NaN */
} fnn_epilogue;

/* A is m x k, B is k x n, any strides in elements; C is m x n with contiguous rows. */
typedef struct fnn_gemm_args {
  int dtype;
  int64_t m, n, k;
  const void *a;
  int64_t rsa, csa;
  const void *b;
  int64_t rsb, csb;
  void *c;
  int64_t ldc;
  fnn_epilogue end;
} fnn_gemm_args;

/* Scratch in bytes: of one serial call, and of a call that may split over threads. Both follow
 * from dtype, m, n, k and the strides of A and B. */
int64_t fnn_gemm_scratch(const fnn_gemm_args *g);
int64_t fnn_gemm_scratch_threads(const fnn_gemm_args *g);
/* On the calling thread, for drivers that split a batch themselves. */
void fnn_gemm_serial(const fnn_gemm_args *g, void *scratch);
/* Split over threads where it pays; scratch of fnn_gemm_scratch_threads bytes. */
void fnn_gemm_run(const fnn_gemm_args *g, void *scratch);

/* The same by transposition flags: ta: a holds k rows of m; tb: b holds n rows of k. e may be
 * NULL; workspace of fnn_gemm_workspace bytes. */
void fnn_gemm(int dtype, int ta, int tb, int64_t m, int64_t n, int64_t k, const void *a,
              int64_t lda, const void *b, int64_t ldb, void *c, int64_t ldc,
              const fnn_epilogue *e, void *workspace);
int64_t fnn_gemm_workspace(int dtype, int ta, int tb, int64_t m, int64_t n, int64_t k);

#endif
