/* What the pointwise families share. */
#ifndef FNN_POINTWISE_H
#define FNN_POINTWISE_H

#include "ops/iter.h"

#define FNN_MAP_INPUTS 3

/* Checks the operands (present unless NULL in c->in, one dtype, a kernel for it), broadcasts
 * them and shapes out with dtype, or with the operands' own where dtype < 0. first: the operand
 * that names the kernel's dtype, those before it are not looked at. */
fnn_status fnn_map_infer(const fnn_opdef *def, const fnn_call *c, int first, int dtype,
                         fnn_tensor *out);
/* The dtype of the operands from `first` on that are tensors. */
int fnn_map_dtype(const fnn_call *c, int first);

/* How many float attributes a kernel takes. */
int fnn_map_attrs(int kernel);

/* Runs def's kernel. values: what stands for the operands that are NULL; a: its attributes. */
void fnn_map_run(const fnn_opdef *def, const fnn_call *c, int dtype,
                 const int64_t values[FNN_MAP_INPUTS], const double *a);

#endif
