/* rnn_tanh, rnn_relu, lstm, gru: the time loop of one layer and direction. The input's share of the
 * gates comes ready (one product for all steps). Recurrent weights are packed once, by blocks of
 * units with all their gates; a block's product, its activations and its new state are one task of
 * a step, so that a step is one parallel region. */
#include "ops/rnn.h"

#define WORK (1 << 16) /* multiply-adds that are worth a task */

/* ---- shared with the derivative */

fnn_status fnn_rnn_want(const fnn_opdef *def, const char *what, const fnn_tensor *t, int dtype,
                        int64_t rows, int64_t columns) {
  fnn_tensor want;
  const int64_t size[2] = {rows, columns};
  fnn_set_shape(&want, dtype, rows < 0 ? 1 : 2, rows < 0 ? size + 1 : size);
  if (t->dtype == dtype && fnn_same_shape(t, &want) && fnn_tensor_is_contiguous(t)) return FNN_OK;
  return fnn_fail(FNN_ERUNTIME, "%s: %s must be %s and contiguous, got %s", def->name, what,
                  fnn_tensor_str(&want), fnn_tensor_str(t));
}

static fnn_status check_sizes(const fnn_opdef *def, int64_t rows, int64_t batch,
                              const fnn_attr *sizes) {
  int64_t sum = 0, last = batch;
  for (int64_t t = 0; t < sizes->n; t++) {
    int64_t n = sizes->v.ints[t];
    if (n < 1 || n > last || (t == 0 && n != batch))
      return fnn_fail(FNN_EVALUE, "%s: batch sizes must begin with the states' %lld and not grow, "
                      "got %lld at step %lld", def->name, (long long)batch, (long long)n,
                      (long long)t);
    sum += last = n;
  }
  if (sizes->n ? sum != rows : batch ? rows % batch : rows)
    return fnn_fail(FNN_EVALUE, "%s: %lld rows do not go with the batch sizes", def->name,
                    (long long)rows);
  return FNN_OK;
}

fnn_status fnn_rnn_check(const fnn_opdef *def, int64_t rows, int dtype, const fnn_tensor *w,
                         const fnn_tensor *h0, const fnn_tensor *c0, const fnn_attr *sizes) {
  if (dtype != FNN_F32 && dtype != FNN_F64)
    return fnn_fail(FNN_ETYPE, "%s: expected float32 or float64, got %s", def->name,
                    fnn_dtype_name((fnn_dtype)dtype));
  if (h0->ndim != 2 || h0->size[1] < 1)
    return fnn_fail(FNN_ERUNTIME, "%s: the state must be (batch, hidden), got %s", def->name,
                    fnn_tensor_str(h0));
  int64_t batch = h0->size[0], hidden = h0->size[1];
  int64_t depth = fnn_rnn_gates(def->kernel) * hidden;
  fnn_status st = fnn_rnn_want(def, "weight", w, dtype, depth, hidden);
  if (!st) st = fnn_rnn_want(def, "h0", h0, dtype, batch, hidden);
  if (!st && def->kernel == FNN_K_lstm && !c0)
    st = fnn_fail(FNN_EVALUE, "%s: c0 is needed", def->name);
  if (!st && c0) st = fnn_rnn_want(def, "c0", c0, dtype, batch, hidden);
  return st ? st : check_sizes(def, rows, batch, sizes);
}

fnn_rnn fnn_rnn_of(const fnn_opdef *def, const fnn_call *c, int64_t rows, const fnn_tensor *h0) {
  int wide = h0->dtype == FNN_F64;
  fnn_rnn r = {.kind = def->kernel, .dtype = h0->dtype, .reverse = (int)c->attr[1].v.i};
  r.kernels = wide ? fnn_k->rnn_f64 : fnn_k->rnn_f32;
  r.gemm = wide ? fnn_k->gemm_f64 : fnn_k->gemm_f32;
  r.item = wide ? 8 : 4;
  r.gates = fnn_rnn_gates(r.kind);
  r.saved = fnn_rnn_saved(r.kind);
  r.batch = h0->size[0];
  r.hidden = h0->size[1];
  r.rows = rows;
  r.sizes = c->attr[0].n ? c->attr[0].v.ints : NULL;
  r.steps = r.sizes ? c->attr[0].n : r.batch ? rows / r.batch : 0;
  return r;
}

int64_t fnn_rnn_firsts_bytes(const fnn_rnn *r) {
  return r->sizes ? fnn_round_up(r->steps * 8, FNN_ALIGN) : 0;
}

