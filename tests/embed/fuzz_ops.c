/* Instructions at random through fnn_run: fuzz_ops SEED COUNT [verbose].
 *
 * Operands, outputs and attributes follow an op's signature and what its names mean often enough to
 * pass its checks, and are then spoilt often enough to meet all of them. Descriptors are those that
 * fnn_tensor_view makes: what fnn_run trusts. A derivative is called with what its forward was given
 * and gave. Nothing may crash, hang, leak, or refuse without a message.
 * At the end: how many ops ran at least once, and the names of those that never did. */
#include <sys/resource.h>
#include <unistd.h>

#include "fuzz_make.h"

/* A call and all that it points to. */
typedef struct {
  int op, nin, nout;
  char in_name[MAX][NAME], out_name[MAX][NAME];
  fnn_tensor in[MAX], out[MAX];
  int has_in[MAX], has_out[MAX], given[MAX];
  int cut_in, cut_out, cut_attr; /* operands that are not counted; no attributes at all */
  fnn_attr attr[ATTRS];
  int64_t ints[ATTRS][LIST];
} call;

static int64_t passed[FNN_NUM_OPS];
static int verbose;

static void drop(call *c) {
  for (int i = 0; i < MAX; i++) {
    if (c->has_in[i]) fnn_tensor_release(&c->in[i]);
    if (c->has_out[i] && c->out[i].storage) fnn_tensor_release(&c->out[i]);
  }
  memset(c, 0, sizeof *c);
}

static const fnn_tensor *find(const call *c, const char *name) {
  for (int i = 0; i < c->nin; i++)
    if (c->has_in[i] && !strcmp(c->in_name[i], name)) return &c->in[i];
  for (int i = 0; i < c->nout; i++)
    if (c->has_out[i] && c->out[i].storage && !strcmp(c->out_name[i], name)) return &c->out[i];
  return NULL;
}

/* From the forward call: the operand itself, or for "dx" one like "x". */
static int from_forward(fnn_tensor *t, const call *fwd, const char *name) {
  const fnn_tensor *was = find(fwd, name), *like = *name == 'd' ? find(fwd, name + 1) : NULL;
  if (!strcmp(name, "dy") && !like) like = find(fwd, "loss");
  if (was && !chance(8)) {
    *t = *was;
    fnn_storage_retain(t->storage);
    return 1;
  }
  if (was) like = was; /* its place, with other elements */
  return like && make(t, like->dtype, like->ndim, like->size, chance(5), 0);
}

static void add(call *c, int output, const char *name, int have, const fnn_tensor *t) {
  int i = output ? c->nout++ : c->nin++;
  snprintf(output ? c->out_name[i] : c->in_name[i], NAME, "%s", name);
  (output ? c->has_out : c->has_in)[i] = have;
  if (have) (output ? c->out : c->in)[i] = *t;
}

static void generate(call *c, int op, const call *fwd) {
  const signature *g = &sigs[op];
  const char *name = fnn_op_name((fnn_op)op);
  int many = (int)between(0, 3);
  fnn_tensor t, like = {0};
  c->op = op;
  for (int i = 0; i < g->nin; i++)
    for (int k = 0; k < (g->in[i].mark == '*' ? many : 1) && c->nin < MAX; k++) {
      int absent = fwd && !find(fwd, g->in[i].name) && !find(fwd, g->in[i].name + 1);
      int leave = g->in[i].mark == '?' && chance(absent ? 95 : fwd ? 10 : 40);
      int have = !leave && !chance(1) && ((fwd && from_forward(&t, fwd, g->in[i].name)) ||
                                          make_operand(&t, name, g->in[i].name, i));
      add(c, 0, g->in[i].name, have, &t);
      if (have && !like.storage) like = t;
    }
  for (int i = 0; i < g->nout; i++)
    for (int k = 0; k < (g->out[i].mark == '*' ? many : 1) && c->nout < MAX; k++) {
      int leave = (g->out[i].mark == '?' && chance(40)) || chance(1), given = g->out[i].io;
      memset(&t, 0, sizeof t);
      if (given && g->out[i].mark == '*' && k < c->nin && c->has_in[k])
        given = make(&t, c->in[k].dtype, c->in[k].ndim, c->in[k].size, 0, 1);
      else if (given) given = make_operand(&t, name, g->out[i].name, g->nin + i);
      else if (chance(4) && like.storage) t = like, fnn_storage_retain(t.storage); /* in place */
      else if (chance(2)) make_operand(&t, name, g->out[i].name, i);
      add(c, 1, g->out[i].name, !leave, &t);
      c->given[c->nout - 1] = t.storage != NULL;
      if (leave && t.storage) fnn_tensor_release(&t);
    }
  for (int i = 0; i < g->nattr; i++) {
    make_attr(op, i, &c->attr[i], c->ints[i]);
    for (int k = 0; fwd && k < sigs[fwd->op].nattr; k++)
      if (!strcmp(sigs[fwd->op].attr[k], g->attr[i]) && sigs[fwd->op].type[k] == g->type[i]) {
        c->attr[i] = fwd->attr[k];
        if (g->type[i] == 'I') {
          memcpy(c->ints[i], fwd->ints[k], sizeof c->ints[i]);
          if (c->attr[i].v.ints) c->attr[i].v.ints = c->ints[i];
        }
      }
  }
  c->cut_in = chance(3) && c->nin;
  c->cut_out = chance(3) && c->nout;
  c->cut_attr = chance(1);
}

