/* What the recurrences' forward and backward drivers share. */
#ifndef FNN_OPS_RNN_H
#define FNN_OPS_RNN_H

#include "ops/gemm.h"
#include "ops/op.h"

/* One layer and direction. Step s works on time t, which has `size` rows from row `first` on. */
typedef struct fnn_rnn {
  const fnn_rnn_kernels *kernels;
  const fnn_gemm_kernels *gemm;
  int kind, dtype, reverse;
  int64_t item, gates, saved, hidden, batch, rows, steps;
  const int64_t *sizes; /* by time; NULL: batch each */
  int64_t *firsts;      /* by time, where there are sizes */
} fnn_rnn;

typedef struct fnn_rnn_place {
  int64_t t, first, size;
} fnn_rnn_place;

/* Where the state of `rows` rows comes from: rows of y from `first` on, or the initial state. */
typedef struct fnn_rnn_piece {
  int64_t row, rows; /* of the step's own rows */
  int64_t before;    /* first row of the previous step, or -1: the initial state */
} fnn_rnn_piece;

/* w, h0 and c0, and that rows and batch_sizes agree. */
fnn_status fnn_rnn_check(const fnn_opdef *def, int64_t rows, int dtype, const fnn_tensor *w,
                         const fnn_tensor *h0, const fnn_tensor *c0, const fnn_attr *sizes);
/* t has this dtype and shape (rows < 0: a vector) and is contiguous. */
fnn_status fnn_rnn_want(const fnn_opdef *def, const char *what, const fnn_tensor *t, int dtype,
                        int64_t rows, int64_t columns);
fnn_rnn fnn_rnn_of(const fnn_opdef *def, const fnn_call *c, int64_t rows, const fnn_tensor *h0);
/* Bytes for firsts, and filling it in. */
int64_t fnn_rnn_firsts_bytes(const fnn_rnn *r);
void fnn_rnn_set_firsts(fnn_rnn *r, void *memory);
fnn_rnn_place fnn_rnn_at(const fnn_rnn *r, int64_t step);
/* The pieces of a step (at most two); how many. */
int fnn_rnn_pieces(const fnn_rnn *r, int64_t step, fnn_rnn_piece *p);

static inline char *fnn_rnn_row(const fnn_rnn *r, const fnn_tensor *t, int64_t row, int64_t width,
                                int64_t unit) {
  if (!t) return NULL;
  return (char *)fnn_tensor_data(t) + (row * width * r->hidden + unit) * r->item;
}

#endif
