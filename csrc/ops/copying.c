/* copy_, cast, clone: the ops over the strided copy. */
#include "ops/copy.h"

/* ---- copy_: y = x, broadcast and converted */
static fnn_status copy_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0], *y = c->out[0];
  if (!y || !y->storage) return fnn_fail(FNN_EVALUE, "%s: a destination is needed", def->name);
  int fits = x->ndim <= y->ndim;
  for (int d = 0; fits && d < x->ndim; d++) {
    int64_t s = x->size[d];
    fits = s == 1 || s == y->size[d + y->ndim - x->ndim];
  }
  if (!fits)
    return fnn_fail(FNN_ERUNTIME, "%s: shape %s does not broadcast to %s", def->name,
                    fnn_shape_str(x->ndim, x->size), fnn_shape_str(y->ndim, y->size));
  *out = *y;
  out->storage = NULL;
  return FNN_OK;
}

static fnn_status copy_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  (void)ws;
  if (fnn_tensor_data(c->in[0]) == fnn_tensor_data(c->out[0]))
    return FNN_OK; /* onto itself: the door lets only identical elements through */
  fnn_copy(c->in[0], c->out[0]);
  return FNN_OK;
}

const fnn_family fnn_family_copy_ = {copy_infer, NULL, copy_run};

/* ---- cast: y = (dtype) x, with x's order of dimensions */
static fnn_status run_out(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  (void)ws;
  fnn_copy(c->in[0], c->out[0]);
  return FNN_OK;
}

static fnn_status cast_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  int64_t dtype = c->attr[0].v.i;
  if (dtype < 0 || dtype >= FNN_NUM_DTYPES)
    return fnn_fail(FNN_ETYPE, "%s: no such dtype: %lld", def->name, (long long)dtype);
  fnn_set_shape(out, (int)dtype, c->in[0]->ndim, c->in[0]->size);
  fnn_set_dense_strides(c->in[0], out);
  return FNN_OK;
}

const fnn_family fnn_family_cast = {cast_infer, NULL, run_out};

/* ---- clone: format 0 keeps the order of dimensions, 1 contiguous, 2 channels last (rank 4),
 * 3 channels last (rank 5) */
static fnn_status clone_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  int64_t format = c->attr[0].v.i;
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  if (format == 0) {
    fnn_set_dense_strides(x, out);
  } else if (format == 2 || format == 3) {
    if (x->ndim != format + 2)
      return fnn_fail(FNN_ERUNTIME, "%s: channels_last%s needs rank %d, got %s", def->name,
                      format == 3 ? "_3d" : "", (int)format + 2, fnn_tensor_str(x));
    fnn_set_channels_last(out);
  } else if (format != 1) {
    return fnn_fail(FNN_EVALUE, "%s: no such memory format: %lld", def->name, (long long)format);
  }
  return FNN_OK;
}

const fnn_family fnn_family_clone = {clone_infer, NULL, run_out};
