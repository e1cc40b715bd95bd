/* conv_bwd_w: dw[n][c][tap] = sum over images and pixels of dy[n][pixel] x[c][pixel + tap].
 *
 * The sum over pixels is cut into chunks (some images, or a band of one) by shape and dtype alone.
 * They go to partial sums in turn, which are added in a tree at the end. A piece of work is one
 * partial sum's block of output channels; whichever thread does it, it adds in the same order. */
#include "ops/conv.h"

#include "ops/copy.h"

#define CHUNK_BYTES (1 << 20)   /* of x and dy that one chunk touches, */
#define CHUNK_PIXELS 768        /* and of its pixels */
#define COLUMNS 128              /* output channels of one piece of work */
#define PIECES 16               /* so many where partial sums are small, */
#define PARTIAL_BYTES (2 << 20) /* all together at most this, */
#define PIECES_LARGE 8          /* and so many in any case that there are chunks for */
#define PARALLEL_WORK (1 << 18)
#define FEW_TAPS 4              /* fewer read x too seldom for moving it to pay: 1x1 kernels */

typedef struct {
  fnn_conv g;
  const fnn_conv_kernels *k;
  int64_t item, rows;
  int depthwise, axis, in_place; /* in_place: dy is a panel as it stands */
  fnn_pixels x, dy;
  fnn_conv_run *runs[FNN_CONV_DIMS];
  int64_t nruns[FNN_CONV_DIMS];
  int64_t images, band, chunks_q, chunks, lanes;
  int64_t channels, columns, blocks; /* of dy; of a piece; pieces of a partial sum */
  int64_t runs_bytes, sum_bytes, x_bytes, dy_bytes, seg_bytes;
  char *sums, *scratch, *dw;
} job;

typedef struct {
  int64_t n0, n1, q0, q1;    /* the chunk */
  int64_t group, first, n;   /* output channels [first, first+n) of the group */
  fnn_pixels x, dy;
  fnn_conv_segment *taps, *pixels;
  char *panels, *sum;
} piece;

static void cut_work(job *j) {
  const fnn_conv *g = &j->g;
  int64_t each = fnn_conv_count(g->out), length = g->out[j->axis], row = each / length;
  int64_t bytes = j->depthwise ? 2 * g->groups : g->cin + fnn_min64(COLUMNS, g->cout);
  int64_t want = fnn_max64(1, fnn_min64(CHUNK_PIXELS, CHUNK_BYTES / (bytes * j->item)));
  j->images = fnn_max64(1, fnn_min64(g->batch, want / each));
  j->band = each <= want ? length : fnn_max64(1, want / row);
  j->band = fnn_ceil_div(length, fnn_ceil_div(length, j->band));
  j->chunks_q = fnn_ceil_div(length, j->band);
  j->chunks = fnn_ceil_div(g->batch, j->images) * j->chunks_q;
  j->columns = j->depthwise ? g->groups : fnn_min64(COLUMNS, g->cout);
  j->blocks = j->depthwise ? 1 : g->groups * fnn_ceil_div(g->cout, j->columns);
  j->sum_bytes = fnn_round_up(j->rows * j->channels * j->item, FNN_ALIGN);
  j->lanes = fnn_min64(fnn_ceil_div(PIECES, j->blocks), PARTIAL_BYTES / j->sum_bytes);
  j->lanes = fnn_max64(fnn_ceil_div(PIECES_LARGE, j->blocks), j->lanes);
  j->lanes = fnn_min64(j->lanes, j->chunks);
}

/* Whether dy's pixels are rows of one panel. */
static int is_panel(const job *j) {
  const fnn_conv *g = &j->g;
  int64_t c = g->cout;
  if (j->depthwise) return j->dy.channel == 1;
  return g->groups == 1 && j->dy.channel == 1 && c <= j->k->nr && c % j->k->vl == 0 &&
         j->dy.at[2] == c && j->dy.at[1] % c == 0 && j->dy.at[0] % c == 0 && j->dy.batch % c == 0;
}

/* Whether a tile can take its rows from x's channels as they stand, each a run of pixels. */
static int is_rows(const job *j) {
  return !j->depthwise && j->x.at[2] == 1 && j->g.taps < FEW_TAPS;
}

