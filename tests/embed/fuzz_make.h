/* Tensors and numbers for an op of which only the signature is known: as its names have it, mostly. */
#ifndef FUZZ_MAKE_H
#define FUZZ_MAKE_H

#include <fastnn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX = 16, NAME = 24, ATTRS = 8, LIST = 6 };

typedef struct {
  char name[NAME];
  char mark; /* 0, '?', '*' or '+'; of "+x?" the '?' */
  int io;
} operand;

typedef struct {
  operand in[MAX], out[MAX];
  char attr[ATTRS][NAME], type[ATTRS];
  int nin, nout, nattr;
} signature;

static uint64_t state;
static signature sigs[FNN_NUM_OPS];
static int64_t letter[128]; /* sizes that operands share */
static int dims, main_dtype;

static uint32_t draw(void) { /* splitmix64 */
  uint64_t z = (state += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return (uint32_t)(z >> 32);
}
static int64_t between(int64_t lo, int64_t hi) { return lo + draw() % (uint64_t)(hi - lo + 1); }
static int chance(int percent) { return draw() % 100 < (uint32_t)percent; }

/* ---- signatures */

static int read_operands(const char *s, const char *end, operand *list) {
  int n = 0;
  while (s < end) {
    while (s < end && (*s == ' ' || *s == ',')) s++;
    if (s == end) break;
    operand *o = &list[n++];
    memset(o, 0, sizeof *o);
    if (*s == '+') o->io = 1, s++;
    for (int i = 0; s < end && *s != ',' && *s != ' '; s++) {
      if (*s == '?' || *s == '*') o->mark = *s;
      else if (i < NAME - 1) o->name[i++] = *s;
    }
  }
  return n;
}

static void read_signature(int op) {
  const char *s = fnn_op_signature((fnn_op)op), *arrow = strstr(s, "->"), *semi = strchr(s, ';');
  signature *g = &sigs[op];
  g->nin = read_operands(s, arrow, g->in);
  g->nout = read_operands(arrow + 2, semi ? semi : s + strlen(s), g->out);
  while (semi) {
    semi += 1 + strspn(semi + 1, " ");
    const char *colon = strchr(semi, ':');
    snprintf(g->attr[g->nattr], NAME, "%.*s", (int)(colon - semi), semi);
    g->type[g->nattr++] = colon[1];
    semi = strchr(colon, ',');
  }
}

/* ---- tensors */

static void fill(const fnn_tensor *t, int small) {
  int64_t bytes = t->storage->nbytes, item = fnn_dtype_size((fnn_dtype)t->dtype), n = bytes / item;
  for (int64_t i = 0; i < n; i++) {
    double v = small == 2 ? (double)between(0, 4) / 4
               : small ? (double)between(0, 2) : (double)between(-1000, 1000) / 300;
    if (chance(1)) v = small ? (double)between(-3, 9) : chance(50) ? NAN : 1e30;
    void *p = (char *)t->storage->data + i * item;
    switch (t->dtype) {
      case FNN_F32: *(float *)p = (float)v; break;
      case FNN_F64: *(double *)p = v; break;
      case FNN_I64: *(int64_t *)p = small ? (int64_t)v : (int64_t)draw(); break;
      case FNN_I32: *(int32_t *)p = small ? (int32_t)v : (int32_t)draw(); break;
      case FNN_BOOL: *(uint8_t *)p = draw() & 1; break;
      default: memset(p, (int)draw() & 0xff, (size_t)item);
    }
  }
}

/* A view of these sizes: contiguous, or permuted, stepped, reversed, expanded. */
static int make(fnn_tensor *t, int dtype, int ndim, const int64_t *size, int odd, int small) {
  int64_t stride[FNN_MAX_DIMS], step = 1, low = 0;
  int order[FNN_MAX_DIMS];
  for (int i = 0; i < ndim; i++) {
    if (size[i] > 1 << 20) return 0; /* beside a 0 */
    order[i] = i;
  }
  if (odd && ndim > 1 && chance(50)) {
    int a = (int)between(0, ndim - 1), b = (int)between(0, ndim - 1), swap = order[a];
    order[a] = order[b], order[b] = swap;
  }
  for (int i = ndim - 1; i >= 0; i--) {
    int d = order[i];
    stride[d] = step;
    if (odd && chance(10)) stride[d] = 0;
    else if (odd && chance(10)) stride[d] = 2 * step;
    else if (odd && chance(10)) stride[d] = -step;
    if (size[d] > 1) {
      if (stride[d] < 0) low -= (size[d] - 1) * stride[d];
      step *= size[d] * (stride[d] == 2 * step ? 2 : 1);
    }
  }
  int64_t item = fnn_dtype_size((fnn_dtype)dtype), pad = odd ? between(0, 2) : 0;
  fnn_storage *s = fnn_storage_new((step + pad) * item);
  if (!s) return 0;
  fnn_status st = fnn_tensor_view(t, s, (low + pad) * item, (fnn_dtype)dtype, ndim, size, stride);
  fnn_storage_release(s);
  if (st) return 0;
  fill(t, small);
  return 1;
}

static int64_t some_size(void) {
  static const int64_t sizes[] = {1, 2, 3, 3, 4, 4, 5, 7, 8, 16, 17, 33};
  return chance(3) ? 0 : sizes[draw() % (sizeof sizes / sizeof *sizes)];
}

static int one_of(const char *name, const char *list) {
  const char *at = strstr(list, name);
  size_t n = strlen(name);
  return at && (at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0);
}

/* Sizes by letters, one per operand of the ops that want them to fit; '.': `dims` letters more. */
static const struct { const char *ops, *sizes; } recipes[] = {
    {"matmul", "mk kn"}, {"addmm", "mn mk kn"}, {"linear", "mk nk n"}, {"linear_bwd_w", "mn mk"},
    {"conv", "bc. oc. o"}, {"conv_transpose", "bo. oc. c"}, {"conv_bwd_w", "bo. bc."},
    {"embedding", "nk m"}, {"embedding_bwd", "mk m"}, {"index_select", "mn k"},
    {"cross_entropy nll_loss", "mn m n"}, {"layer_norm rms_norm", "mn n n"},
    {"batch_norm", "bc. c c c c"}, {"batch_norm_eval", "bc. c c c c"}, {"group_norm", "bc. c c"},
    {"max_pool avg_pool adaptive_max_pool adaptive_avg_pool", "bc."},
    {"attention", "bhmk bhnk bhnv"}, {"rnn_tanh rnn_relu", "bh hh bh bh h"},
    {"lstm", "bi ih bh bh i"}, {"gru", "bj jh bh bh h"}, {"repeat_index", "m"},
    {"bce_logits", "mn mn mn n"},
};

static int by_recipe(const char *op, int which, int64_t *size) {
  for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
    if (!one_of(op, recipes[i].ops)) continue;
    const char *s = recipes[i].sizes;
    for (int k = 0; k < which && s; k++) s = (s = strchr(s, ' ')) ? s + 1 : NULL;
    if (!s) return -1;
    int n = 0;
    for (; *s && *s != ' '; s++) {
      if (*s != '.') size[n++] = letter[(int)*s];
      for (int k = 0; *s == '.' && k < dims; k++)
        size[n++] = letter[which == 1 ? 'x' + k : 'p' + k];
    }
    return n;
  }
  return -1;
}

