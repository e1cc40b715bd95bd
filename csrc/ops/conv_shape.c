/* What conv, conv_transpose and conv_bwd_w accept and return. */
#include "ops/conv.h"

typedef struct {
  const int64_t *stride, *padding, *dilation, *extra; /* extra: output_padding, or NULL */
  int64_t groups;
} settings;

/* torch's rule: the strides, read from the fastest dimension on, must be those of channels last
 * and say so beyond doubt (sizes of one fit both). */
int fnn_conv_channels_last(const fnn_tensor *t) {
  int64_t least = 0;
  if (t->ndim < 4 || t->stride[1] == 0) return 0;
  for (int i = 0; i < t->ndim; i++) {
    int d = i == 0 ? 1 : i == t->ndim - 1 ? 0 : t->ndim - i; /* 1, last, ..., 2, 0 */
    if (t->size[d] == 0 || t->stride[d] < least) return 0;
    if (d == 0 && least == t->stride[1]) return 0;
    least = t->stride[d] * fnn_max64(1, t->size[d]);
  }
  return 1;
}

static void set_channels_last(fnn_tensor *t) {
  int64_t stride = 1;
  for (int i = 0; i < t->ndim; i++) {
    int d = i == 0 ? 1 : i == t->ndim - 1 ? 0 : t->ndim - i;
    t->stride[d] = stride;
    stride *= fnn_max64(1, t->size[d]);
  }
}

fnn_pixels fnn_conv_pixels(const fnn_tensor *t) {
  fnn_pixels p = {.data = t->storage ? fnn_tensor_data(t) : NULL, .batch = t->stride[0],
                  .channel = t->size[1] == 1 ? 1 : t->stride[1]};
  int lead = FNN_CONV_DIMS - (t->ndim - 2);
  for (int d = lead; d < FNN_CONV_DIMS; d++) p.at[d] = t->stride[d - lead + 2];
  return p;
}

static settings settings_of(const fnn_attr *a, int first, int transposed) {
  settings s = {a[first].v.ints, a[first + 1].v.ints, a[first + 2].v.ints,
                transposed ? a[first + 5].v.ints : NULL, a[first + 3].v.i};
  return s;
}

static fnn_status check_settings(const fnn_opdef *def, const fnn_attr *a, int first, int nd,
                                 int transposed) {
  settings s = settings_of(a, first, transposed);
  for (int i = 0; i < 3; i++)
    if (a[first + i].n != nd || (transposed && a[first + 5].n != nd))
      return fnn_fail(FNN_ERUNTIME, "%s: stride, padding and dilation need %d numbers each",
                      def->name, nd);
  if (s.groups <= 0) return fnn_fail(FNN_ERUNTIME, "%s: non-positive groups is not supported",
                                     def->name);
  for (int i = 0; i < nd; i++) {
    if (s.stride[i] > INT32_MAX || s.padding[i] > INT32_MAX || s.dilation[i] > INT32_MAX)
      return fnn_fail(FNN_ERUNTIME, "%s: stride, padding and dilation are at most 2^31 - 1",
                      def->name);
    if (s.stride[i] <= 0)
      return fnn_fail(FNN_ERUNTIME, "%s: non-positive stride is not supported", def->name);
    if (s.padding[i] < 0)
      return fnn_fail(FNN_ERUNTIME, "%s: negative padding is not supported", def->name);
    if (s.dilation[i] <= 0)
      return fnn_fail(FNN_ERUNTIME, "%s: dilation should be greater than zero", def->name);
    if (s.extra && (s.extra[i] < 0 ||
                    (s.extra[i] >= s.stride[i] && s.extra[i] >= s.dilation[i])))
      return fnn_fail(FNN_ERUNTIME, "%s: output padding must be smaller than either stride or "
                      "dilation, but got output_padding %lld, stride %lld, dilation %lld",
                      def->name, (long long)s.extra[i], (long long)s.stride[i],
                      (long long)s.dilation[i]);
  }
  return FNN_OK;
}

static fnn_status check_types(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *w) {
  if (!fnn_is_float(x->dtype))
    return fnn_fail(FNN_ERUNTIME, "%s: not implemented for %s", def->name, fnn_tensor_str(x));
  if (x->dtype != w->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: all operands must have the same dtype, got %s and %s",
                    def->name, fnn_tensor_str(x), fnn_tensor_str(w));
  if (x->ndim < 3 || x->ndim > 2 + FNN_CONV_DIMS || w->ndim != x->ndim)
    return fnn_fail(FNN_ERUNTIME, "%s: expected operands of the same 3 to 5 dimensions, got %s "
                    "and %s", def->name, fnn_tensor_str(x), fnn_tensor_str(w));
  return FNN_OK;
}

