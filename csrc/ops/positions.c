/* Index tensors: checked, and turned into byte offsets. */
#include "ops/indexed.h"

fnn_status fnn_index_dtype(const fnn_opdef *def, const fnn_tensor *index) {
  if (index->dtype == FNN_I64 || index->dtype == FNN_I32) return FNN_OK;
  return fnn_fail(FNN_EINDEX, "%s: an index must be int64 or int32, got %s", def->name,
                  fnn_tensor_str(index));
}

static fnn_status out_of_range(const fnn_opdef *def, int64_t index, int dim, int64_t size) {
  return fnn_fail(FNN_EINDEX, "%s: index %lld is out of range for dimension %d with size %lld",
                  def->name, (long long)index, dim, (long long)size);
}

typedef struct scan {
  const int64_t *index;
  int64_t low, size, bad; /* bad: an offending position, or -1 */
} scan;

static void scan_part(void *ctx, int64_t begin, int64_t end, int thread) {
  (void)thread;
  scan *s = ctx;
  int64_t at = fnn_k->index->outside(end - begin, s->index + begin, s->low, s->size);
  if (at >= 0) __atomic_store_n(&s->bad, begin + at, __ATOMIC_RELAXED);
}

static fnn_status check_run(const fnn_opdef *def, int64_t n, const int64_t *index, int dim,
                            int64_t low, int64_t size) {
  scan s = {index, low, size, -1};
  fnn_parallel_for(n, 1 << 16, scan_part, &s);
  if (s.bad < 0) return FNN_OK;
  return out_of_range(def, index[fnn_k->index->outside(n, index, low, size)], dim, size);
}

/* Repeated elements (stride 0) are looked at once. */
fnn_status fnn_index_check(const fnn_opdef *def, const fnn_tensor *index, int dim, int64_t low,
                           int64_t size) {
  fnn_tensor t = *index;
  for (int d = 0; d < t.ndim; d++) {
    if (t.size[d] == 0) return FNN_OK;
    if (t.stride[d] == 0) t.size[d] = 1;
  }
  int64_t n = fnn_tensor_numel(&t);
  if (t.dtype == FNN_I64 && fnn_tensor_is_contiguous(&t))
    return check_run(def, n, fnn_tensor_data(&t), dim, low, size);
  int64_t at[FNN_MAX_DIMS] = {0}, item = fnn_dtype_size((fnn_dtype)t.dtype);
  const char *p = fnn_tensor_data(&t);
  for (int64_t i = 0; i < n; i++) {
    int64_t v = t.dtype == FNN_I64 ? *(const int64_t *)p : *(const int32_t *)p;
    if (v < low || v >= size) return out_of_range(def, v, dim, size);
    for (int d = t.ndim - 1; d >= 0; d--) {
      p += t.stride[d] * item;
      if (++at[d] < t.size[d]) break;
      p -= t.stride[d] * t.size[d] * item;
      at[d] = 0;
    }
  }
  return FNN_OK;
}

static int64_t positions(const fnn_indices *ix) {
  int64_t m = 1;
  for (int d = 0; d < ix->ndim; d++) m *= ix->size[d];
  return m;
}

/* One int64 index that needs no broadcasting serves as it stands. */
static int usable(const fnn_indices *ix) {
  const fnn_tensor *i = ix->index[0];
  return ix->k == 1 && i->dtype == FNN_I64 && fnn_tensor_is_contiguous(i);
}

int64_t fnn_positions_workspace(const fnn_indices *ix) {
  return usable(ix) ? 0 : positions(ix) * 8 * (ix->k > 1 ? 2 : 1);
}

fnn_status fnn_positions_make(const fnn_opdef *def, const fnn_indices *ix, const fnn_tensor *t,
                              int wrap, void *workspace, fnn_positions *pos) {
  int64_t m = positions(ix), item = fnn_dtype_size((fnn_dtype)t->dtype);
  int64_t *sum = workspace, *next = sum + m;
  *pos = (fnn_positions){.m = m};
  for (int k = 0; k < ix->k; k++) {
    int64_t size = t->size[ix->dims[k]];
    fnn_status st = m ? fnn_index_check(def, ix->index[k], ix->dims[k], wrap ? -size : 0, size)
                      : FNN_OK;
    if (st) return st;
  }
  if (usable(ix)) {
    pos->index = fnn_tensor_data(ix->index[0]);
    pos->size = t->size[ix->dims[0]];
    pos->stride = t->stride[ix->dims[0]] * item;
    return FNN_OK;
  }
  for (int k = 0; k < ix->k; k++) {
    int64_t *to = k ? next : sum;
    fnn_storage s = {.data = to, .nbytes = m * 8};
    fnn_tensor y;
    fnn_set_shape(&y, FNN_I64, ix->ndim, ix->size);
    y.storage = &s;
    fnn_copy(ix->index[k], &y);
    fnn_k->index->offsets(m, to, t->size[ix->dims[k]], t->stride[ix->dims[k]] * item, to);
    for (int64_t j = 0; k && j < m; j++) sum[j] += next[j];
  }
  pos->off = sum;
  return FNN_OK;
}

const int64_t *fnn_positions_chunk(const fnn_positions *pos, int64_t first, int64_t n,
                                   int64_t *buf) {
  if (pos->off) return pos->off + first;
  fnn_k->index->offsets(n, pos->index + first, pos->size, pos->stride, buf);
  return buf;
}