/* The operand `which` of an op, as its name has it. */
static int make_operand(fnn_tensor *t, const char *op, const char *name, int which) {
  int64_t size[FNN_MAX_DIMS];
  int dtype = main_dtype, ndim = by_recipe(op, which, size), small = 0, odd = chance(25);
  if (ndim < 0) {
    ndim = dims;
    for (int i = 0; i < ndim; i++) size[i] = letter['p' + i];
    if (chance(10)) ndim = (int)between(0, FNN_MAX_DIMS);
    for (int i = 0; i < ndim; i++)
      if (i >= dims || chance(4)) size[i] = ndim > 4 ? between(1, 2) : some_size();
    if (chance(5) && ndim) size[between(0, ndim - 1)] = 1;
  }
  int labels = one_of(name, "target") && one_of(op, "cross_entropy nll_loss");
  if (labels || one_of(name, "index repeats") || !strcmp(op, "one_hot")) dtype = FNN_I64, small = 1;
  if (one_of(name, "mask") || (!strcmp(op, "where") && which == 0)) dtype = FNN_BOOL;
  if (one_of(name, "generator aux")) dtype = FNN_I64, ndim = 1, size[0] = 2, odd = 0;
  if (one_of(name, "cell")) dtype = FNN_F64, ndim = 1, size[0] = 6, odd = 0, small = 1;
  if (one_of(name, "norm one loss")) ndim = 0;
  if (one_of(name, "p") || !strcmp(op, "bce")) small = 2;
  if (chance(3)) dtype = (int)between(0, FNN_NUM_DTYPES - 1);
  if (chance(2)) ndim = (int)between(0, 3), size[0] = some_size(), size[1] = 3, size[2] = 2;
  return make(t, dtype, ndim, size, odd, small);
}

