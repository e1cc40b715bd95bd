/* Checked size arithmetic: every product and sum of sizes that came from outside goes here. */
#ifndef FNN_SIZES_H
#define FNN_SIZES_H

#include <stdbool.h>
#include <stdint.h>

static inline bool fnn_mul_ok(int64_t a, int64_t b, int64_t *r) {
  return !__builtin_mul_overflow(a, b, r);
}
static inline bool fnn_add_ok(int64_t a, int64_t b, int64_t *r) {
  return !__builtin_add_overflow(a, b, r);
}
/* Product of the sizes; false on overflow or a negative size. */
static inline bool fnn_numel_ok(int ndim, const int64_t *size, int64_t *r) {
  int64_t n = 1;
  bool zero = false;
  for (int i = 0; i < ndim; i++) {
    if (size[i] < 0) return false;
    if (size[i] == 0) zero = true;
    else if (!fnn_mul_ok(n, size[i], &n)) return false;
  }
  *r = zero ? 0 : n;
  return true;
}
/* a b where what overflows is refused later, as a shape too large for any memory. */
static inline int64_t fnn_mul_wrap(int64_t a, int64_t b) {
  return (int64_t)((uint64_t)a * (uint64_t)b);
}
static inline int64_t fnn_min64(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t fnn_max64(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t fnn_ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static inline int64_t fnn_round_up(int64_t a, int64_t b) { return fnn_ceil_div(a, b) * b; }

#endif
