/* index_select, embedding, advanced indexing, and their in-place counterparts: descriptors for
 * the indexed move. */
#include "ops/indexed.h"

/* What every op of this file comes down to. */
typedef struct form {
  fnn_indices ix;
  const fnn_tensor *t; /* the indexed tensor */
  int at;              /* the first index dimension of the dense side */
} form;

enum { SELECT, INDEX, EMBEDDING };

static fnn_status check_dims(const fnn_opdef *def, const fnn_attr *a, const fnn_tensor *t,
                             fnn_indices *ix) {
  if (a->n != ix->k || ix->k < 1)
    return fnn_fail(FNN_EVALUE, "%s: %d index tensors for %lld dimensions", def->name, ix->k,
                    (long long)a->n);
  for (int k = 0; k < ix->k; k++) {
    int64_t d = a->v.ints[k];
    if (d < 0 || d >= t->ndim || (k && d <= ix->dims[k - 1]))
      return fnn_fail(FNN_EINDEX, "%s: indexed dimensions must ascend within [0, %d)", def->name,
                      t->ndim);
    ix->dims[k] = (int)d;
  }
  return FNN_OK;
}

/* index*: several tensors, broadcast; NumPy's place for their dimensions: that of the indexed
 * ones where these are neighbours, else the front. */
static fnn_status form_index(const fnn_opdef *def, const fnn_attr *dims, int k,
                             const fnn_tensor *const *index, const fnn_tensor *t, form *f) {
  fnn_tensor shape;
  if (k < 1 || k > FNN_MAX_DIMS)
    return fnn_fail(FNN_EVALUE, "%s: %d index tensors", def->name, k);
  f->t = t;
  f->ix.k = k;
  f->ix.index = index;
  fnn_status st = check_dims(def, dims, t, &f->ix);
  for (int i = 0; i < k && !st; i++) st = fnn_index_dtype(def, index[i]);
  if (st) return st;
  if (fnn_broadcast(def, k, index, &shape)) return FNN_EINDEX; /* its message stands */
  f->ix.ndim = shape.ndim;
  memcpy(f->ix.size, shape.size, sizeof f->ix.size);
  f->at = f->ix.dims[k - 1] - f->ix.dims[0] == k - 1 ? f->ix.dims[0] : 0;
  return FNN_OK;
}

/* One index along one dimension; an index of rank 0 is one position. */
static fnn_status form_select(const fnn_opdef *def, int64_t dim, const fnn_tensor *const *index,
                              const fnn_tensor *t, form *f) {
  fnn_status st = fnn_index_dtype(def, index[0]);
  f->t = t;
  f->ix.k = 1;
  f->ix.index = index;
  if (!st) st = fnn_wrap_dim(def, dim, t->ndim, &f->ix.dims[0]);
  if (st) return st;
  if (t->ndim == 0) return fnn_fail(FNN_ERUNTIME, "%s: a tensor of rank 0", def->name);
  if (index[0]->ndim > 1)
    return fnn_fail(FNN_EINDEX, "%s: the index must have rank 0 or 1, got %s", def->name,
                    fnn_tensor_str(index[0]));
  f->ix.ndim = 1;
  f->ix.size[0] = index[0]->ndim ? index[0]->size[0] : 1;
  f->at = f->ix.dims[0];
  return FNN_OK;
}

/* f->t's other dimensions, with those of the index at f->at. */
static fnn_status dense_shape(const fnn_opdef *def, const form *f, fnn_tensor *out) {
  int64_t size[2 * FNN_MAX_DIMS];
  int n = 0, k = 0;
  for (int d = 0; d < f->t->ndim; d++) {
    if (k < f->ix.k && f->ix.dims[k] == d) k++;
    else size[n++] = f->t->size[d];
  }
  if (n + f->ix.ndim > FNN_MAX_DIMS)
    return fnn_fail(FNN_EVALUE, "%s: the result would have %d dimensions, at most %d", def->name,
                    n + f->ix.ndim, FNN_MAX_DIMS);
  memmove(size + f->at + f->ix.ndim, size + f->at, (size_t)(n - f->at) * sizeof *size);
  memcpy(size + f->at, f->ix.size, (size_t)f->ix.ndim * sizeof *size);
  fnn_set_shape(out, f->t->dtype, n + f->ix.ndim, size);
  return FNN_OK;
}

/* ---- taking: index_select "x, index -> y; dim:i", index "x, index* -> y; dims:I",
 * embedding "weight, index -> y" */
static fnn_status take_form(const fnn_opdef *def, const fnn_call *c, form *f) {
  static const int64_t first = 0;
  const fnn_attr rows = {.v.ints = &first, .n = 1};
  if (def->kernel == INDEX)
    return form_index(def, &c->attr[0], c->nin - 1, c->in + 1, c->in[0], f);
  if (def->kernel == SELECT) return form_select(def, c->attr[0].v.i, c->in + 1, c->in[0], f);
  if (c->in[0]->ndim != 2)
    return fnn_fail(FNN_ERUNTIME, "%s: the weight must have rank 2, got %s", def->name,
                    fnn_tensor_str(c->in[0]));
  return form_index(def, &rows, 1, c->in + 1, c->in[0], f);
}

static fnn_status take_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  form f;
  fnn_status st = take_form(def, c, &f);
  return st ? st : dense_shape(def, &f, out);
}

/* The result is made contiguous, then copied, where the caller's output is not. */
static int64_t staging(const fnn_tensor *d) {
  return fnn_tensor_is_contiguous(d) ? 0
                                     : fnn_tensor_numel(d) * fnn_dtype_size((fnn_dtype)d->dtype);
}

