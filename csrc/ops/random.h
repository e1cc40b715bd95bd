/* What the random ops share. */
#ifndef FNN_OPS_RANDOM_H
#define FNN_OPS_RANDOM_H

#include "ops/op.h"

/* g is a generator; *want (where not NULL) becomes its descriptor, for infer. */
fnn_status fnn_check_generator(const fnn_opdef *def, const fnn_tensor *g, fnn_tensor *want);

#endif
