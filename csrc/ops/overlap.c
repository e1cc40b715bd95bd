/* Whether two views share an element: exact, by bounded search. */
#include "ops/op.h"

#define MAX_TERMS (2 * FNN_MAX_DIMS + 1)
#define MAX_STEPS 2000

/* An element of a and one of b coincide where sum d[k] * stride[k] = distance for some d[k] in
 * [low[k], high[k]]; all in bytes, strides positive and descending. rest_*: the reach of the
 * terms from k on. */
typedef struct search {
  int n, steps;
  int64_t stride[MAX_TERMS], low[MAX_TERMS], high[MAX_TERMS];
  int64_t rest_low[MAX_TERMS + 1], rest_high[MAX_TERMS + 1];
} search;

static void add_term(search *s, int64_t stride, int64_t low, int64_t high) {
  if (stride < 0) {
    int64_t t = low;
    stride = -stride;
    low = -high;
    high = -t;
  }
  int k = 0;
  while (k < s->n && s->stride[k] > stride) k++;
  if (k == s->n || s->stride[k] != stride) {
    for (int i = s->n; i > k; i--) {
      s->stride[i] = s->stride[i - 1];
      s->low[i] = s->low[i - 1];
      s->high[i] = s->high[i - 1];
    }
    s->stride[k] = stride;
    s->low[k] = s->high[k] = 0;
    s->n++;
  }
  s->low[k] += low;
  s->high[k] += high;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

static int reaches(search *s, int k, int64_t distance) {
  if (k == s->n) return distance == 0;
  if (++s->steps > MAX_STEPS) return 1;
  int64_t from = -floor_div(s->rest_high[k + 1] - distance, s->stride[k]);
  int64_t to = floor_div(distance - s->rest_low[k + 1], s->stride[k]);
  from = fnn_max64(from, s->low[k]);
  to = fnn_min64(to, s->high[k]);
  for (int64_t d = from; d <= to; d++)
    if (reaches(s, k + 1, distance - d * s->stride[k])) return 1;
  return 0;
}

int fnn_overlap(const fnn_tensor *a, const fnn_tensor *b) {
  if (a->storage != b->storage && !a->storage->deleter && !b->storage->deleter) return 0;
  search s = {.n = 0};
  int64_t ai = fnn_dtype_size((fnn_dtype)a->dtype), bi = fnn_dtype_size((fnn_dtype)b->dtype);
  for (int d = 0; d < a->ndim; d++) {
    if (a->size[d] == 0) return 0;
    if (a->size[d] > 1 && a->stride[d]) add_term(&s, a->stride[d] * ai, 0, a->size[d] - 1);
  }
  for (int d = 0; d < b->ndim; d++) {
    if (b->size[d] == 0) return 0;
    if (b->size[d] > 1 && b->stride[d]) add_term(&s, b->stride[d] * bi, 1 - b->size[d], 0);
  }
  add_term(&s, 1, 1 - bi, ai - 1);
  s.rest_low[s.n] = s.rest_high[s.n] = 0;
  for (int k = s.n - 1; k >= 0; k--) {
    s.rest_low[k] = s.rest_low[k + 1] + s.low[k] * s.stride[k];
    s.rest_high[k] = s.rest_high[k + 1] + s.high[k] * s.stride[k];
  }
  int64_t distance = (int64_t)((uintptr_t)fnn_tensor_data(b) - (uintptr_t)fnn_tensor_data(a));
  return distance >= s.rest_low[0] && distance <= s.rest_high[0] && reaches(&s, 0, distance);
}