static void fail(const call *c, const char *what) {
  printf("%s: %s (%s)\n", fnn_op_name((fnn_op)c->op), what, fnn_last_error());
  fflush(stdout);
  exit(1);
}

static void show(const call *c) {
  printf("%s", fnn_op_name((fnn_op)c->op));
  for (int side = 0; side < 2; side++)
    for (int i = 0; i < (side ? c->nout : c->nin); i++) {
      const fnn_tensor *t = side ? &c->out[i] : &c->in[i];
      printf(side && !i ? " -> %s" : " %s", side ? c->out_name[i] : c->in_name[i]);
      if (!(side ? c->has_out : c->has_in)[i]) printf("=NULL");
      else if (t->storage) {
        printf("=%s(", fnn_dtype_name((fnn_dtype)t->dtype));
        for (int k = 0; k < t->ndim; k++)
          printf("%lld/%lld ", (long long)t->size[k], (long long)t->stride[k]);
        printf(")");
      }
    }
  for (int i = 0; i < sigs[c->op].nattr; i++) {
    char type = sigs[c->op].type[i];
    printf(" %s:%c", sigs[c->op].attr[i], type);
    if (type == 'I') for (int k = 0; k < c->attr[i].n; k++) printf(" %lld", (long long)c->ints[i][k]);
    else if (type == 'f') printf(" %g", c->attr[i].v.f);
    else printf(" %lld/%lld", (long long)c->attr[i].v.i, (long long)c->attr[i].n);
  }
  printf("\n");
  fflush(stdout);
}

/* Every element of a result lies in its storage. */
static int lies_inside(const fnn_tensor *t) {
  fnn_tensor again;
  if (!t->storage || t->ndim < 0 || t->ndim > FNN_MAX_DIMS) return 0;
  if (fnn_tensor_view(&again, t->storage, t->offset, (fnn_dtype)t->dtype, t->ndim, t->size,
                      t->stride)) return 0;
  fnn_tensor_release(&again);
  return 1;
}

static int run(call *c) {
  const fnn_tensor *in[MAX];
  fnn_tensor *out[MAX];
  int fresh[MAX];
  fnn_memory_stats before, after;
  for (int i = 0; i < c->nin; i++) in[i] = c->has_in[i] ? &c->in[i] : NULL;
  for (int i = 0; i < c->nout; i++) {
    out[i] = c->has_out[i] ? &c->out[i] : NULL;
    fresh[i] = out[i] && !out[i]->storage;
  }
  int nin = c->nin - c->cut_in, nout = c->nout - c->cut_out;
  fnn_call call = {(fnn_op)c->op, nin, nout, in, out, c->cut_attr ? NULL : c->attr};
  for (int i = 0; i < sigs[c->op].nattr; i++) { /* where the sanitizer sees their end */
    fnn_attr *a = &c->attr[i];
    if (sigs[c->op].type[i] != 'I' || !a->v.ints || a->n < 1) continue;
    a->v.ints = memcpy(malloc((size_t)a->n * 8), c->ints[i], (size_t)a->n * 8);
  }
  if (verbose) show(c);
  fnn_memory_get_stats(&before);
  fnn_status st = fnn_run(&call);
  fnn_memory_get_stats(&after);
  for (int i = 0; i < sigs[c->op].nattr; i++) {
    fnn_attr *a = &c->attr[i];
    if (sigs[c->op].type[i] != 'I' || !a->v.ints || a->n < 1) continue;
    free((void *)a->v.ints);
    a->v.ints = c->ints[i];
  }
  if (st && !*fnn_last_error()) fail(c, "refused without a message");
  if (st && after.live_blocks != before.live_blocks) fail(c, "a refused call keeps memory");
  for (int i = 0; i < nout; i++) {
    if (!fresh[i]) continue;
    if (st && out[i]->storage) fail(c, "a refused call has an output");
    if (!st && !lies_inside(out[i])) fail(c, "an output leaves its storage");
  }
  if (!st) passed[c->op]++;
  return !st;
}

