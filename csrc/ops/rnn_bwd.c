/* Back through time. A step is one parallel region: a block of units takes what the gates of the
 * following step send back through w (packed once), then runs its own activations backward. The
 * weights' gradient is one product over all steps at the end. */
#include "ops/rnn.h"

#define WORK (1 << 16) /* multiply-adds that are worth a task */

enum { DY, DHN, DCN, W, H0, C0, Y, SAVED, CELLS };
enum { DX, DH0, DC0, DW, DBIAS };

static const fnn_tensor *in(const fnn_call *c, int i) { return i < c->nin ? c->in[i] : NULL; }
static const fnn_tensor *out(const fnn_call *c, int i) { return i < c->nout ? c->out[i] : NULL; }

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *want) {
  const fnn_tensor *y = c->in[Y], *h0 = c->in[H0];
  int64_t rows = y->ndim == 2 ? y->size[0] : -1, gates = fnn_rnn_gates(def->kernel);
  fnn_status st = fnn_rnn_check(def, rows, y->dtype, c->in[W], h0, in(c, C0), &c->attr[0]);
  if (st) return st;
  int64_t batch = h0->size[0], hidden = h0->size[1], saved = fnn_rnn_saved(def->kernel);
  const struct { int i; const char *what; int64_t rows, width; } operands[6] = {
      {DY, "dy", rows, 1}, {DHN, "dhn", batch, 1}, {DCN, "dcn", batch, 1}, {Y, "y", rows, 1},
      {SAVED, "saved", rows, saved}, {CELLS, "cells", rows, 1}};
  for (int k = 0; k < 6 && !st; k++)
    if (in(c, operands[k].i))
      st = fnn_rnn_want(def, operands[k].what, c->in[operands[k].i], y->dtype, operands[k].rows,
                        operands[k].width * hidden);
  int lacks = def->kernel >= FNN_K_lstm && !in(c, SAVED);
  lacks |= def->kernel == FNN_K_lstm && (!in(c, CELLS) || !out(c, DC0));
  if (!st && (lacks || !out(c, DX) || !out(c, DH0)))
    st = fnn_fail(FNN_EVALUE, "%s: operands are missing; expected %s", def->name, def->signature);
  const int64_t size[5][2] = {{rows, gates * hidden}, {batch, hidden}, {batch, hidden},
                              {gates * hidden, hidden}, {gates * hidden, 0}};
  for (int i = 0; i < c->nout && !st; i++) {
    fnn_set_shape(&want[i], y->dtype, i == DBIAS ? 1 : 2, size[i]);
    if (c->out[i] && c->out[i]->storage && !fnn_tensor_is_contiguous(c->out[i]))
      st = fnn_fail(FNN_ERUNTIME, "%s: outputs must be contiguous", def->name);
  }
  return st;
}

typedef struct job {
  fnn_rnn r;
  const fnn_call *call;
  int64_t units, blocks, block_bytes, step;
  char *packed, *before, *products, *scratch; /* before: h_prev of all rows; products: dproducts */
} job;

static void set_blocks(job *j) {
  const fnn_rnn *r = &j->r;
  j->units = r->hidden >= 512 ? 64 : 16;
  j->blocks = fnn_ceil_div(r->hidden, j->units);
  j->block_bytes = r->gates * r->hidden * 64 * r->item;
}

static int64_t state_bytes(const fnn_rnn *r, int64_t width) {
  return fnn_round_up(r->rows * width * r->hidden * r->item, FNN_ALIGN);
}

static int64_t gemm_bytes(const fnn_rnn *r) {
  return fnn_gemm_workspace(r->dtype, 1, 0, r->gates * r->hidden, r->hidden, r->rows);
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *c) {
  job j = {.r = fnn_rnn_of(def, c, c->in[Y]->size[0], c->in[H0])};
  set_blocks(&j);
  int64_t products = j.r.kind == FNN_K_gru ? state_bytes(&j.r, j.r.gates) : 0;
  return fnn_rnn_firsts_bytes(&j.r) + j.blocks * j.block_bytes + state_bytes(&j.r, 1) + products +
         gemm_bytes(&j.r);
}

static void pack_blocks(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_rnn *r = &j->r;
  (void)thread;
  for (int64_t b = begin; b < end; b++)
    r->gemm->pack_b(r->gates * r->hidden, fnn_min64(j->units, r->hidden - b * j->units),
                    fnn_rnn_row(r, j->call->in[W], 0, 1, b * j->units), r->hidden, 1,
                    j->packed + b * j->block_bytes);
}

/* dh[:, units] += dproducts of a step times w[:, units] */
static void through_weights(const job *j, int64_t block, int64_t step) {
  const fnn_rnn *r = &j->r;
  int64_t unit = block * j->units, nr = r->gemm->nr, depth = r->gates * r->hidden;
  fnn_rnn_place at = fnn_rnn_at(r, step);
  fnn_gemm_block g = {.m = at.size, .n = fnn_min64(j->units, r->hidden - unit), .k = depth,
                      .a = j->products + at.first * depth * r->item, .rsa = depth, .csa = 1,
                      .b = j->packed + block * j->block_bytes, .ldb = nr, .bpanel = depth * nr,
                      .c = fnn_rnn_row(r, j->call->out[DH0], 0, 1, unit), .ldc = r->hidden,
                      .load = 1};
  r->gemm->tiles(&g);
}

