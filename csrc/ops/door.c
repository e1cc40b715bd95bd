/* fnn_run, the one door: infer, check given outputs, allocate the others, scratch, run. */
#include "ops/observe.h"
#include "ops/op.h"

static int same_strides(const fnn_tensor *a, const fnn_tensor *b) {
  for (int i = 0; i < a->ndim; i++)
    if (a->stride[i] != b->stride[i] && a->size[i] != 1) return 0;
  return 1;
}

static int same_elements(const fnn_tensor *a, const fnn_tensor *b) {
  return fnn_tensor_data(a) == fnn_tensor_data(b) && a->dtype == b->dtype &&
         fnn_same_shape(a, b) && same_strides(a, b);
}

/* Two indices of a written tensor must not name one element (an expanded view). */
static int self_overlaps(const fnn_tensor *t) {
  int shared = 0;
  for (int i = 0; i < t->ndim; i++) {
    if (t->size[i] == 0) return 0;
    shared |= t->size[i] > 1 && t->stride[i] == 0;
  }
  return shared;
}

/* A given output by itself. */
static fnn_status check_written(const fnn_opdef *def, const fnn_tensor *t,
                                const fnn_tensor *want) {
  if (want && (t->dtype != want->dtype || !fnn_same_shape(t, want)))
    return fnn_fail(FNN_EVALUE, "%s: the result is %s and cannot be written into %s", def->name,
                    fnn_tensor_str(want), fnn_tensor_str(t));
  if (!t->storage->writable)
    return fnn_fail(FNN_ERUNTIME, "%s: the output's memory is read-only", def->name);
  if (self_overlaps(t))
    return fnn_fail(FNN_ERUNTIME,
                    "%s: more than one element of the written tensor refers to a single memory "
                    "location; clone() it first", def->name);
  return FNN_OK;
}

/* A given output against the operands that it must not share memory with. */
static fnn_status check_overlap(const fnn_opdef *def, const fnn_call *c, int i) {
  const fnn_tensor *t = c->out[i];
  for (int j = 0; j < c->nin; j++) {
    const fnn_tensor *in = c->in[j];
    if (!in || !fnn_overlap(t, in)) continue;
    if ((def->flags & FNN_ALIAS) && same_elements(t, in)) continue;
    return fnn_fail(FNN_ERUNTIME,
                    "%s: some elements of an input and the written tensor refer to a single "
                    "memory location; clone() the input first", def->name);
  }
  for (int j = 0; j < i; j++)
    if (c->out[j] && c->out[j]->storage && fnn_overlap(t, c->out[j]))
      return fnn_fail(FNN_ERUNTIME, "%s: two outputs share memory", def->name);
  return FNN_OK;
}

static fnn_status check_given(const fnn_opdef *def, const fnn_call *c, int i,
                              const fnn_tensor *want) {
  fnn_status st = check_written(def, c->out[i], want);
  if (!st && (def->flags & FNN_DENSE) && !same_strides(c->out[i], want) && fnn_tensor_numel(want))
    st = fnn_fail(FNN_ERUNTIME, "%s: output %d needs the strides that the op gives a new one",
                  def->name, i);
  return st ? st : check_overlap(def, c, i);
}

/* Whether every written operand has a storage of its own: a hash table instead of all pairs,
 * because an optimizer's step has hundreds of operands. 0: unknown, look at the pairs. */
#define SLOTS 4096
static int all_apart(const fnn_call *c) {
  int slots = 64, n = c->nin + c->nout;
  while (slots < 2 * n) slots *= 2;
  if (slots > SLOTS) return 0;
  int16_t owner[SLOTS];
  memset(owner, -1, (size_t)slots * sizeof *owner);
  for (int k = 0; k < n; k++) {
    const fnn_tensor *t = k < c->nout ? c->out[k] : c->in[k - c->nout];
    if (!t) continue;
    if (t->storage->deleter) return 0; /* borrowed memory may be borrowed twice */
    uint64_t key = (uint64_t)(uintptr_t)t->storage;
    unsigned at = (unsigned)((key * 0x9e3779b97f4a7c15u) >> 40) & (unsigned)(slots - 1);
    while (owner[at] >= 0) {
      if (c->out[owner[at]]->storage == t->storage) return 0;
      at = (at + 1) & (unsigned)(slots - 1);
    }
    if (k < c->nout) owner[at] = (int16_t)k;
  }
  return 1;
}

static fnn_status check_open(const fnn_opdef *def, const fnn_call *c) {
  int apart = all_apart(c);
  fnn_status st = FNN_OK;
  for (int i = 0; i < c->nout && !st; i++) {
    if (!c->out[i]) continue;
    st = check_written(def, c->out[i], NULL);
    if (!st && !apart) st = check_overlap(def, c, i);
  }
  return st;
}

