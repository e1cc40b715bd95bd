/* Random integers and permutations. The generator's protocol stands in ops/random.c. */
#include "ops/copy.h"
#include "ops/random.h"

#define CHUNK 2048 /* integers drawn at a time, on the stack; a multiple of a group's 32 */

static uint64_t reserve(const fnn_tensor *g, int64_t n) {
  return fnn_random_reserve(fnn_tensor_data(g),
                            (uint64_t)fnn_ceil_div(n, 32) * FNN_GROUP_BLOCKS);
}

/* ---- random_int_: y[...] = an integer in [low, last], in any dtype that holds it */

static fnn_status ints_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *y = c->out[1];
  fnn_status st = fnn_check_generator(def, c->out[0], &out[0]);
  if (st) return st;
  if (!y || !y->storage) return fnn_fail(FNN_EVALUE, "%s: a destination is needed", def->name);
  int64_t low = c->attr[0].v.i, last = c->attr[1].v.i;
  if (low > last)
    return fnn_fail(FNN_ERUNTIME, "random_ expects 'from' to be less than 'to', but got from=%lld "
                    ">= to=%lld", (long long)low, (long long)last + (last < INT64_MAX));
  if (y->dtype == FNN_BOOL ? low < 0 || last > 1
                           : !fnn_scalar_fits(y->dtype, &c->attr[0]) ||
                             !fnn_scalar_fits(y->dtype, &c->attr[1]) ||
                             (y->dtype == FNN_U8 && low < 0))
    return fnn_fail(FNN_ERUNTIME, "random_: [%lld, %lld] is out of bounds for %s", (long long)low,
                    (long long)last, fnn_dtype_name((fnn_dtype)y->dtype));
  out[1] = *y;
  out[1].storage = NULL;
  return FNN_OK;
}

/* Drawn as int64 where y is anything else, then converted. */
static int64_t ints_workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  const fnn_tensor *y = c->out[1];
  int direct = y->dtype == FNN_I64 && fnn_tensor_is_contiguous(y);
  return direct ? 0 : fnn_tensor_numel(y) * 8;
}

typedef struct draw {
  uint64_t seed, block, span;
  int64_t n, low, *y;
} draw;

static void draw_range(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  const draw *d = ctx;
  int64_t first = begin * 32, n = fnn_min64(end * 32, d->n) - first;
  fnn_k->random_f64->ints(d->seed, d->block + (uint64_t)begin * FNN_GROUP_BLOCKS, n, d->low, d->span,
                      d->y + first);
}

static fnn_status ints_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  const fnn_tensor *g = c->out[0], *y = c->out[1];
  int64_t n = fnn_tensor_numel(y), low = c->attr[0].v.i;
  draw d = {.seed = *(const uint64_t *)fnn_tensor_data(g), .block = reserve(g, n), .low = low,
            .span = (uint64_t)c->attr[1].v.i - (uint64_t)low + 1, .n = n,
            .y = ws ? ws : fnn_tensor_data(y)};
  fnn_parallel_for(fnn_ceil_div(n, 32), CHUNK / 32, draw_range, &d);
  if (ws) {
    fnn_storage s = {.data = ws, .nbytes = n * 8};
    fnn_tensor t;
    fnn_set_shape(&t, FNN_I64, y->ndim, y->size);
    t.storage = &s;
    fnn_copy(&t, y);
  }
  return FNN_OK;
}

const fnn_family fnn_family_random_int_ = {ints_infer, ints_workspace, ints_run};

/* ---- randperm: y = a permutation of 0 .. n - 1 (Fisher and Yates; Durstenfeld, CACM 7, 1964) */

static fnn_status perm_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  int64_t n = c->attr[0].v.i;
  fnn_status st = fnn_check_generator(def, c->out[0], &out[0]);
  if (st) return st;
  if (n < 0)
    return fnn_fail(FNN_ERUNTIME, "randperm: n must be non-negative, got %lld", (long long)n);
  fnn_set_shape(&out[1], FNN_I64, 1, &n);
  return FNN_OK;
}

static fnn_status perm_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  (void)ws;
  int64_t n = c->attr[0].v.i, *y = fnn_tensor_data(c->out[1]), bits[CHUNK];
  int64_t stride = c->out[1]->stride[0];
  uint64_t seed = *(const uint64_t *)fnn_tensor_data(c->out[0]), block = reserve(c->out[0], n);
  for (int64_t i = 0; i < n; i++) {
    if (i % CHUNK == 0)
      fnn_k->random_f64->ints(seed, block + (uint64_t)i / 32 * FNN_GROUP_BLOCKS,
                          fnn_min64(CHUNK, n - i), 0, 0, bits);
    int64_t j = (int64_t)((unsigned __int128)(uint64_t)bits[i % CHUNK] * (uint64_t)(i + 1) >> 64);
    y[i * stride] = y[j * stride];
    y[j * stride] = i;
  }
  return FNN_OK;
}

const fnn_family fnn_family_randperm = {perm_infer, NULL, perm_run};