static void run_piece(const job *j, int64_t block, const fnn_rnn_place *at,
                      const fnn_rnn_piece *p) {
  const fnn_rnn *r = &j->r;
  const fnn_call *c = j->call;
  int64_t unit = block * j->units, row = at->first + p->row;
  int64_t before = p->before < 0 ? p->row : p->before;
  fnn_rnn_step_bwd s = {
      .rows = p->rows, .units = fnn_min64(j->units, r->hidden - unit), .hidden = r->hidden,
      .dy = fnn_rnn_row(r, in(c, DY), row, 1, unit),
      .saved = fnn_rnn_row(r, in(c, SAVED), row, r->saved, unit),
      .h = fnn_rnn_row(r, c->in[Y], row, 1, unit),
      .h_prev = fnn_rnn_row(r, c->in[p->before < 0 ? H0 : Y], before, 1, unit),
      .cells = fnn_rnn_row(r, in(c, CELLS), row, 1, unit),
      .c_prev = fnn_rnn_row(r, in(c, p->before < 0 ? C0 : CELLS), before, 1, unit),
      .dh = fnn_rnn_row(r, c->out[DH0], p->row, 1, unit),
      .dc = fnn_rnn_row(r, out(c, DC0), p->row, 1, unit),
      .dgates = fnn_rnn_row(r, c->out[DX], row, r->gates, unit),
      .dproducts = j->products + (row * r->gates * r->hidden + unit) * r->item};
  r->kernels->step_bwd[r->kind](&s);
}

/* step -1: only what step 0 sends back to the initial state */
static void run_blocks(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  fnn_rnn_piece p[2];
  int pieces = j->step < 0 ? 0 : fnn_rnn_pieces(&j->r, j->step, p);
  fnn_rnn_place at = fnn_rnn_at(&j->r, fnn_max64(0, j->step));
  (void)thread;
  for (int64_t b = begin; b < end; b++) {
    if (j->step + 1 < j->r.steps) through_weights(j, b, j->step + 1);
    for (int i = 0; i < pieces; i++) run_piece(j, b, &at, &p[i]);
  }
}

/* h_prev of every row, in the order of the rows. */
static void gather_before(const job *j) {
  const fnn_rnn *r = &j->r;
  const int64_t row = r->hidden * r->item;
  for (int64_t s = 0; s < r->steps; s++) {
    fnn_rnn_place at = fnn_rnn_at(r, s);
    fnn_rnn_piece p[2];
    for (int i = 0, n = fnn_rnn_pieces(r, s, p); i < n; i++) {
      const fnn_tensor *from = j->call->in[p[i].before < 0 ? H0 : Y];
      memcpy(j->before + (at.first + p[i].row) * row,
             fnn_rnn_row(r, from, p[i].before < 0 ? p[i].row : p[i].before, 1, 0),
             (size_t)(p[i].rows * row));
    }
  }
}

/* d of an output's gradient, or zeros: where the gradients of the states begin. */
static void begin_with(const fnn_rnn *r, const fnn_tensor *given, const fnn_tensor *to) {
  size_t bytes = (size_t)(r->batch * r->hidden * r->item);
  if (!to) return;
  if (given) memcpy(fnn_tensor_data(to), fnn_tensor_data(given), bytes);
  else memset(fnn_tensor_data(to), 0, bytes);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  job j = {.r = fnn_rnn_of(def, c, c->in[Y]->size[0], c->in[H0]), .call = c};
  fnn_rnn *r = &j.r;
  const int64_t depth = r->gates * r->hidden;
  set_blocks(&j);
  fnn_rnn_set_firsts(r, ws);
  j.packed = (char *)ws + fnn_rnn_firsts_bytes(r);
  j.before = j.packed + j.blocks * j.block_bytes;
  j.scratch = j.before + state_bytes(r, 1);
  j.products = fnn_tensor_data(c->out[DX]);
  if (r->kind == FNN_K_gru) {
    j.products = j.scratch;
    j.scratch += state_bytes(r, r->gates);
  }
  begin_with(r, in(c, DHN), c->out[DH0]);
  begin_with(r, in(c, DCN), out(c, DC0));
  if (r->steps) {
    int64_t pack = depth * j.units, work = pack * r->batch;
    fnn_parallel_for(j.blocks, fnn_ceil_div(WORK, pack), pack_blocks, &j);
    for (j.step = r->steps - 1; j.step >= -1; j.step--)
      fnn_parallel_for(j.blocks, fnn_ceil_div(WORK, work), run_blocks, &j);
  }
  if (out(c, DW)) {
    gather_before(&j);
    fnn_gemm(r->dtype, 1, 0, depth, r->hidden, r->rows, j.products, depth, j.before, r->hidden,
             fnn_tensor_data(c->out[DW]), r->hidden, NULL, j.scratch);
  }
  if (out(c, DBIAS))
    r->gemm->column_sums(r->rows, depth, j.products, depth, 1, 0, fnn_tensor_data(c->out[DBIAS]),
                         1);
  return FNN_OK;
}

const fnn_family fnn_family_rnn_bwd = {infer, workspace, run};