/* Whether the taps of w stand at equal distances, in their order. */
static int even_taps(const fnn_tensor *w) {
  int64_t expect = 0;
  for (int d = w->ndim - 1; d >= 2; d--) {
    if (w->size[d] == 1) continue;
    if (expect && w->stride[d] != expect) return 0;
    expect = w->stride[d] * w->size[d];
  }
  return 1;
}

static fnn_status check_channels(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *w,
                                 int64_t groups, int transposed) {
  int64_t expect = transposed ? w->size[0] : fnn_mul_wrap(w->size[1], groups);
  if (w->size[0] < 1 || w->size[1] < 1 || w->size[0] % groups)
    return fnn_fail(FNN_ERUNTIME, "%s: Given groups=%lld, expected weight to be at least %lld at "
                    "dimension 0 and divisible by it, but got weight of size %s", def->name,
                    (long long)groups, (long long)groups, fnn_shape_str(w->ndim, w->size));
  if (x->size[1] != expect)
    return fnn_fail(FNN_ERUNTIME, "%s: Given groups=%lld, weight of size %s, expected input%s to "
                    "have %lld channels, but got %lld channels instead", def->name,
                    (long long)groups, fnn_shape_str(w->ndim, w->size),
                    fnn_shape_str(x->ndim, x->size), (long long)expect, (long long)x->size[1]);
  if (!even_taps(w))
    return fnn_fail(FNN_ETYPE, "%s: the weight must be contiguous or channels last", def->name);
  return FNN_OK;
}

static fnn_status check_bias(const fnn_opdef *def, const fnn_tensor *b, const fnn_tensor *x,
                             int64_t channels) {
  if (!b) return FNN_OK;
  if (b->dtype != x->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: Input type (%s) and bias type (%s) should be the same",
                    def->name, fnn_dtype_name((fnn_dtype)x->dtype),
                    fnn_dtype_name((fnn_dtype)b->dtype));
  if (b->ndim != 1 || b->size[0] != channels || (b->stride[0] != 1 && channels > 1))
    return fnn_fail(FNN_ERUNTIME, "%s: expected bias to be 1-dimensional with %lld elements, but "
                    "got bias of size %s instead", def->name, (long long)channels,
                    fnn_shape_str(b->ndim, b->size));
  return FNN_OK;
}

/* Output sizes; of conv one per window that fits, of conv_transpose what those windows cover. */
static fnn_status output_size(const fnn_opdef *def, int64_t in, int64_t kernel, const settings *s,
                              int i, int transposed, int64_t *out) {
  int64_t reach, covered;
  if (kernel < 1 || !fnn_mul_ok(s->dilation[i], kernel - 1, &reach))
    return fnn_fail(FNN_ERUNTIME, "%s: kernel of %lld taps", def->name, (long long)kernel);
  if (transposed) {
    if (!fnn_mul_ok(in - 1, s->stride[i], &covered) || !fnn_add_ok(covered, reach + 1, &covered))
      return fnn_fail(FNN_ERUNTIME, "%s: the output is too large", def->name);
    *out = covered - 2 * s->padding[i] + s->extra[i];
    if (*out < 0 || in < 1)
      return fnn_fail(FNN_ERUNTIME, "%s: an input of %lld would give an output of %lld", def->name,
                      (long long)in, (long long)*out);
    return FNN_OK;
  }
  if (in + 2 * s->padding[i] <= reach)
    return fnn_fail(FNN_ERUNTIME, "%s: Calculated padded input size per channel: %lld. Kernel "
                    "size: %lld. Kernel size can't be greater than actual input size", def->name,
                    (long long)(in + 2 * s->padding[i]), (long long)(reach + 1));
  *out = (in + 2 * s->padding[i] - reach - 1) / s->stride[i] + 1;
  return FNN_OK;
}

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0], *w = c->in[1];
  int transposed = def->kernel;
  fnn_status st = check_types(def, x, w);
  if (!st) st = check_settings(def, c->attr, 0, x->ndim - 2, transposed);
  settings s = settings_of(c->attr, 0, transposed);
  if (!st) st = check_channels(def, x, w, s.groups, transposed);
  if (st) return st;
  int64_t size[FNN_MAX_DIMS] = {x->size[0], transposed ? fnn_mul_wrap(w->size[1], s.groups)
                                                     : w->size[0]}, n;
  if ((st = check_bias(def, c->in[2], x, size[1]))) return st;
  for (int i = 0; i < x->ndim - 2; i++) {
    st = output_size(def, x->size[i + 2], w->size[i + 2], &s, i, transposed, &size[i + 2]);
    if (st) return st;
  }
  if (c->attr[4].v.i != 0 && c->attr[4].v.i != 1)
    return fnn_fail(FNN_EVALUE, "%s: no such activation: %lld", def->name,
                    (long long)c->attr[4].v.i);
  if (!fnn_numel_ok(x->ndim, size, &n) || !fnn_mul_ok(n, 8, &n))
    return fnn_fail(FNN_ERUNTIME, "%s: the output is too large", def->name);
  fnn_set_shape(out, x->dtype, x->ndim, size);
  if (fnn_conv_channels_last(x) || fnn_conv_channels_last(w)) set_channels_last(out);
  return FNN_OK;
}

