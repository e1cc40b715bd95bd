/* Operand counts, read off the signatures once, so that the door can hold every call to them. */
#include "ops/op.h"

typedef struct arity {
  int nin, nout;     /* listed operands; with "x*" no limit */
  unsigned need_in;  /* bit i: in[i] must be there */
  unsigned need_out; /* bit i: out[i] must be a tensor that is read and written */
  int has_attr, any_in, any_out;
} arity;

static arity arities[FNN_NUM_OPS];

/* One comma-separated list up to end: how many operands, which are required, whether any "*". */
static int read_list(const char *s, const char *end, char required_mark, unsigned *need,
                     int *any) {
  int n = 0;
  while (s < end) {
    const char *stop = s;
    while (stop < end && *stop != ',') stop++;
    while (s < stop && *s == ' ') s++;
    const char *last = stop;
    while (last > s && last[-1] == ' ') last--;
    if (last > s) {
      int optional = last[-1] == '?', many = last[-1] == '*';
      if (many) *any = 1;
      if (!optional && !many && (!required_mark || *s == required_mark)) *need |= 1u << n;
      n++;
    }
    s = stop + 1;
  }
  return n;
}

__attribute__((constructor)) static void read_signatures(void) {
  for (int op = 0; op < FNN_NUM_OPS; op++) {
    const char *s = fnn_opdefs[op].signature, *arrow = strstr(s, "->"), *semi = strchr(s, ';');
    const char *end = semi ? semi : s + strlen(s);
    arity *a = &arities[op];
    a->nin = read_list(s, arrow, 0, &a->need_in, &a->any_in);
    a->nout = read_list(arrow + 2, end, '+', &a->need_out, &a->any_out);
    a->has_attr = semi != NULL;
  }
}

static int absent(const fnn_tensor *t) { return !t || !t->storage; }

fnn_status fnn_check_operands(const fnn_opdef *def, const fnn_call *c) {
  const arity *a = &arities[c->op];
  int few = c->nin < 0 || c->nout < 0;
  few |= !a->any_in && c->nin > a->nin;
  few |= !a->any_out && c->nout > a->nout;
  few |= a->has_attr && !c->attr;
  for (int i = 0; i < a->nin && !few; i++)
    if (a->need_in >> i & 1) few = i >= c->nin || absent(c->in[i]);
  for (int i = 0; i < a->nout && !few; i++)
    if (a->need_out >> i & 1) few = i >= c->nout || absent(c->out[i]);
  for (int i = 0; i < c->nin && !few; i++) few = c->in[i] && !c->in[i]->storage;
  if (!few) return FNN_OK;
  return fnn_fail(FNN_EVALUE, "%s: operands or attributes are missing or too many; expected %s",
                  def->name, def->signature);
}