static job make_job(const fnn_call *c) {
  job j = {.g = fnn_conv_of_bwd_w(c)};
  fnn_conv *g = &j.g;
  j.k = fnn_conv_kernels_of(g->dtype);
  j.item = fnn_dtype_size((fnn_dtype)g->dtype);
  j.depthwise = fnn_conv_is_depthwise(g);
  j.axis = fnn_conv_axis(g);
  j.dy = fnn_conv_pixels(c->in[0]);
  j.x = fnn_conv_pixels(c->in[1]);
  j.rows = g->taps * g->cin;
  j.channels = g->cout * g->groups;
  cut_work(&j);
  for (int d = 0; d < FNN_CONV_DIMS; d++) {
    j.nruns[d] = fnn_conv_runs(g, d, NULL);
    j.runs_bytes += j.nruns[d] * (int64_t)sizeof(fnn_conv_run);
  }
  j.runs_bytes = fnn_round_up(j.runs_bytes, FNN_ALIGN);
  int64_t reach = fnn_conv_reach_max(g, j.axis, j.band);
  int64_t mine = j.depthwise ? g->groups : g->cin, wide = fnn_round_up(j.columns, j.k->vl);
  fnn_pixels xs = fnn_conv_dense(g->in, j.axis, reach, mine);
  fnn_pixels dys = fnn_conv_dense(g->out, j.axis, j.band, wide);
  if (j.x.channel != 1 && !is_rows(&j))
    j.x_bytes = fnn_round_up(xs.batch * j.images * j.item, FNN_ALIGN);
  j.in_place = is_panel(&j);
  if (!j.in_place)
    j.dy_bytes = fnn_round_up(dys.batch * j.images * j.item, FNN_ALIGN);
  j.seg_bytes = (g->taps + j.images * g->out[0] * g->out[1]) * (int64_t)sizeof(fnn_conv_segment);
  j.seg_bytes = fnn_round_up(j.seg_bytes, FNN_ALIGN);
  return j;
}

static int64_t dw_bytes(const fnn_tensor *dw) {
  if (fnn_tensor_is_contiguous(dw)) return 0;
  return fnn_round_up(fnn_tensor_numel(dw) * fnn_dtype_size((fnn_dtype)dw->dtype), FNN_ALIGN);
}

static int is_empty(const fnn_call *c) {
  return fnn_tensor_numel(c->in[0]) == 0 || fnn_tensor_numel(c->out[0]) == 0;
}

int64_t fnn_conv_bwd_w_workspace(const fnn_opdef *def, const fnn_call *c) {
  (void)def;
  if (is_empty(c)) return 0;
  job j = make_job(c);
  return dw_bytes(c->out[0]) + j.runs_bytes + j.lanes * j.sum_bytes +
         fnn_max_threads() * (j.x_bytes + j.dy_bytes + j.seg_bytes);
}

/* ---- one chunk */

static void move_x(const job *j, piece *p, char *to) {
  const fnn_conv *g = &j->g;
  int64_t channels = j->depthwise ? g->groups : g->cin, lo, hi;
  fnn_pixels from = j->x;
  from.data += p->group * g->cin * from.channel * j->item;
  if (!j->x_bytes) {
    p->x = from;
    return;
  }
  fnn_conv_reach(g, j->axis, p->q0, p->q1, &lo, &hi);
  p->x = fnn_conv_dense(g->in, j->axis, fnn_conv_reach_max(g, j->axis, j->band), channels);
  p->x.data = to - (p->n0 * p->x.batch + lo * p->x.at[j->axis]) * j->item;
  if (lo < hi) fnn_conv_move(g, g->in, channels, j->axis, lo, hi, p->n0, p->n1, &from, &p->x);
}

static fnn_pixels panel_of(const job *j, const piece *p, int64_t i, int64_t n) {
  const fnn_conv *g = &j->g;
  int64_t wide = fnn_round_up(n, j->k->vl), full = i * j->k->nr;
  if (j->in_place) return j->dy;
  fnn_pixels q = fnn_conv_dense(g->out, j->axis, j->band, wide);
  q.data = p->panels + q.batch / wide * j->images * full * j->item -
           (p->n0 * q.batch + p->q0 * q.at[j->axis]) * j->item;
  return q;
}

