/* The losses' first attribute, `reduction`. */
#ifndef FNN_OPS_LOSS_H
#define FNN_OPS_LOSS_H

#include "ops/op.h"

enum { FNN_LOSS_NONE = 0, FNN_LOSS_MEAN = 1, FNN_LOSS_SUM = 2 };

static inline fnn_status fnn_check_reduction(const fnn_opdef *def, const fnn_call *c) {
  int64_t how = c->attr[0].v.i;
  if (how >= FNN_LOSS_NONE && how <= FNN_LOSS_SUM) return FNN_OK;
  return fnn_fail(FNN_EVALUE, "%s: no such reduction: %lld", def->name, (long long)how);
}

#endif
