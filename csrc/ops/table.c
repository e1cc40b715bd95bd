/* The op table, generated from the opcode list. */
#include "ops/op.h"
#include "ops/reductions.h"

#define FNN_OP(name, signature, family, kernel, flags) extern const fnn_family fnn_family_##family;
#include "fastnn_ops.def"
#undef FNN_OP

const fnn_opdef fnn_opdefs[FNN_NUM_OPS] = {
#define FNN_OP(name, signature, family, kernel, flags) \
  {#name, signature, &fnn_family_##family, kernel, flags},
#include "fastnn_ops.def"
#undef FNN_OP
};

const char *fnn_op_name(fnn_op op) {
  const char *host = fnn_host_name(op);
  return host ? host : (unsigned)op < FNN_NUM_OPS ? fnn_opdefs[op].name : "?";
}

const char *fnn_op_signature(fnn_op op) {
  return (unsigned)op < FNN_NUM_OPS ? fnn_opdefs[op].signature : "";
}

fnn_op fnn_op_find(const char *name) {
  int op = 0;
  while (op < FNN_NUM_OPS && strcmp(fnn_opdefs[op].name, name) != 0) op++;
  return (fnn_op)op;
}
