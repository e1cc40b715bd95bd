/* One step of a recurrence for some hidden units: activations of the gates and the new state, and
 * the derivative. A row of gates holds them one after the other, each `hidden` wide; gates of the
 * LSTM are i, f, g, o, of the GRU r, z, n. Pointers begin at the block's first row and unit; states
 * and their gradients have rows of `hidden`. */
#ifndef FNN_KERNELS_RNN_H
#define FNN_KERNELS_RNN_H

#include <stdint.h>

enum { FNN_K_rnn_tanh, FNN_K_rnn_relu, FNN_K_lstm, FNN_K_gru, FNN_NUM_RNN };
/* Gates, and values per unit that backward wants: the GRU's also h W_n + b_n. */
static inline int fnn_rnn_gates(int kind) {
  return kind == FNN_K_lstm ? 4 : kind == FNN_K_gru ? 3 : 1;
}
static inline int fnn_rnn_saved(int kind) { return kind >= FNN_K_lstm ? 4 : 1; }

typedef struct fnn_rnn_step {
  int64_t rows, units, hidden;
  const void *acc;  /* rows x (gates x units): h_prev W^T */
  const void *bias; /* of h_prev W^T, a row of gates; NULL: none */
  const void *x;    /* what the input adds to the gates */
  const void *h_prev;
  void *h;
  void *c;     /* lstm: c_prev, becomes c */
  void *cells; /* c once more, or NULL */
  void *saved; /* activated gates, rows of saved x hidden; or NULL */
} fnn_rnn_step;

typedef struct fnn_rnn_step_bwd {
  int64_t rows, units, hidden;
  const void *dy; /* or NULL */
  const void *saved, *h, *h_prev, *cells, *c_prev;
  void *dh, *dc;   /* of h and c; become what of them reaches h_prev and c_prev directly */
  void *dgates;    /* of the gates before activation, as the input sees them */
  void *dproducts; /* gru: as h_prev W^T sees them */
} fnn_rnn_step_bwd;

typedef struct fnn_rnn_kernels {
  void (*step[FNN_NUM_RNN])(const fnn_rnn_step *s);
  void (*step_bwd[FNN_NUM_RNN])(const fnn_rnn_step_bwd *s);
} fnn_rnn_kernels;

#endif
