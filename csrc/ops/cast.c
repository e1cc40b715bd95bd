/* Conversion of contiguous runs: one kernel, or hops through int64 and float32. */
#include "ops/copy.h"

#define CHUNK 512

static int is_half(int t) { return t == FNN_F16 || t == FNN_BF16; }
/* The dtype that a stored-only dtype is computed through. */
static int carrier(int t) { return t < FNN_CAST_MAIN ? t : is_half(t) ? FNN_F32 : FNN_I64; }

void fnn_cast_run(int64_t n, int from, const void *x, int to, void *y) {
  const fnn_copy_kernels *k = fnn_k->copy;
  if (from < FNN_CAST_MAIN && to < FNN_CAST_MAIN) {
    k->cast[from][to](n, x, y);
    return;
  }
  int a = carrier(from), b = carrier(to);
  int64_t first[CHUNK], second[CHUNK];
  for (int64_t i = 0; i < n; i += CHUNK) {
    int64_t m = fnn_min64(CHUNK, n - i);
    const void *p = (const char *)x + i * fnn_dtype_size((fnn_dtype)from);
    void *out = (char *)y + i * fnn_dtype_size((fnn_dtype)to);
    if (from != a) {
      void *t = a == to ? out : first;
      k->widen[from - FNN_CAST_MAIN](m, p, t);
      p = t;
    }
    if (a != b) {
      void *t = b == to ? out : second;
      k->cast[a][b](m, p, t);
      p = t;
    }
    if (b != to) k->narrow[to - FNN_CAST_MAIN](m, p, out);
  }
}
