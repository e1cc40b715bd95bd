/* Moving elements by index. t: the indexed side, reached at byte offsets off[j] (+ j * tj);
 * d: the dense side, at j * dj. Strides in bytes, runs contiguous. */
#ifndef FNN_KERNELS_INDEX_H
#define FNN_KERNELS_INDEX_H

#include "fastnn.h"

typedef enum fnn_reduce {
  FNN_REDUCE_NONE = 0,
  FNN_REDUCE_ADD = 1,
  FNN_REDUCE_MUL = 2,
  FNN_REDUCE_MAX = 3,
  FNN_REDUCE_MIN = 4,
  FNN_NUM_REDUCE = 5
} fnn_reduce;

typedef void (*fnn_move_fn)(int64_t n, const int64_t *off, char *t, int64_t tj, char *d,
                            int64_t dj);
typedef void (*fnn_move_rows_fn)(int64_t n, int64_t bytes, const int64_t *off, char *t, char *d,
                                 int64_t dj);
/* run elements of t at off[j] + j * tj: t = t op d */
typedef void (*fnn_accumulate_fn)(int64_t n, int64_t run, const int64_t *off, char *t, int64_t tj,
                                  const char *d, int64_t dj);

typedef struct fnn_index_kernels {
  /* off[j] = (index[j] < 0 ? index[j] + size : index[j]) * stride */
  void (*offsets)(int64_t n, const int64_t *index, int64_t size, int64_t stride, int64_t *off);
  /* the first j with index[j] outside [low, high), or -1 */
  int64_t (*outside)(int64_t n, const int64_t *index, int64_t low, int64_t high);
  fnn_move_fn take[4], put[4]; /* by log2 of the element's bytes */
  fnn_move_rows_fn take_rows, put_rows;
  fnn_accumulate_fn accumulate[FNN_NUM_REDUCE][FNN_NUM_DTYPES]; /* NULL: not for this dtype */
} fnn_index_kernels;

#endif