void fnn_rnn_set_firsts(fnn_rnn *r, void *memory) {
  int64_t sum = 0;
  r->firsts = memory;
  for (int64_t t = 0; r->sizes && t < r->steps; sum += r->sizes[t++]) r->firsts[t] = sum;
}

fnn_rnn_place fnn_rnn_at(const fnn_rnn *r, int64_t step) {
  int64_t t = r->reverse ? r->steps - 1 - step : step;
  if (r->sizes) return (fnn_rnn_place){t, r->firsts[t], r->sizes[t]};
  return (fnn_rnn_place){t, t * r->batch, r->batch};
}

int fnn_rnn_pieces(const fnn_rnn *r, int64_t step, fnn_rnn_piece *p) {
  fnn_rnn_place now = fnn_rnn_at(r, step), last = {0, 0, 0};
  if (step) last = fnn_rnn_at(r, step - 1);
  int64_t known = fnn_min64(now.size, last.size);
  int n = 0;
  if (known) p[n++] = (fnn_rnn_piece){0, known, last.first};
  if (known < now.size) p[n++] = (fnn_rnn_piece){known, now.size - known, -1};
  return n;
}

/* ---- forward: x, w, h0, c0?, bias? -> y, hn, cn?, saved?, cells? */

static const fnn_tensor *in(const fnn_call *c, int i) { return i < c->nin ? c->in[i] : NULL; }
static const fnn_tensor *out(const fnn_call *c, int i) { return i < c->nout ? c->out[i] : NULL; }

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *want) {
  const fnn_tensor *x = c->in[0], *h0 = c->in[2], *bias = in(c, 4);
  int64_t rows = x->ndim == 2 ? x->size[0] : -1;
  fnn_status st = fnn_rnn_check(def, rows, x->dtype, c->in[1], h0, in(c, 3), &c->attr[0]);
  if (st) return st;
  int64_t hidden = h0->size[1], gates = fnn_rnn_gates(def->kernel);
  st = fnn_rnn_want(def, "input", x, x->dtype, rows, gates * hidden);
  if (!st && bias) st = fnn_rnn_want(def, "bias", bias, x->dtype, -1, gates * hidden);
  int lstm = def->kernel == FNN_K_lstm;
  int gated = def->kernel >= FNN_K_lstm;
  if (!st && ((out(c, 2) == NULL) == lstm || (out(c, 4) && !lstm) || (out(c, 3) && !gated)))
    st = fnn_fail(FNN_EVALUE, "%s: cn (needed) and cells are lstm's, saved lstm's and gru's",
                  def->name);
  if (st) return st;
  const int64_t widths[5] = {1, 1, 1, fnn_rnn_saved(def->kernel), 1};
  for (int i = 0; i < c->nout; i++) {
    const int64_t size[2] = {i == 1 || i == 2 ? h0->size[0] : rows, widths[i] * hidden};
    fnn_set_shape(&want[i], x->dtype, 2, size);
    if (c->out[i] && c->out[i]->storage && !fnn_tensor_is_contiguous(c->out[i]))
      return fnn_fail(FNN_ERUNTIME, "%s: outputs must be contiguous", def->name);
  }
  return FNN_OK;
}

typedef struct job {
  fnn_rnn r;
  const fnn_call *call;
  int64_t units, blocks, block_bytes, thread_bytes, step;
  char *packed, *scratch;
} job;

/* Units of a block: their gates fill a panel. */
static void set_blocks(job *j) {
  const fnn_rnn *r = &j->r;
  j->units = r->gates == 1 ? 64 : 16;
  j->blocks = fnn_ceil_div(r->hidden, j->units);
  j->block_bytes = r->hidden * fnn_round_up(r->gates * j->units, 64) * r->item;
  int64_t acc = r->batch * r->gates * j->units, copy = r->gates * j->units * r->hidden;
  j->thread_bytes = fnn_round_up(fnn_max64(acc, copy) * r->item, FNN_ALIGN);
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  job j = {.r = fnn_rnn_of(def, c, c->in[0]->size[0], c->in[2])};
  set_blocks(&j);
  return fnn_rnn_firsts_bytes(&j.r) + fnn_round_up(j.blocks * j.block_bytes, FNN_ALIGN) +
         j.thread_bytes * fnn_max_threads();
}