static int64_t take_workspace(const fnn_opdef *def, const fnn_call *c) {
  form f;
  take_form(def, c, &f);
  return fnn_positions_workspace(&f.ix) + staging(c->out[0]);
}

static fnn_status take_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  form f;
  fnn_positions pos;
  fnn_tensor d = *c->out[0];
  take_form(def, c, &f);
  int64_t room = fnn_positions_workspace(&f.ix);
  fnn_storage s = {.data = (char *)ws + room, .nbytes = staging(&d)};
  fnn_status st = fnn_positions_make(def, &f.ix, f.t, def->kernel == INDEX, ws, &pos);
  if (st) return st;
  if (s.nbytes) {
    fnn_set_shape(&d, d.dtype, d.ndim, c->out[0]->size);
    d.storage = &s;
  }
  fnn_indexed_move(FNN_TAKE, f.t, &d, &f.ix, f.at, &pos);
  if (s.nbytes) fnn_copy(&d, c->out[0]);
  return FNN_OK;
}

const fnn_family fnn_family_index_take = {take_infer, take_workspace, take_run};

/* ---- putting: index_put_ "value, index* -> +y; dims:I, accumulate:b",
 * index_copy_, index_add_ "src, index -> +y; dim:i", index_fill_ "index -> +y; dim:i, value:s" */
enum { PUT, COPY, ADD, FILL };

static fnn_status put_form(const fnn_opdef *def, const fnn_call *c, form *f) {
  const fnn_tensor *y = c->out[0];
  if (!y || !y->storage) return fnn_fail(FNN_EVALUE, "%s: a destination is needed", def->name);
  if (def->kernel == PUT) return form_index(def, &c->attr[0], c->nin - 1, c->in + 1, y, f);
  return form_select(def, c->attr[0].v.i, c->in + (def->kernel != FILL), y, f);
}

static fnn_status value_fits(const fnn_opdef *def, const fnn_tensor *v, const fnn_tensor *want) {
  int same = v->dtype == want->dtype && v->ndim <= want->ndim;
  for (int d = 0; same && d < v->ndim; d++) {
    int64_t s = v->size[d];
    same = s == want->size[d + want->ndim - v->ndim] || (s == 1 && def->kernel == PUT);
  }
  if (same && (def->kernel == PUT || v->ndim == want->ndim)) return FNN_OK;
  return fnn_fail(v->dtype == want->dtype ? FNN_ERUNTIME : FNN_ETYPE,
                  "%s: values %s for places %s", def->name, fnn_tensor_str(v),
                  fnn_tensor_str(want));
}

static int reduction(const fnn_opdef *def, const fnn_call *c) {
  return def->kernel == ADD || (def->kernel == PUT && c->attr[1].v.i) ? FNN_REDUCE_ADD : FNN_PUT;
}

static fnn_status put_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  form f;
  fnn_status st = put_form(def, c, &f);
  if (!st) st = dense_shape(def, &f, out);
  if (st) return st;
  const fnn_tensor *y = c->out[0];
  if (reduction(def, c) >= 0 && !fnn_k->index->accumulate[FNN_REDUCE_ADD][y->dtype])
    return fnn_fail(FNN_ETYPE, "%s: cannot add %s", def->name, fnn_tensor_str(y));
  if (def->kernel != FILL) st = value_fits(def, c->in[0], out);
  else if (!fnn_scalar_fits(y->dtype, &c->attr[1]))
    st = fnn_fail(FNN_ERUNTIME, "%s: value cannot be converted to type %s without overflow",
                  def->name, fnn_dtype_name((fnn_dtype)y->dtype));
  *out = *y;
  out->storage = NULL;
  return st;
}

/* The values in the dense shape: as they stand, as one value, or spread out in the workspace. */
static int64_t spread(const fnn_tensor *v, const fnn_tensor *want) {
  if (fnn_tensor_numel(v) == 1 || (fnn_same_shape(v, want) && fnn_tensor_is_contiguous(v)))
    return 0;
  return fnn_tensor_numel(want) * fnn_dtype_size((fnn_dtype)v->dtype);
}

static int64_t put_workspace(const fnn_opdef *def, const fnn_call *c) {
  form f;
  fnn_tensor d;
  put_form(def, c, &f);
  dense_shape(def, &f, &d);
  return fnn_positions_workspace(&f.ix) + (def->kernel == FILL ? 0 : spread(c->in[0], &d));
}

static fnn_status put_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  form f;
  fnn_tensor d;
  fnn_positions pos;
  int64_t bits = 0;
  put_form(def, c, &f);
  dense_shape(def, &f, &d);
  fnn_status st = fnn_positions_make(def, &f.ix, f.t, def->kernel != COPY && def->kernel != ADD,
                                     ws, &pos);
  if (st) return st;
  const fnn_tensor *v = c->in[0];
  fnn_storage s = {.data = &bits, .nbytes = 8};
  if (def->kernel == FILL) {
    fnn_scalar_store(d.dtype, &c->attr[1], &bits);
  } else if ((s.nbytes = spread(v, &d)) != 0) {
    s.data = (char *)ws + fnn_positions_workspace(&f.ix);
  } else {
    s.data = fnn_tensor_data(v);
  }
  d.storage = &s;
  if (def->kernel == FILL || fnn_tensor_numel(v) == 1) memset(d.stride, 0, sizeof d.stride);
  else if (s.nbytes) fnn_copy(v, &d);
  fnn_indexed_move(reduction(def, c), f.t, &d, &f.ix, f.at, &pos);
  return FNN_OK;
}

const fnn_family fnn_family_index_put = {put_infer, put_workspace, put_run};
