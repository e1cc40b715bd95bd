/* The driver of conv and conv_transpose: which form computes (docs/adr/0003). Shape, attributes and
 * layout decide. */
#include "ops/conv.h"

typedef enum { TILES, PRODUCT, PLANES } form;

static fnn_conv_operands operands(const fnn_conv *g, const fnn_call *c) {
  const fnn_tensor *w = c->in[1], *b = c->in[2];
  int t = g->transposed;
  fnn_conv_operands p = {.x = fnn_conv_pixels(c->in[0]), .y = fnn_conv_pixels(c->out[0]),
                        .w = {g->cout, g->cin, g->taps, w->stride[t], w->stride[!t], 1, t},
                        .weight = w->storage ? fnn_tensor_data(w) : NULL,
                        .bias = b && b->storage ? fnn_tensor_data(b) : NULL,
                        .relu = c->attr[4].v.i == 1};
  for (int d = 2; d < w->ndim; d++)
    if (w->size[d] > 1) p.w.st = w->stride[d];
  if (fnn_conv_is_depthwise(g)) {
    p.w.n = g->groups;
    p.w.sn = w->stride[0];
  }
  return p;
}

static form form_of(const fnn_conv *g, const fnn_conv_operands *p) {
  if (fnn_conv_is_product(g, &p->x, &p->y)) return PRODUCT;
  return fnn_conv_is_plane(g, &p->x, &p->y) ? PLANES : TILES;
}

int64_t fnn_conv_workspace(const fnn_opdef *def, const fnn_call *c) {
  if (fnn_tensor_numel(c->out[0]) == 0) return 0;
  fnn_conv g = fnn_conv_of(c, def->kernel);
  fnn_conv_operands p = operands(&g, c);
  form f = form_of(&g, &p);
  if (f == PRODUCT) return fnn_conv_product_bytes(&g, &p);
  return f == PLANES ? fnn_conv_plane_bytes(&g, &p) : fnn_conv_tiles_bytes(&g, &p);
}

fnn_status fnn_conv_run_op(const fnn_opdef *def, const fnn_call *c, void *ws) {
  if (fnn_tensor_numel(c->out[0]) == 0) return FNN_OK;
  fnn_conv g = fnn_conv_of(c, def->kernel);
  fnn_conv_operands p = operands(&g, c);
  form f = form_of(&g, &p);
  if (f == PRODUCT) fnn_conv_product_run(&g, &p, ws);
  else if (f == PLANES) fnn_conv_plane_run(&g, &p, ws);
  else fnn_conv_tiles_run(&g, &p, ws);
  return FNN_OK;
}