/* *to = *from, with this storage. Field by field: wide loads of what infer has just written in
 * parts would wait for it. */
static void make(fnn_tensor *to, const fnn_tensor *from, fnn_storage *storage) {
  to->storage = storage;
  to->offset = 0;
  to->dtype = from->dtype;
  to->layout = from->layout;
  to->ndim = from->ndim;
  for (int i = 0; i < from->ndim; i++) {
    to->size[i] = from->size[i];
    to->stride[i] = from->stride[i];
  }
}

static fnn_status run_fixed(const fnn_opdef *def, const fnn_call *c) {
  fnn_tensor want[FNN_MAX_FIXED];
  int fresh[FNN_MAX_FIXED] = {0};
  fnn_status st = def->family->infer(def, c, want);
  if (st) return st;
  for (int i = 0; i < c->nout; i++)
    if (c->out[i] && c->out[i]->storage && (st = check_given(def, c, i, &want[i]))) return st;
  for (int i = 0; i < c->nout && !st; i++) {
    if (!c->out[i] || c->out[i]->storage) continue;
    int64_t n;
    if (!fnn_numel_ok(want[i].ndim, want[i].size, &n) ||
        !fnn_mul_ok(n, fnn_dtype_size((fnn_dtype)want[i].dtype), &n)) {
      st = fnn_fail(FNN_ENOMEM, "%s: a result of shape %s is larger than any memory", def->name,
                    fnn_tensor_str(&want[i]));
      break;
    }
    fnn_storage *s = fnn_storage_new(n);
    if (!s) st = FNN_ENOMEM;
    else make(c->out[i], &want[i], s), fresh[i] = 1;
  }
  int64_t bytes = !st && def->family->workspace ? def->family->workspace(def, c) : 0;
  void *ws = NULL;
  if (bytes > 0 && !(ws = fnn_alloc(bytes))) st = FNN_ENOMEM;
  if (!st) st = def->family->run(def, c, ws);
  if (ws) fnn_free(ws, bytes);
  for (int i = 0; i < c->nout; i++) {
    if (!c->out[i]) continue;
    if (fresh[i]) { if (st) fnn_tensor_release(c->out[i]); }
    else if (!st) __atomic_add_fetch(&c->out[i]->storage->version, 1, __ATOMIC_RELAXED);
  }
  return st;
}

/* Without a locked add, which would be half the price of a small update: writers of one tensor
 * that race have no defined result, and each of them still moves the version. */
static void count_write(fnn_storage *s) {
  uint32_t version = __atomic_load_n(&s->version, __ATOMIC_RELAXED);
  __atomic_store_n(&s->version, version + 1, __ATOMIC_RELAXED);
}

/* Ops that write any number of given tensors (optimizer updates), or size their own outputs. */
static fnn_status run_open(const fnn_opdef *def, const fnn_call *c) {
  fnn_status st = def->family->infer(def, c, NULL);
  if (st) return st;
  if ((def->flags & FNN_DYNAMIC) && c->out[0]->storage)
    return fnn_fail(FNN_EVALUE, "%s: its size depends on the data, so it cannot be written into a "
                    "tensor that is there", def->name);
  if (!(def->flags & FNN_DYNAMIC) && (st = check_open(def, c))) return st;
  int64_t bytes = def->family->workspace ? def->family->workspace(def, c) : 0;
  void *ws = NULL;
  if (bytes > 0 && !(ws = fnn_alloc(bytes))) return FNN_ENOMEM;
  st = def->family->run(def, c, ws);
  if (ws) fnn_free(ws, bytes);
  if (!st && !(def->flags & FNN_DYNAMIC))
    for (int i = 0; i < c->nout; i++)
      if (c->out[i]) count_write(c->out[i]->storage);
  return st;
}

fnn_status fnn_run(const fnn_call *c) {
  const fnn_tensor *in[FNN_MAX_FIXED];
  fnn_tensor *out[FNN_MAX_FIXED];
  fnn_call filled;
  if ((unsigned)c->op >= FNN_NUM_OPS)
    return fnn_fail(FNN_EVALUE, "no such opcode: %d", (int)c->op);
  const fnn_opdef *def = &fnn_opdefs[c->op];
  int open = (def->flags & (FNN_DYNAMIC | FNN_VARIADIC)) != 0, lacks;
  fnn_status st = fnn_check_operands(def, c, &lacks);
  if (st) return st;
  if (lacks) {
    fnn_fill_operands(c, in, out, &filled);
    c = &filled;
  }
  int watched = fnn_context_current()->observers != NULL;
  if (watched) st = fnn_tell_before(c);
  if (!st) {
    st = open ? run_open(def, c) : run_fixed(def, c);
    fnn_max_threads_end();
  }
  if (watched) fnn_tell_after(c, st);
  return st;
}