static void move_dy(const job *j, piece *p) {
  const fnn_conv *g = &j->g;
  int64_t nr = j->depthwise ? p->n : j->k->nr;
  p->dy = j->dy;
  if (j->in_place) return;
  for (int64_t i = 0; i * nr < p->n; i++) {
    int64_t n = fnn_min64(nr, p->n - i * nr);
    fnn_pixels from = j->dy, to = panel_of(j, p, i, n);
    from.data += (p->group * g->cout + p->first + i * nr) * from.channel * j->item;
    fnn_conv_move(g, g->out, n, j->axis, p->q0, p->q1, p->n0, p->n1, &from, &to);
    if (j->depthwise) p->dy = to;
  }
}

/* The pixels of a block as segments of k: rows of outputs, from x's pixel to dy's in the panel. */
static int64_t pixel_rows(const piece *p, const fnn_pixels *dy, int64_t wide,
                          const fnn_conv_run *const run[], fnn_conv_segment *seg) {
  const fnn_conv_run *d = run[0], *h = run[1], *w = run[2];
  int64_t n = 0, astep = w->rstep * p->x.at[2], bstep = dy->at[2] / wide;
  for (int64_t i = 0; i < p->n1 - p->n0; i++)
    for (int64_t a = 0; a < d->count; a++)
      for (int64_t b = 0; b < h->count; b++) {
        int64_t at = (p->n0 + i) * p->x.batch + a * d->rstep * p->x.at[0] +
                     b * h->rstep * p->x.at[1];
        int64_t row = ((p->n0 + i) * dy->batch + (d->q + a) * dy->at[0] +
                       (h->q + b) * dy->at[1] + w->q * dy->at[2]) / wide;
        fnn_conv_segment *last = seg + n - 1;
        if (n && last->a + last->k * astep == at && last->b + last->k * bstep == row)
          last->k += w->count; /* one row goes on in the next */
        else seg[n++] = (fnn_conv_segment){at, row, w->count};
      }
  return n;
}

static void block(const job *j, const piece *p, const fnn_conv_run *const run[]) {
  int64_t at, taps = fnn_conv_segments(&j->g, &p->x, run, p->taps, &at), nr = j->k->nr;
  fnn_conv_block b = {.rsa = p->x.channel, .csa = run[2]->rstep * p->x.at[2],
                      .ldc = j->channels, .load = 1, .seg = p->pixels};
  for (int64_t i = 0; i * nr < p->n; i++) {
    b.n = fnn_min64(nr, p->n - i * nr);
    fnn_pixels dy = panel_of(j, p, i, b.n);
    int64_t wide = fnn_round_up(b.n, j->k->vl);
    b.b = dy.data;
    b.nseg = pixel_rows(p, &dy, wide, run, p->pixels);
    for (int64_t t = 0; t < taps; t++) {
      b.m = p->taps[t].k;
      b.a = p->x.data + (at + p->taps[t].a) * j->item;
      b.c = p->sum + (p->taps[t].b * j->channels + p->group * j->g.cout + p->first + i * nr) *
                         j->item;
      j->k->tiles(&b);
    }
  }
}

static void block_depthwise(const job *j, const piece *p, const fnn_conv_run *const run[]) {
  int64_t at, taps = fnn_conv_segments(&j->g, &p->x, run, p->taps, &at);
  int64_t rows = pixel_rows(p, &p->dy, 1, run, p->pixels);
  fnn_conv_block b = {.n = p->n, .a = p->x.data + at * j->item, .b = p->dy.data,
                      .rsa = run[2]->rstep * p->x.at[2], .c = p->sum, .ldc = j->channels,
                      .nseg = taps, .seg = p->taps};
  j->k->depthwise_w(&b, p->dy.at[2], rows, p->pixels);
}

static void run_chunk(const job *j, piece *p, char *scratch) {
  p->panels = scratch + j->x_bytes;
  p->taps = (fnn_conv_segment *)(p->panels + j->dy_bytes);
  p->pixels = p->taps + j->g.taps;
  move_x(j, p, scratch);
  move_dy(j, p);
  for (int64_t d = 0; d < j->nruns[0]; d++)
    for (int64_t h = 0; h < j->nruns[1]; h++)
      for (int64_t w = 0; w < j->nruns[2]; w++) {
        const fnn_conv_run *run[] = {j->runs[0] + d, j->runs[1] + h, j->runs[2] + w};
        fnn_conv_run mine = fnn_conv_clip(*run[j->axis], p->q0, p->q1);
        run[j->axis] = &mine;
        if (mine.count == 0) continue;
        if (j->depthwise) block_depthwise(j, p, run);
        else block(j, p, run);
      }
}