/* Before each call. */
static void new_sizes(void) {
  static const int dtypes[] = {FNN_F32, FNN_F32, FNN_F32, FNN_F64, FNN_F64, FNN_I64, FNN_BOOL};
  for (int k = 0; k < 128; k++) letter[k] = some_size();
  letter['b'] = between(1, 3), letter['i'] = 4 * letter['h'], letter['j'] = 3 * letter['h'];
  for (int k = 0; k < 3; k++) letter['x' + k] = between(1, 3), letter['p' + k] = between(3, 9);
  dims = (int)between(1, 3);
  main_dtype = dtypes[draw() % (sizeof dtypes / sizeof *dtypes)];
}

/* ---- attributes */

static int64_t wild(void) {
  static const int64_t list[] = {0, -1, 1, INT64_MAX, INT64_MIN, 1LL << 31, 1LL << 40, -(1LL << 33),
                                 1LL << 62, 255, 65536};
  return list[draw() % (sizeof list / sizeof *list)];
}

static int64_t whole(const char *name) {
  if (chance(4)) return wild();
  if (one_of(name, "dtype")) return between(0, 5);
  if (one_of(name, "n m classes rows")) return between(0, 20);
  if (one_of(name, "reduction reduce format")) return between(0, 3);
  if (one_of(name, "groups dims")) return chance(70) ? 1 : between(0, 2);
  if (one_of(name, "act")) return chance(90) ? draw() & 1 : 2;
  if (one_of(name, "ignore_index divisor padding")) return chance(80) ? -100 : between(-2, 3);
  return between(-2, 2);
}

static double real(void) {
  static const double list[] = {0, 1, 0.5, 0.1, 1e-5, -1, 2, 3};
  static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -0.0, 1e-320};
  return chance(4) ? odd[draw() % 6] : list[draw() % 8];
}

/* Attribute i of op; ints: room for LIST numbers. */
static void make_attr(int op, int i, fnn_attr *a, int64_t *ints) {
  const char *name = sigs[op].attr[i];
  a->n = 0;
  switch (sigs[op].type[i]) {
    case 'f': a->v.f = real(); break;
    case 'b': a->v.i = draw() & 1; break;
    case 's':
      a->n = chance(3) ? between(-1, 9) : between(0, 2);
      if (a->n == 1) a->v.f = real();
      else a->v.i = a->n == 2 ? draw() & 1 : whole(name);
      break;
    case 'I': case 'F': {
      a->n = chance(8) ? between(0, LIST - 1) : dims;
      for (int k = 0; k < LIST; k++) {
        int64_t v = one_of(name, "padding output_padding") ? between(0, 1)
                    : one_of(name, "stride dilation") ? between(1, 2)
                    : one_of(name, "kernel") ? letter['x' + k % 3]
                    : one_of(name, "size out") ? letter['p' + k % 3]
                    : one_of(name, "dims") ? (chance(90) ? k : between(-3, 3)) : between(0, 2);
        if (chance(2)) v = wild();
        ints[k] = v;
      }
      if (one_of(name, "dims")) a->n = between(0, 2);
      if (one_of(name, "batch_sizes")) a->n = chance(90) ? 0 : 2;
      if (one_of(name, "pad")) a->n *= 2;
      if (a->n > LIST) a->n = LIST;
      a->v.ints = chance(2) ? NULL : ints;
      if (chance(1)) a->n = -1;
      break;
    }
    default: a->v.i = whole(name);
  }
}

#endif