static const char *element(const fnn_tensor *t, int64_t i) {
  const char *p = fnn_tensor_data(t);
  for (int d = t->ndim - 1; d >= 0; i /= t->size[d--])
    p += i % t->size[d] * t->stride[d] * fnn_dtype_size((fnn_dtype)t->dtype);
  return p;
}

/* The order of a sum may depend on the layout, and what is infinite or huge swallows the rest. */
static int same(const void *p, const void *q, int dtype) {
  if (dtype > FNN_F64) return !memcmp(p, q, (size_t)fnn_dtype_size((fnn_dtype)dtype));
  double a = dtype == FNN_F32 ? *(const float *)p : *(const double *)p;
  double b = dtype == FNN_F32 ? *(const float *)q : *(const double *)q;
  return !(fabs(a - b) > 1e-2 * (1 + fabs(a))) || fabs(a) > 1e15 || fabs(b) > 1e15;
}

/* The call once more, into outputs of other strides: refused, or the same elements. */
static void run_again(const call *first) {
  static call c;
  c = *first;
  c.nout -= c.cut_out;
  c.cut_out = 0;
  for (int i = 0; i < c.nin; i++)
    if (c.has_in[i]) fnn_storage_retain(c.in[i].storage);
  for (int i = 0; i < c.nout; i++) {
    const fnn_tensor *t = &first->out[i];
    c.out[i].storage = NULL;
    if (c.has_out[i] && !make(&c.out[i], t->dtype, t->ndim, t->size, 1, 0)) c.has_out[i] = 0;
  }
  for (int i = 0, done = run(&c); done && i < c.nout; i++)
    for (int64_t k = 0; c.has_out[i] && first->has_out[i] && k < fnn_tensor_numel(&c.out[i]); k++)
      if (!same(element(&c.out[i], k), element(&first->out[i], k), c.out[i].dtype))
        fail(&c, "other elements in an output of other strides");
  drop(&c);
}

/* Whether all outputs are the op's own: none was given, or read. */
static int pure(const call *c) {
  for (int i = 0; i < c->nout; i++)
    if (c->given[i]) return 0;
  return 1;
}

static const char *const derived[] = {"_bwd", "_bwd_w", "_index"};

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  state = strtoull(argv[1], NULL, 10);
  int64_t count = atoll(argv[2]);
  verbose = argc > 3;
#ifndef SANITIZED /* whose shadow takes more; there max_allocation_size_mb bounds it */
  struct rlimit room = {(rlim_t)1 << 30, (rlim_t)1 << 30};
  setrlimit(RLIMIT_AS, &room);
#endif
  for (int op = 0; op < FNN_NUM_OPS; op++) read_signature(op);
  for (int64_t i = 0; i < count;) {
    static call forward, backward;
    char name[64];
    alarm(30); /* one instruction on small tensors: far less than a second */
    new_sizes();
    generate(&forward, (int)between(0, FNN_NUM_OPS - 1), NULL);
    int done = run(&forward);
    i++;
    if (done && pure(&forward)) run_again(&forward), i++;
    for (int k = 0; done && k < 6; k++) {
      snprintf(name, sizeof name, "%s%s", fnn_op_name((fnn_op)forward.op), derived[k % 3]);
      fnn_op bwd = fnn_op_find(name);
      if (bwd == FNN_NUM_OPS) continue;
      i++;
      generate(&backward, (int)bwd, &forward);
      if (run(&backward) && pure(&backward)) run_again(&backward), i++;
      drop(&backward);
    }
    drop(&forward);
  }
  int ran = 0;
  for (int op = 0; op < FNN_NUM_OPS; op++) ran += passed[op] > 0;
  printf("%d of %d ops ran;", ran, (int)FNN_NUM_OPS);
  for (int op = 0; op < FNN_NUM_OPS; op++)
    if (!passed[op]) printf(" %s", fnn_op_name((fnn_op)op));
  printf("\n");
  return 0;
}
