/* The indexed move: rows or elements between an indexed tensor t and a dense one d.
 *
 * d has t's dimensions with the indexed ones taken out and the dimensions of the (broadcast)
 * index put in at one place: d[before, index, after] = t[..., index[k] at dims[k], ...]. */
#ifndef FNN_OPS_INDEXED_H
#define FNN_OPS_INDEXED_H

#include "ops/copy.h"

/* Where the m index positions lie in t: byte offsets, or an int64 index to compute them from. */
typedef struct fnn_positions {
  int64_t m;
  const int64_t *off;
  const int64_t *index;
  int64_t size, stride;
} fnn_positions;

/* k index tensors, all broadcast to (ndim, size), that run over dimensions of t. */
typedef struct fnn_indices {
  int k, ndim;
  const fnn_tensor *const *index;
  int dims[FNN_MAX_DIMS];
  int64_t size[FNN_MAX_DIMS];
} fnn_indices;

/* dtype and, where wrap, torch's rule that negative indices count from the end. */
fnn_status fnn_index_dtype(const fnn_opdef *def, const fnn_tensor *index);
int64_t fnn_positions_workspace(const fnn_indices *ix);
/* Checks every index against t's sizes; the message names op, index, dimension and size. */
fnn_status fnn_positions_make(const fnn_opdef *def, const fnn_indices *ix, const fnn_tensor *t,
                              int wrap, void *workspace, fnn_positions *pos);
/* Offsets of n <= FNN_INDEX_CHUNK positions, in place or in buf. */
#define FNN_INDEX_CHUNK 512
const int64_t *fnn_positions_chunk(const fnn_positions *pos, int64_t first, int64_t n,
                                   int64_t *buf);
/* Checks an index tensor of any layout against [low, size). */
fnn_status fnn_index_check(const fnn_opdef *def, const fnn_tensor *index, int dim, int64_t low,
                           int64_t size);

typedef enum fnn_move { FNN_TAKE = -2, FNN_PUT = -1 } fnn_move; /* or an fnn_reduce */

/* move: FNN_TAKE d = t; FNN_PUT t = d; FNN_REDUCE_*: t = t op d. d: contiguous, or one value (all
 * strides 0); at: the first index dimension in d. The last writer of a place is the one with
 * the highest index position, and sums run in that order, for any number of threads. */
void fnn_indexed_move(int move, const fnn_tensor *t, const fnn_tensor *d, const fnn_indices *ix,
                      int at, const fnn_positions *pos);

#endif