/* A block's rows of w, gate by gate, become the columns of its panel. */
static void pack_blocks(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_rnn *r = &j->r;
  char *rows = j->scratch + thread * j->thread_bytes;
  for (int64_t b = begin; b < end; b++) {
    int64_t unit = b * j->units, n = fnn_min64(j->units, r->hidden - unit);
    for (int64_t g = 0; g < r->gates; g++)
      memcpy(rows + g * n * r->hidden * r->item,
             fnn_rnn_row(r, j->call->in[1], g * r->hidden + unit, 1, 0),
             (size_t)(n * r->hidden * r->item));
    r->gemm->pack_b(r->hidden, r->gates * n, rows, 1, r->hidden, j->packed + b * j->block_bytes);
  }
}

static void run_piece(const job *j, int64_t block, const fnn_rnn_place *at,
                      const fnn_rnn_piece *p, char *acc) {
  const fnn_rnn *r = &j->r;
  const fnn_call *c = j->call;
  int64_t unit = block * j->units, n = fnn_min64(j->units, r->hidden - unit);
  int64_t row = at->first + p->row;
  const fnn_tensor *from = p->before < 0 ? c->in[2] : c->out[0];
  int64_t before = p->before < 0 ? p->row : p->before, nr = r->gemm->nr;
  fnn_gemm_block g = {.m = p->rows, .n = r->gates * n, .k = r->hidden,
                      .a = fnn_rnn_row(r, from, before, 1, 0), .rsa = r->hidden, .csa = 1,
                      .b = j->packed + block * j->block_bytes, .ldb = nr, .bpanel = r->hidden * nr,
                      .c = acc, .ldc = r->gates * n};
  r->gemm->tiles(&g);
  fnn_rnn_step s = {.rows = p->rows, .units = n, .hidden = r->hidden, .acc = acc,
                    .bias = fnn_rnn_row(r, in(c, 4), 0, 1, unit),
                    .x = fnn_rnn_row(r, c->in[0], row, r->gates, unit),
                    .h_prev = fnn_rnn_row(r, from, before, 1, unit),
                    .h = fnn_rnn_row(r, c->out[0], row, 1, unit),
                    .c = fnn_rnn_row(r, out(c, 2), p->row, 1, unit),
                    .cells = fnn_rnn_row(r, out(c, 4), row, 1, unit),
                    .saved = fnn_rnn_row(r, out(c, 3), row, r->saved, unit)};
  r->kernels->step[r->kind](&s);
}

static void run_blocks(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  fnn_rnn_place at = fnn_rnn_at(&j->r, j->step);
  fnn_rnn_piece p[2];
  int pieces = fnn_rnn_pieces(&j->r, j->step, p);
  for (int64_t b = begin; b < end; b++)
    for (int i = 0; i < pieces; i++)
      run_piece(j, b, &at, &p[i], j->scratch + thread * j->thread_bytes);
}

/* The last state of every row: where the row's own last step left it. */
static void last_states(const job *j) {
  const fnn_rnn *r = &j->r;
  const size_t row = (size_t)(r->hidden * r->item);
  if (r->steps == 0) memcpy(fnn_tensor_data(j->call->out[1]), fnn_tensor_data(j->call->in[2]),
                            (size_t)r->batch * row);
  for (int64_t s = r->steps - 1, done = 0; s >= 0 && done < r->batch; s--) {
    fnn_rnn_place at = fnn_rnn_at(r, s);
    if (at.size > done)
      memcpy(fnn_rnn_row(r, j->call->out[1], done, 1, 0),
             fnn_rnn_row(r, j->call->out[0], at.first + done, 1, 0),
             (size_t)(at.size - done) * row);
    done = fnn_max64(done, at.size);
  }
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.r = fnn_rnn_of(def, c, c->in[0]->size[0], c->in[2]), .call = c};
  set_blocks(&j);
  fnn_rnn_set_firsts(&j.r, ws);
  j.packed = (char *)ws + fnn_rnn_firsts_bytes(&j.r);
  j.scratch = j.packed + fnn_round_up(j.blocks * j.block_bytes, FNN_ALIGN);
  int64_t pack = fnn_max64(1, j.r.gates * j.units * j.r.hidden);
  int64_t work = pack * fnn_max64(1, j.r.batch);
  if (out(c, 2))
    memcpy(fnn_tensor_data(c->out[2]), fnn_tensor_data(c->in[3]),
           (size_t)(j.r.batch * j.r.hidden * j.r.item));
  if (j.r.steps) fnn_parallel_for(j.blocks, fnn_ceil_div(WORK, pack), pack_blocks, &j);
  for (j.step = 0; j.step < j.r.steps; j.step++)
    fnn_parallel_for(j.blocks, fnn_ceil_div(WORK, work), run_blocks, &j);
  last_states(&j);
  return FNN_OK;
}

const fnn_family fnn_family_rnn = {infer, workspace, run};
