/* Ops on the caller's pointers: what is lent becomes tensors for the length of one instruction, and
 * goes through the door like any other. */
#include <stdio.h>

#include "runtime/runtime.h"

#define MOST 5 /* operands of one side */

typedef struct loan {
  fnn_tensor t[2 * MOST];
  const fnn_tensor *in[MOST];
  fnn_tensor *out[MOST];
  int count, nin, nout;
  fnn_dtype dtype;
  fnn_status status; /* of the first operand that was refused */
} loan;

static void start(loan *l, fnn_dtype dtype) {
  l->count = l->nin = l->nout = 0;
  l->dtype = dtype;
  l->status = FNN_OK;
}

static fnn_tensor *lend(loan *l, const void *data, int writable, fnn_dtype dtype, int ndim,
                        const int64_t *size, const int64_t *stride) {
  fnn_tensor *t = &l->t[l->count++];
  t->storage = NULL;
  if (!l->status)
    l->status = fnn_tensor_borrow(t, (void *)data, writable, dtype, ndim, size, stride);
  return t;
}

static void in(loan *l, const void *data, int ndim, const int64_t *size, const int64_t *stride) {
  l->in[l->nin++] = lend(l, data, 0, l->dtype, ndim, size, stride);
}

static void in_vector(loan *l, const void *data, int64_t n) { in(l, data, 1, &n, NULL); }

/* NULL: the operand is left out. */
static void in_optional(loan *l, const void *data, int64_t n) {
  if (data) in_vector(l, data, n);
  else l->in[l->nin++] = NULL;
}

static void out(loan *l, void *data, int ndim, const int64_t *size, const int64_t *stride) {
  l->out[l->nout++] = lend(l, data, 1, l->dtype, ndim, size, stride);
}

static void out_vector(loan *l, void *data, int64_t n) { out(l, data, 1, &n, NULL); }

/* NULL: the op computes it into memory of the library's. */
static void out_optional(loan *l, void *data, int64_t n) {
  if (data) {
    out_vector(l, data, n);
    return;
  }
  l->t[l->count].storage = NULL;
  l->out[l->nout++] = &l->t[l->count++];
}

/* The instruction; then everything is given back. */
static fnn_status run(loan *l, fnn_op op, const fnn_attr *attr) {
  const fnn_call call = {op, l->nin, l->nout, l->in, l->out, attr};
  fnn_status st = l->status ? l->status : fnn_run(&call);
  if (l->status) {
    char why[256];
    snprintf(why, sizeof why, "%s", fnn_last_error());
    fnn_fail(st, "%s: %s", fnn_op_name(op), why);
  }
  for (int i = 0; i < l->count; i++) fnn_tensor_release(&l->t[i]);
  return st;
}

fnn_status fnn_raw_gemm(fnn_dtype dtype, int ta, int tb, int64_t m, int64_t n, int64_t k,
                        const void *a, int64_t lda, const void *b, int64_t ldb, int accumulate,
                        void *c, int64_t ldc) {
  if (lda < (ta ? m : k) || ldb < (tb ? k : n) || ldc < n)
    return fnn_fail(FNN_EVALUE, "gemm: rows are further apart than lda %lld, ldb %lld, ldc %lld",
                    (long long)lda, (long long)ldb, (long long)ldc);
  loan l;
  start(&l, dtype);
  const fnn_attr beta = {{accumulate != 0}, 0};
  in(&l, a, 2, (int64_t[]){k, m}, ta ? (int64_t[]){lda, 1} : (int64_t[]){1, lda});
  in(&l, b, 2, (int64_t[]){k, n}, tb ? (int64_t[]){1, ldb} : (int64_t[]){ldb, 1});
  out(&l, c, 2, (int64_t[]){m, n}, (int64_t[]){ldc, 1});
  return run(&l, FNN_OP_linear_bwd_w, &beta);
}

fnn_status fnn_raw_linear(fnn_dtype dtype, int64_t rows, int64_t in_features, int64_t out_features,
                          const void *x, const void *w, const void *bias, int relu, void *y) {
  loan l;
  start(&l, dtype);
  const fnn_attr act = {{relu != 0}, 0};
  in(&l, x, 2, (int64_t[]){rows, in_features}, NULL);
  in(&l, w, 2, (int64_t[]){out_features, in_features}, NULL);
  in_optional(&l, bias, out_features);
  out(&l, y, 2, (int64_t[]){rows, out_features}, NULL);
  return run(&l, FNN_OP_linear, &act);
}

fnn_status fnn_raw_conv(fnn_dtype dtype, int dims, const int64_t *x_size, const int64_t *w_size,
                        const int64_t *y_size, const int64_t *stride, const int64_t *padding,
                        const int64_t *dilation, int64_t groups, const void *x, const void *w,
                        const void *bias, int relu, void *y) {
  if (dims < 1 || dims > 3)
    return fnn_fail(FNN_EVALUE, "conv: %d dimensions, expected one to three", dims);
  loan l;
  start(&l, dtype);
  const fnn_attr attr[] = {{{.ints = stride}, dims}, {{.ints = padding}, dims},
                           {{.ints = dilation}, dims}, {{groups}, 0}, {{relu != 0}, 0}};
  in(&l, x, dims + 2, x_size, NULL);
  in(&l, w, dims + 2, w_size, NULL);
  in_optional(&l, bias, w_size[0]);
  out(&l, y, dims + 2, y_size, NULL);
  return run(&l, FNN_OP_conv, attr);
}

fnn_status fnn_raw_softmax(fnn_dtype dtype, int64_t rows, int64_t n, const void *x, int log,
                           void *y) {
  loan l;
  start(&l, dtype);
  const fnn_attr dim = {{1}, 0};
  in(&l, x, 2, (int64_t[]){rows, n}, NULL);
  out(&l, y, 2, (int64_t[]){rows, n}, NULL);
  return run(&l, log ? FNN_OP_log_softmax : FNN_OP_softmax, &dim);
}

fnn_status fnn_raw_layer_norm(fnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                              const void *weight, const void *bias, double eps, void *y,
                              void *mean, void *rstd) {
  loan l;
  start(&l, dtype);
  const fnn_attr attr[] = {{{1}, 0}, {{.f = eps}, 0}};
  in(&l, x, 2, (int64_t[]){rows, n}, NULL);
  in_optional(&l, weight, n);
  in_optional(&l, bias, n);
  out(&l, y, 2, (int64_t[]){rows, n}, NULL);
  out_optional(&l, mean, rows);
  out_optional(&l, rstd, rows);
  return run(&l, FNN_OP_layer_norm, attr);
}

fnn_status fnn_raw_map(fnn_op op, fnn_dtype dtype, int64_t n, const void *a, const void *b,
                       const fnn_attr *attr, void *y) {
  loan l;
  start(&l, dtype);
  in_vector(&l, a, n);
  if (b) in_vector(&l, b, n);
  out_vector(&l, y, n);
  return run(&l, op, attr);
}

fnn_status fnn_raw_adam(fnn_dtype dtype, int64_t n, const void *grad, int decoupled, double *cell,
                        void *param, void *mean, void *square) {
  loan l;
  start(&l, dtype);
  const fnn_attr attr[] = {{{0}, 0}, {{decoupled != 0}, 0}};
  int64_t numbers = 6;
  in_vector(&l, grad, n);
  l.out[l.nout++] = lend(&l, cell, 1, FNN_F64, 1, &numbers, NULL);
  out_vector(&l, param, n);
  out_vector(&l, mean, n);
  out_vector(&l, square, n);
  return run(&l, FNN_OP_adam, attr);
}
