/* What the signatures list, read off them once, so that the door can hold every call to them. */
#include "ops/op.h"

typedef struct arity {
  int nin, nout;     /* listed operands; with "x*" no limit */
  unsigned need_in;  /* bit i: in[i] must be there */
  unsigned need_out; /* bit i: out[i] must be wanted, */
  unsigned need_io;  /* and be a tensor that is read and written */
  unsigned lists;    /* bit i: attr[i] is a list */
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
    const char *end = semi ? semi : s + strlen(s), *type = semi;
    arity *a = &arities[op];
    a->nin = read_list(s, arrow, 0, &a->need_in, &a->any_in);
    a->nout = read_list(arrow + 2, end, 0, &a->need_out, &a->any_out);
    read_list(arrow + 2, end, '+', &a->need_io, &a->any_out);
    a->has_attr = semi != NULL;
    for (int i = 0; type && (type = strchr(type, ':')); i++)
      if (*++type == 'I' || *type == 'F') a->lists |= 1u << i;
  }
}

/* The operands of c that are there, as bits; the first 32 count. *bad: one has no storage, or one
 * of any number is not there. */
static unsigned present(int n, const fnn_tensor *const *t, int any, int *bad) {
  unsigned bits = 0;
  for (int i = 0; i < n; i++) {
    if (!t[i]) {
      *bad |= any;
      continue;
    }
    if (!t[i]->storage) *bad = 1;
    if (i < 32) bits |= 1u << i;
  }
  return bits;
}

/* Bit i of need: out[i] is there; of io: it has a storage, to be read. */
static int written(unsigned need, unsigned io, const fnn_call *c) {
  if (need == 1 && !io) return c->nout > 0 && c->out[0]; /* most ops */
  for (int i = 0; need; i++, need >>= 1, io >>= 1)
    if ((need & 1) && (i >= c->nout || !c->out[i] || ((io & 1) && !c->out[i]->storage))) return 0;
  return 1;
}

static int listed(unsigned lists, const fnn_attr *attr) {
  for (; lists; lists >>= 1, attr++)
    if ((lists & 1) && (attr->n < 0 || (attr->n > 0 && !attr->v.ints))) return 0;
  return 1;
}

void fnn_fill_operands(const fnn_call *c, const fnn_tensor **in, fnn_tensor **out,
                       fnn_call *filled) {
  const arity *a = &arities[c->op];
  *filled = *c;
  for (int i = 0; i < FNN_MAX_FIXED; i++) {
    in[i] = i < c->nin ? c->in[i] : NULL;
    out[i] = i < c->nout ? c->out[i] : NULL;
  }
  if (!a->any_in) filled->in = in, filled->nin = a->nin;
  if (!a->any_out) filled->out = out, filled->nout = a->nout;
}

fnn_status fnn_check_operands(const fnn_opdef *def, const fnn_call *c, int *lacks) {
  const arity *a = &arities[c->op];
  int bad = ((c->nin | c->nout) < 0) | ((c->nin > 0) & !c->in) | ((c->nout > 0) & !c->out);
  bad |= !a->any_in & (c->nin > a->nin);
  bad |= !a->any_out & (c->nout > a->nout);
  bad |= a->has_attr & !c->attr;
  unsigned missing = bad ? 0 : a->need_in & ~present(c->nin, c->in, a->any_in, &bad);
  *lacks = ((c->nin < a->nin) & !a->any_in) | ((c->nout < a->nout) & !a->any_out);
  if (!bad && !missing && written(a->need_out, a->need_io, c) && listed(a->lists, c->attr))
    return FNN_OK;
  return fnn_fail(FNN_EVALUE, "%s: operands or attributes are missing or too many; expected %s",
                  def->name, def->signature);
}
