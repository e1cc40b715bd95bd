/* matmul: torch's rules for every rank. */
#include "ops/matmul.h"

#include "ops/copy.h"

static fnn_status check_dtypes(const fnn_opdef *def, const fnn_tensor *a, const fnn_tensor *b) {
  if (a->dtype != b->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: both operands must have the same dtype, got %s and %s",
                    def->name, fnn_tensor_str(a), fnn_tensor_str(b));
  if (a->dtype > FNN_U8)
    return fnn_fail(FNN_ERUNTIME, "%s: not implemented for %s", def->name, fnn_tensor_str(a));
  return FNN_OK;
}

fnn_status fnn_matmul_infer(const fnn_opdef *def, const fnn_tensor *a, const fnn_tensor *b,
                            fnn_tensor *out) {
  if (a->ndim == 0 || b->ndim == 0)
    return fnn_fail(FNN_ERUNTIME, "%s: both operands need at least one dimension, got %s and %s",
                    def->name, fnn_tensor_str(a), fnn_tensor_str(b));
  fnn_status st = check_dtypes(def, a, b);
  if (st) return st;
  int64_t k = a->size[a->ndim - 1], size[FNN_MAX_DIMS];
  if (k != b->size[b->ndim > 1 ? b->ndim - 2 : 0])
    return fnn_fail(FNN_ERUNTIME, "%s: shapes %s and %s cannot be multiplied", def->name,
                    fnn_shape_str(a->ndim, a->size), fnn_shape_str(b->ndim, b->size));
  int na = a->ndim > 2 ? a->ndim - 2 : 0, nb = b->ndim > 2 ? b->ndim - 2 : 0;
  int n = na > nb ? na : nb;
  for (int i = 0; i < n; i++) {
    int64_t sa = i < n - na ? 1 : a->size[i - (n - na)];
    int64_t sb = i < n - nb ? 1 : b->size[i - (n - nb)];
    if (sa != sb && sa != 1 && sb != 1)
      return fnn_fail(FNN_ERUNTIME, "%s: batch dimensions of %s and %s do not broadcast",
                      def->name, fnn_shape_str(a->ndim, a->size),
                      fnn_shape_str(b->ndim, b->size));
    size[i] = sa == 1 ? sb : sa;
  }
  if (a->ndim > 1) size[n++] = a->size[a->ndim - 2];
  if (b->ndim > 1) size[n++] = b->size[b->ndim - 1];
  fnn_set_shape(out, a->dtype, n, size);
  int64_t total;
  if (!fnn_numel_ok(n, size, &total))
    return fnn_fail(FNN_ERUNTIME, "%s: the result of %s and %s is too large", def->name,
                    fnn_shape_str(a->ndim, a->size), fnn_shape_str(b->ndim, b->size));
  return FNN_OK;
}

/* ---- integers: one plain loop nest, wrapping as torch's */

#define INT_MATMUL(T, U, S)                                                               \
  static void product_##S(const fnn_gemm_args *g, int64_t csc) {                          \
    const T *a = g->a, *b = g->b;                                                         \
    T *c = g->c;                                                                          \
    for (int64_t i = 0; i < g->m; i++)                                                    \
      for (int64_t j = 0; j < g->n; j++) {                                                \
        U sum = 0;                                                                        \
        for (int64_t p = 0; p < g->k; p++)                                                \
          sum += (U)a[i * g->rsa + p * g->csa] * (U)b[p * g->rsb + j * g->csb];           \
        c[i * g->ldc + j * csc] = (T)sum;                                                 \
      }                                                                                   \
  }
INT_MATMUL(int64_t, uint64_t, i64)
INT_MATMUL(int32_t, uint32_t, i32)
INT_MATMUL(uint8_t, uint32_t, u8)

static void run_integers(const fnn_product *p) {
  int64_t item = fnn_dtype_size((fnn_dtype)p->g.dtype);
  for (int64_t i = 0; i < p->count; i++) {
    fnn_gemm_args g = p->g;
    int64_t rest = i;
    for (int d = p->nbatch - 1; d >= 0; d--) {
      int64_t at = rest % p->size[d];
      rest /= p->size[d];
      g.a = (const char *)g.a + at * p->sa[d] * item;
      g.b = (const char *)g.b + at * p->sb[d] * item;
      g.c = (char *)g.c + at * p->sc[d] * item;
    }
    if (g.dtype == FNN_I64) product_i64(&g, p->csc);
    else if (g.dtype == FNN_I32) product_i32(&g, p->csc);
    else product_u8(&g, p->csc);
  }
}

/* ---- matmul */

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  return fnn_matmul_infer(def, c->in[0], c->in[1], out);
}

/* A given output whose rows are not contiguous is computed in the workspace and copied. */
static fnn_tensor dense(const fnn_tensor *y) {
  fnn_tensor t = *y;
  fnn_set_contiguous(&t);
  return t;
}

static int64_t bytes_of(const fnn_tensor *y) {
  return fnn_round_up(fnn_tensor_numel(y) * fnn_dtype_size((fnn_dtype)y->dtype), FNN_ALIGN);
}

int64_t fnn_matmul_bytes(const fnn_tensor *a, const fnn_tensor *b, const fnn_tensor *y) {
  if (!fnn_is_float(y->dtype)) return 0;
  fnn_product p = fnn_matmul_product(a, b, y);
  if (fnn_product_fits(&p)) return fnn_product_workspace(&p);
  fnn_tensor t = dense(y);
  p = fnn_matmul_product(a, b, &t);
  return bytes_of(y) + fnn_product_workspace(&p);
}

static void set_end(fnn_product *p, const fnn_epilogue *end) {
  if (!end) return;
  p->g.end = *end;
  if (!p->swapped) return;
  p->g.end.bias_m = end->bias_n;
  p->g.end.bias_n = end->bias_m;
}

void fnn_matmul_into(const fnn_tensor *a, const fnn_tensor *b, const fnn_tensor *y,
                     const fnn_epilogue *end, void *ws) {
  fnn_product p = fnn_matmul_product(a, b, y);
  if (!fnn_is_float(y->dtype)) {
    run_integers(&p);
  } else if (fnn_product_fits(&p)) {
    set_end(&p, end);
    fnn_product_run(&p, ws);
  } else {
    fnn_storage s = {.data = ws, .nbytes = bytes_of(y), .writable = 1};
    fnn_tensor t = dense(y);
    t.storage = &s;
    t.offset = 0;
    p = fnn_matmul_product(a, b, &t);
    set_end(&p, end);
    fnn_product_run(&p, (char *)ws + bytes_of(y));
    fnn_copy(&t, y);
  }
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  return fnn_matmul_bytes(c->in[0], c->in[1], c->out[0]);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  fnn_matmul_into(c->in[0], c->in[1], c->out[0], NULL, ws);
  return FNN_OK;
}

const fnn_family fnn_family_matmul = {infer, workspace, run};
