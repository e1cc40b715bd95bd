/* A thin layer over fastnn.h for these programs: an instruction is one line, and the first that fails
 * ends the program with its message (the library itself never does). */
#ifndef OPS_H
#define OPS_H

#include <fastnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN(...) (sizeof((const fnn_tensor *[]){__VA_ARGS__}) / sizeof(void *)), \
                (const fnn_tensor *[]){__VA_ARGS__}
#define OUT(...) (sizeof((fnn_tensor *[]){__VA_ARGS__}) / sizeof(void *)), \
                 (fnn_tensor *[]){__VA_ARGS__}
#define NOTHING 0, NULL
#define ATTR(...) (const fnn_attr[]){__VA_ARGS__}
#define WHOLE(value) {{.i = (value)}, 0}
#define REAL(value) {{.f = (value)}, 0}
#define LIST(count, ...) {{.ints = (const int64_t[]){__VA_ARGS__}}, (count)}
#define SCALAR(value) {{.f = (value)}, 1} /* an operand that is a number, not a tensor */

static inline void check(fnn_status status) {
  if (status == FNN_OK) return;
  fprintf(stderr, "fastnn: %s\n", fnn_last_error());
  exit(1);
}

/* run(FNN_OP_matmul, IN(&a, &b), OUT(&c), NULL): an output without storage is made, another is
 * written. */
static inline void run(fnn_op op, size_t nin, const fnn_tensor *const *in, size_t nout,
                       fnn_tensor *const *out, const fnn_attr *attr) {
  check(fnn_run(&(fnn_call){op, (int)nin, (int)nout, in, out, attr}));
}

static inline fnn_tensor zeros(fnn_dtype dtype, int ndim, int64_t m, int64_t n) {
  fnn_tensor t;
  check(fnn_tensor_empty(&t, dtype, ndim, (int64_t[]){m, n}));
  memset(fnn_tensor_data(&t), 0, (size_t)(fnn_tensor_numel(&t) * fnn_dtype_size(dtype)));
  return t;
}

/* Rows [from, from + count) of t: a view of the same memory. */
static inline fnn_tensor rows_of(const fnn_tensor *t, int64_t from, int64_t count) {
  fnn_tensor view;
  int64_t skip = from * t->stride[0] * fnn_dtype_size((fnn_dtype)t->dtype);
  check(fnn_tensor_view(&view, t->storage, t->offset + skip, (fnn_dtype)t->dtype, t->ndim,
                        (int64_t[]){count, t->size[1]}, t->stride));
  return view;
}

static inline float *floats(const fnn_tensor *t) { return fnn_tensor_data(t); }
static inline int64_t *wholes(const fnn_tensor *t) { return fnn_tensor_data(t); }

#endif
