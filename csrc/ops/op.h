/* The protocol of an op family: infer checks and shapes, run computes. */
#ifndef FNN_OP_H
#define FNN_OP_H

#include <string.h>

#include "kernels/table.h"
#include "runtime/runtime.h"
#include "runtime/sizes.h"

typedef struct fnn_opdef fnn_opdef;

/* infer: check every argument (messages name op, shapes, dtypes) and fill out[0..nout) with
 *   dtype, ndim, size, stride; storage stays NULL. The only place where arguments are checked.
 * workspace: bytes of scratch that run needs (NULL: none). Called after infer.
 * run: compute; all descriptors are valid, shapes as inferred. Must not allocate or fail,
 *   except for data-dependent refusals found before the first write (an index out of range).
 * dynamic (flag FNN_DYNAMIC): run allocates its outputs itself, because their size depends on
 *   data; infer only checks. */
typedef struct fnn_family {
  fnn_status (*infer)(const fnn_opdef *def, const fnn_call *call, fnn_tensor *out);
  int64_t (*workspace)(const fnn_opdef *def, const fnn_call *call);
  fnn_status (*run)(const fnn_opdef *def, const fnn_call *call, void *workspace);
} fnn_family;

enum {
  FNN_ALIAS = 1,   /* an output may be exactly one of the inputs (same elements, same strides) */
  FNN_DYNAMIC = 2, /* output sizes depend on data */
  FNN_VARIADIC = 4, /* any number of operands */
  FNN_DENSE = 8 /* outputs have the inferred strides; the door refuses others */
};

struct fnn_opdef {
  const char *name;
  const char *signature;
  const fnn_family *family;
  int kernel; /* index into the family's kernel table */
  unsigned flags;
};

extern const fnn_opdef fnn_opdefs[FNN_NUM_OPS];

/* ---- signature.c: whether the call has the operands that the op's signature lists. */
/* *lacks: optional operands at the end were left out. */
fnn_status fnn_check_operands(const fnn_opdef *def, const fnn_call *call, int *lacks);
#define FNN_MAX_FIXED 10 /* operands of an op without "*", on either side */
/* The call with NULL in their places. */
void fnn_fill_operands(const fnn_call *call, const fnn_tensor **in, fnn_tensor **out,
                       fnn_call *filled);

/* ---- host.c: the name of a host op; NULL for any other. */
const char *fnn_host_name(fnn_op op);

/* ---- overlap.c */
/* Whether some element of a and one of b share a byte. */
int fnn_overlap(const fnn_tensor *a, const fnn_tensor *b);

/* ---- shapes.c: shared by the infer functions */
/* Contiguous strides for the sizes of t. */
void fnn_set_contiguous(fnn_tensor *t);
/* dtype, ndim, sizes, and contiguous strides. */
void fnn_set_shape(fnn_tensor *t, int dtype, int ndim, const int64_t *size);
/* Broadcast shape of the operands into out (ndim, size); the message names the op. */
fnn_status fnn_broadcast(const fnn_opdef *def, int n, const fnn_tensor *const *in, fnn_tensor *out);
/* torch's rule for the strides of a pointwise result: the operands' own order of dimensions. */
void fnn_set_pointwise_strides(int n, const fnn_tensor *const *in, fnn_tensor *out);
/* Whether t's elements fill one block, each once, in any order of dimensions. */
int fnn_is_dense(const fnn_tensor *t);
/* torch's preserve_format: x's strides where x is dense, else x's order of dimensions. */
void fnn_set_dense_strides(const fnn_tensor *x, fnn_tensor *out);
/* (N, C, two or three sizes) in the order N, sizes, C: torch's rule where both orders fit. */
int fnn_is_channels_last(const fnn_tensor *t);
void fnn_set_channels_last(fnn_tensor *t);
/* dim in [-ndim, ndim) to [0, ndim); ndim 0 counts as 1. */
fnn_status fnn_wrap_dim(const fnn_opdef *def, int64_t dim, int ndim, int *wrapped);
static inline int fnn_is_float(int dtype) { return dtype == FNN_F32 || dtype == FNN_F64; }
static inline int fnn_same_shape(const fnn_tensor *a, const fnn_tensor *b) {
  if (a->ndim != b->ndim) return 0;
  for (int i = 0; i < a->ndim; i++)
    if (a->size[i] != b->size[i]) return 0;
  return 1;
}

#endif