/* ---- all of them */

static piece piece_of(const job *j, int64_t lane, int64_t i) {
  int64_t each = j->blocks / (j->depthwise ? 1 : j->g.groups);
  piece p = {.group = i / each, .first = i % each * j->columns};
  p.n = j->depthwise ? j->columns : fnn_min64(j->columns, j->g.cout - p.first);
  p.sum = j->sums + lane * j->sum_bytes;
  return p;
}

static char *sum_row(const job *j, const piece *p, int64_t row) {
  return p->sum + (row * j->channels + p->group * j->g.cout + p->first) * j->item;
}

static void run_pieces(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  char *scratch = j->scratch + thread * (j->x_bytes + j->dy_bytes + j->seg_bytes);
  for (int64_t i = begin; i < end; i++) {
    piece p = piece_of(j, i / j->blocks, i % j->blocks);
    for (int64_t r = 0; r < j->rows; r++) memset(sum_row(j, &p, r), 0, (size_t)(p.n * j->item));
    for (int64_t chunk = i / j->blocks; chunk < j->chunks; chunk += j->lanes) {
      p.n0 = chunk / j->chunks_q * j->images;
      p.n1 = fnn_min64(j->g.batch, p.n0 + j->images);
      p.q0 = chunk % j->chunks_q * j->band;
      p.q1 = fnn_min64(j->g.out[j->axis], p.q0 + j->band);
      run_chunk(j, &p, scratch);
    }
  }
}

static void join(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  const fnn_conv *g = &j->g;
  (void)thread;
  for (int64_t i = begin; i < end; i++) {
    piece p = piece_of(j, 0, i);
    for (int64_t r = 0; r < j->rows; r++)
      for (int64_t step = 1; step < j->lanes; step *= 2)
        for (int64_t lane = 0; lane + step < j->lanes; lane += 2 * step) {
          char *to = sum_row(j, &p, r) + lane * j->sum_bytes;
          j->k->add(p.n, to + step * j->sum_bytes, to);
        }
    fnn_conv_weight w = {p.n, g->cin, g->taps, j->rows, g->taps, 1, 0};
    int64_t channel = p.group * g->cout;
    j->k->unpack_w(&w, p.sum + channel * j->item, j->channels, p.first, p.n,
                   j->dw + channel * j->rows * j->item);
  }
}

static void compute(const fnn_call *c, char *dw, char *ws) {
  job j = make_job(c);
  fnn_conv_run *runs = (fnn_conv_run *)ws;
  for (int d = 0; d < FNN_CONV_DIMS; d++) {
    j.runs[d] = runs;
    runs += fnn_conv_runs(&j.g, d, runs);
  }
  j.dw = dw;
  j.sums = ws + j.runs_bytes;
  j.scratch = j.sums + j.lanes * j.sum_bytes;
  int64_t pieces = j.lanes * j.blocks;
  double work = (double)fnn_tensor_numel(c->in[0]) * (double)j.rows;
  fnn_parallel_for(pieces, work < PARALLEL_WORK ? pieces : 1, run_pieces, &j);
  fnn_parallel_for(j.blocks, work < PARALLEL_WORK ? j.blocks : 1, join, &j);
}

fnn_status fnn_conv_bwd_w_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  fnn_tensor *dw = c->out[0];
  const fnn_attr zero = {.n = 0};
  (void)def;
  if (is_empty(c)) {
    fnn_fill(dw, &zero);
    return FNN_OK;
  }
  int64_t bytes = dw_bytes(dw);
  compute(c, bytes ? ws : fnn_tensor_data(dw), (char *)ws + bytes);
  if (bytes) {
    fnn_storage s = {.data = ws, .nbytes = bytes, .writable = 1};
    fnn_tensor t = *dw;
    fnn_set_contiguous(&t);
    t.storage = &s;
    t.offset = 0;
    fnn_copy(&t, dw);
  }
  return FNN_OK;
}
