/* embedding_bwd "dy, index -> dw; rows:i, padding:i, scale:b": dw[index[j]] += dy[j]. Rows are
 * added in the order of j; threads own columns. scale divides a row by how often it was used. */
#include "ops/indexed.h"

#define MOST_ROWS ((int64_t)1 << 48) /* whose counts have a size */

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *index = c->in[1];
  fnn_status st = fnn_index_dtype(def, index);
  if (st) return st;
  int fits = dy->ndim == index->ndim + 1;
  for (int d = 0; fits && d < index->ndim; d++) fits = dy->size[d] == index->size[d];
  if (!fits || c->attr[0].v.i < 0 || c->attr[0].v.i > MOST_ROWS)
    return fnn_fail(FNN_ERUNTIME, "%s: gradient %s for indices %s", def->name, fnn_tensor_str(dy),
                    fnn_tensor_str(index));
  if (!fnn_is_float(dy->dtype))
    return fnn_fail(FNN_ETYPE, "%s: expected float32 or float64, got %s", def->name,
                    fnn_tensor_str(dy));
  int64_t size[2] = {c->attr[0].v.i, dy->size[dy->ndim - 1]};
  fnn_set_shape(out, dy->dtype, 2, size);
  return FNN_OK;
}

static void indices(const fnn_call *c, fnn_indices *ix) {
  const fnn_tensor *index = c->in[1];
  *ix = (fnn_indices){.k = 1, .ndim = index->ndim, .index = c->in + 1};
  memcpy(ix->size, index->size, sizeof ix->size);
}

static int64_t staging(const fnn_tensor *dy) {
  int64_t bytes = fnn_tensor_numel(dy) * fnn_dtype_size((fnn_dtype)dy->dtype);
  return fnn_tensor_is_contiguous(dy) ? 0 : fnn_round_up(bytes, FNN_ALIGN);
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  fnn_indices ix;
  (void)def;
  indices(c, &ix);
  int64_t counts = c->attr[2].v.i ? c->attr[0].v.i * 8 : 0;
  return fnn_positions_workspace(&ix) + staging(c->in[0]) + counts;
}

static void zero_row(const fnn_tensor *dw, int64_t row) {
  fnn_tensor r = *dw;
  const fnn_attr zero = {.n = 0};
  r.ndim = 1;
  r.size[0] = dw->size[1];
  r.stride[0] = dw->stride[1];
  r.offset += row * dw->stride[0] * fnn_dtype_size((fnn_dtype)dw->dtype);
  fnn_fill(&r, &zero);
}

static void divide_rows(const fnn_tensor *dw, const fnn_positions *pos, int64_t *count) {
  int64_t row_bytes = dw->stride[0] * fnn_dtype_size((fnn_dtype)dw->dtype), off;
  char *w = fnn_tensor_data(dw);
  memset(count, 0, (size_t)dw->size[0] * sizeof *count);
  for (int64_t j = 0; j < pos->m; j++) {
    int64_t at = *fnn_positions_chunk(pos, j, 1, &off);
    count[row_bytes ? at / row_bytes : 0]++; /* one row, or rows of nothing */
  }
  for (int64_t i = 0; i < dw->size[0]; i++) {
    if (count[i] < 2) continue;
    for (int64_t e = 0; e < dw->size[1]; e++) {
      int64_t at = e * dw->stride[1];
      if (dw->dtype == FNN_F32) ((float *)(w + i * row_bytes))[at] /= (float)count[i];
      else ((double *)(w + i * row_bytes))[at] /= (double)count[i];
    }
  }
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *dy = c->in[0], *dw = c->out[0];
  const fnn_attr zero = {.n = 0};
  fnn_indices ix;
  fnn_positions pos;
  indices(c, &ix);
  fnn_status st = fnn_positions_make(def, &ix, dw, 0, ws, &pos);
  if (st) return st;
  char *at = (char *)ws + fnn_positions_workspace(&ix);
  fnn_storage s = {.data = at, .nbytes = staging(dy)};
  fnn_tensor d = *dy;
  if (s.nbytes) {
    fnn_set_shape(&d, dy->dtype, dy->ndim, dy->size);
    d.storage = &s;
    fnn_copy(dy, &d);
  }
  fnn_fill(dw, &zero);
  fnn_indexed_move(FNN_REDUCE_ADD, dw, &d, &ix, 0, &pos);
  int64_t padding = c->attr[1].v.i;
  if (padding >= 0 && padding < dw->size[0]) zero_row(dw, padding);
  if (c->attr[2].v.i && dw->size[0]) divide_rows(dw, &pos, (int64_t *)(at + s.nbytes));
  return FNN_OK;
}

const fnn_family fnn_family_embedding_bwd = {infer, workspace, run};