extern const fnn_family fnn_family_conv;
int64_t fnn_conv_workspace(const fnn_opdef *def, const fnn_call *c);
fnn_status fnn_conv_run_op(const fnn_opdef *def, const fnn_call *c, void *ws);
const fnn_family fnn_family_conv = {infer, fnn_conv_workspace, fnn_conv_run_op};

static void set_dims(fnn_conv *g, const settings *s, int nd, const int64_t *in, const int64_t *out,
                     const int64_t *kernel) {
  int lead = FNN_CONV_DIMS - nd;
  g->groups = s->groups;
  g->taps = 1;
  for (int d = 0; d < FNN_CONV_DIMS; d++) {
    int i = d - lead;
    g->in[d] = i < 0 ? 1 : in[i];
    g->out[d] = i < 0 ? 1 : out[i];
    g->kernel[d] = i < 0 ? 1 : kernel[i];
    g->stride[d] = i < 0 ? 1 : s->stride[i];
    g->padding[d] = i < 0 ? 0 : s->padding[i];
    g->dilation[d] = i < 0 || kernel[i] == 1 ? 1 : s->dilation[i];
    g->taps *= g->kernel[d];
  }
}

fnn_conv fnn_conv_of(const fnn_call *c, int transposed) {
  const fnn_tensor *x = c->in[0], *w = c->in[1], *y = c->out[0];
  settings s = settings_of(c->attr, 0, transposed);
  fnn_conv g = {.dtype = x->dtype, .transposed = transposed, .batch = x->size[0],
                .cin = x->size[1] / s.groups, .cout = y->size[1] / s.groups};
  set_dims(&g, &s, x->ndim - 2, x->size + 2, y->size + 2, w->size + 2);
  return g;
}

/* ---- the gradient of the weight */

static fnn_status infer_bwd_w(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  int nd = x->ndim - 2;
  fnn_status st = check_types(def, dy, x);
  if (!st) st = check_settings(def, c->attr, 1, nd, 0);
  if (st) return st;
  settings s = settings_of(c->attr, 1, 0);
  int ok = c->attr[0].n == nd && dy->size[0] == x->size[0] && dy->size[1] % s.groups == 0 &&
           x->size[1] % s.groups == 0;
  int64_t size[FNN_MAX_DIMS] = {dy->size[1], x->size[1] / s.groups}, want = 0;
  for (int i = 0; i < nd && ok; i++) {
    size[i + 2] = c->attr[0].v.ints[i];
    if ((st = output_size(def, x->size[i + 2], size[i + 2], &s, i, 0, &want))) return st;
    ok = want == dy->size[i + 2];
  }
  if (!ok)
    return fnn_fail(FNN_ERUNTIME, "%s: dy of shape %s does not fit x of shape %s", def->name,
                    fnn_shape_str(dy->ndim, dy->size), fnn_shape_str(x->ndim, x->size));
  fnn_set_shape(out, x->dtype, x->ndim, size);
  return FNN_OK;
}

int64_t fnn_conv_bwd_w_workspace(const fnn_opdef *def, const fnn_call *c);
fnn_status fnn_conv_bwd_w_run(const fnn_opdef *def, const fnn_call *c, void *ws);
extern const fnn_family fnn_family_conv_bwd_w;
const fnn_family fnn_family_conv_bwd_w = {infer_bwd_w, fnn_conv_bwd_w_workspace,
                                          fnn_conv_bwd_w_run};

fnn_conv fnn_conv_of_bwd_w(const fnn_call *c) {
  const fnn_tensor *dy = c->in[0], *x = c->in[1];
  settings s = settings_of(c->attr, 1, 0);
  fnn_conv g = {.dtype = x->dtype, .batch = x->size[0], .cin = x->size[1] / s.groups,
                .cout = dy->size[1] / s.groups};
  set_dims(&g, &s, x->ndim - 2, x->size + 2, dy->size + 2, c->attr[0].v.ints);
  return g;
}
