/* Products of batches of matrices, any strides: what matmul, addmm and linear share. */
#ifndef FNN_OPS_MATMUL_H
#define FNN_OPS_MATMUL_H

#include "ops/gemm.h"
#include "ops/op.h"

/* C[i] = A[i] B[i] over nbatch dimensions of sizes size; strides in elements, 0 where an operand
 * is broadcast. g describes one product; g.ldc is its row stride. */
typedef struct fnn_product {
  fnn_gemm_args g;
  int64_t csc; /* column stride of C */
  int swapped; /* g computes the transpose: C's columns, not its rows, are contiguous */
  int nbatch;
  int64_t size[FNN_MAX_DIMS], sa[FNN_MAX_DIMS], sb[FNN_MAX_DIMS], sc[FNN_MAX_DIMS];
  int64_t count; /* product of the sizes */
} fnn_product;

/* torch.matmul's shape rules: dtype and sizes of out. */
fnn_status fnn_matmul_infer(const fnn_opdef *def, const fnn_tensor *a, const fnn_tensor *b,
                            fnn_tensor *out);
/* The product that y = matmul(a, b) asks for; y as inferred. Data pointers are set where the
 * operands have storage. */
fnn_product fnn_matmul_product(const fnn_tensor *a, const fnn_tensor *b, const fnn_tensor *y);
int64_t fnn_product_workspace(const fnn_product *p);
/* Whether C's rows or columns are contiguous, as fnn_product_run needs them. */
int fnn_product_fits(const fnn_product *p);
void fnn_product_run(const fnn_product *p, void *workspace);

/* y = matmul(a, b), then the epilogue (of y's last dimension; NULL: none, and for integers
 * always NULL; accumulate is refused). Any strides of y. */
int64_t fnn_matmul_bytes(const fnn_tensor *a, const fnn_tensor *b, const fnn_tensor *y);
void fnn_matmul_into(const fnn_tensor *a, const fnn_tensor *b, const fnn_tensor *y,
                     const fnn_epilogue *end, void *workspace);

#endif
