/* conv and conv_transpose by register tiles, channels last inside. Images whose channels are not
 * contiguous pass through a transposed copy of the part at hand, which stays in the core's cache;
 * so does what is written. Every output is one chain over K: neither the parts nor the threads
 * change a bit. */
#include "ops/conv.h"

#define PART_BYTES (512 << 10) /* of x and y that one piece of work touches */
#define DEPTH_BYTES (96 << 10) /* the same where every channel is by itself, */
#define DEPTH_COLUMNS 16       /* and its channels */
#define PANEL_ROWS 1024        /* K block: rows of a weight panel that stay in L2 beside it */
#define MIN_ROWS 6             /* rows of pixels that fill a register tile */
#define PARALLEL_WORK (1 << 18)

typedef struct {
  fnn_conv g;
  const fnn_conv_kernels *k;
  int64_t item, rows;            /* bytes; K of the product */
  int depthwise, moved, axis;
  fnn_conv_operands p;
  fnn_conv_run *runs[FNN_CONV_DIMS];
  int64_t nruns[FNN_CONV_DIMS];
  int64_t columns, wide, panels; /* of a panel; of a group, padded; panels of all groups */
  int64_t images, band, units_n, units_q, parts;
  int64_t runs_bytes, packed_bytes, x_bytes, y_bytes, seg_bytes;
  char *packed, *scratch;
} job;

/* One piece: images [n0, n1), outputs [q0, q1) of the axis, panels [p0, p1). */
typedef struct {
  int64_t n0, n1, q0, q1, p0, p1;
  fnn_pixels x, y;
  fnn_conv_segment *seg, *cut;
} piece;

/* Pieces small enough for the cache, then enough of them for the threads. */
static void cut_work(job *j) {
  const fnn_conv *g = &j->g;
  int64_t channels = (g->cin + g->cout) * g->groups, most = PART_BYTES;
  int64_t want = 4 * fnn_max_threads(), length = g->out[j->axis];
  if (j->depthwise && j->moved) {
    channels = 2 * j->columns;
    most = DEPTH_BYTES;
  }
  int64_t in = fnn_conv_count(g->in), out = fnn_conv_count(g->out);
  int64_t bytes = fnn_max64(1, fnn_max64(in, out) * channels * j->item);
  j->images = fnn_max64(1, fnn_min64(g->batch, most / bytes));
  j->band = length;
  if (bytes > most) j->band = fnn_max64(1, length / fnn_ceil_div(bytes, most));
  while (j->images > 1 && fnn_ceil_div(g->batch, j->images) < want) j->images /= 2;
  j->units_n = fnn_ceil_div(g->batch, j->images);
  while (j->band * (out / length) > 64 && j->band > 1 &&
         j->units_n * fnn_ceil_div(length, j->band) < want)
    j->band = fnn_ceil_div(j->band, 2);
  j->units_q = fnn_ceil_div(length, j->band);
  j->parts = fnn_min64(j->panels, fnn_ceil_div(want, j->units_n * j->units_q));
  if (j->depthwise) j->parts = j->panels;
}

static void set_bytes(job *j) {
  const fnn_conv *g = &j->g;
  for (int d = 0; d < FNN_CONV_DIMS; d++) {
    j->nruns[d] = fnn_conv_runs(g, d, NULL);
    j->runs_bytes += j->nruns[d] * (int64_t)sizeof(fnn_conv_run);
  }
  j->runs_bytes = fnn_round_up(j->runs_bytes, FNN_ALIGN);
  j->packed_bytes = (j->depthwise ? 1 : g->groups) * j->rows * j->wide * j->item;
  j->packed_bytes = fnn_round_up(j->packed_bytes, FNN_ALIGN);
  int64_t reach = fnn_conv_reach_max(g, j->axis, j->band);
  int64_t cx = j->depthwise ? j->columns : g->cin * g->groups;
  int64_t cy = j->depthwise ? j->columns : g->cout * g->groups;
  fnn_pixels xs = fnn_conv_dense(g->in, j->axis, reach, cx);
  fnn_pixels ys = fnn_conv_dense(g->out, j->axis, j->band, cy);
  if (j->p.x.channel != 1) j->x_bytes = fnn_round_up(xs.batch * j->images * j->item, FNN_ALIGN);
  if (j->p.y.channel != 1) j->y_bytes = fnn_round_up(ys.batch * j->images * j->item, FNN_ALIGN);
  j->seg_bytes = fnn_round_up(2 * g->taps * (int64_t)sizeof(fnn_conv_segment), FNN_ALIGN);
}

static job make_job(const fnn_conv *g, const fnn_conv_operands *p) {
  job j = {.g = *g, .p = *p};
  j.k = fnn_conv_kernels_of(g->dtype);
  j.item = fnn_dtype_size((fnn_dtype)g->dtype);
  j.depthwise = fnn_conv_is_depthwise(g);
  j.axis = fnn_conv_axis(g);
  j.rows = g->taps * (j.depthwise ? 1 : g->cin);
  j.wide = fnn_round_up(p->w.n, j.k->vl);
  j.moved = p->x.channel != 1 || p->y.channel != 1;
  j.columns = !j.depthwise ? j.k->nr : j.moved ? DEPTH_COLUMNS : p->w.n;
  j.panels = (j.depthwise ? 1 : g->groups) * fnn_ceil_div(p->w.n, j.columns);
  cut_work(&j);
  set_bytes(&j);
  return j;
}

int64_t fnn_conv_tiles_bytes(const fnn_conv *g, const fnn_conv_operands *p) {
  job j = make_job(g, p);
  return j.runs_bytes + j.packed_bytes +
         fnn_max_threads() * (j.x_bytes + j.y_bytes + j.seg_bytes);
}

/* ---- packing */

static void panel_of(const job *j, int64_t p, int64_t *group, int64_t *first, int64_t *n) {
  int64_t each = fnn_ceil_div(j->p.w.n, j->columns);
  *group = p / each;
  *first = p % each * j->columns;
  *n = fnn_min64(j->columns, j->p.w.n - *first);
}

static char *packed_panel(const job *j, int64_t group, int64_t first) {
  return j->packed + (group * j->wide + first) * j->rows * j->item;
}

static void pack(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  (void)thread;
  for (int64_t p = begin; p < end; p++) {
    int64_t group, first, n, step = j->g.transposed ? j->g.cin * j->p.w.sc : j->g.cout * j->p.w.sn;
    panel_of(j, p, &group, &first, &n);
    j->k->pack_w(&j->p.w, j->p.weight + group * step * j->item, first, n,
                 packed_panel(j, group, first));
  }
}

/* ---- computing */

/* How the outputs of a block follow each other: along w, h, d and the batch. */
typedef struct { int64_t count, a, c; } line;

static int lines_of(const piece *p, const fnn_conv_run *const run[], line *l) {
  line all[4] = {{0}};
  int n = 0;
  for (int d = 0; d < FNN_CONV_DIMS; d++)
    all[2 - d] = (line){run[d]->count, run[d]->rstep * p->x.at[d], run[d]->qstep * p->y.at[d]};
  all[3] = (line){p->n1 - p->n0, p->x.batch, p->y.batch};
  for (int i = 0; i < 4; i++) {
    if (all[i].count == 1) continue;
    if (n && l[n - 1].count * l[n - 1].a == all[i].a && l[n - 1].count * l[n - 1].c == all[i].c)
      l[n - 1].count *= all[i].count;
    else l[n++] = all[i];
  }
  if (n == 0) l[n++] = (line){1, 0, 0};
  int best = 0;
  for (int i = 1; i < n; i++)
    if (l[best].count < MIN_ROWS && l[i].count > l[best].count) best = i;
  line rows = l[best];
  l[best] = l[0];
  l[0] = rows;
  return n;
}

/* The parts of the segments that lie in rows [k0, k1) of the panel. */
static int64_t cut_segments(int64_t n, const fnn_conv_segment *seg, int64_t k0, int64_t k1,
                            fnn_conv_segment *out) {
  int64_t m = 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t lo = fnn_max64(seg[i].b, k0), hi = fnn_min64(seg[i].b + seg[i].k, k1);
    if (lo < hi) out[m++] = (fnn_conv_segment){seg[i].a + lo - seg[i].b, lo, hi - lo};
  }
  return m;
}

static void block(const job *j, const piece *p, const fnn_conv_run *const run[],
                  fnn_conv_block *b, int64_t channel_x, int64_t channel_y, int64_t k0,
                  int64_t k1) {
  line l[4];
  int64_t at, n = fnn_conv_segments(&j->g, &p->x, run, p->seg, &at);
  int nl = lines_of(p, run, l);
  b->nseg = cut_segments(n, p->seg, k0, k1, p->cut);
  b->seg = p->cut;
  b->m = l[0].count;
  b->rsa = l[0].a;
  b->ldc = l[0].c;
  int64_t a = at + p->n0 * p->x.batch + channel_x, c = p->n0 * p->y.batch + channel_y;
  for (int d = 0; d < FNN_CONV_DIMS; d++) c += run[d]->q * p->y.at[d];
  int64_t total = 1;
  for (int i = 1; i < nl; i++) total *= l[i].count;
  for (int64_t i = 0; i < total; i++) {
    int64_t rest = i, oa = a, oc = c;
    for (int k = 1; k < nl; k++) {
      oa += rest % l[k].count * l[k].a;
      oc += rest % l[k].count * l[k].c;
      rest /= l[k].count;
    }
    b->a = p->x.data + oa * j->item;
    b->c = p->y.data + oc * j->item;
    if (j->depthwise) j->k->depthwise(b);
    else j->k->tiles(b);
  }
}

static void all_blocks(const job *j, const piece *p, fnn_conv_block *b, int64_t channel_x,
                       int64_t channel_y, int64_t k0, int64_t k1) {
  for (int64_t d = 0; d < j->nruns[0]; d++)
    for (int64_t h = 0; h < j->nruns[1]; h++)
      for (int64_t w = 0; w < j->nruns[2]; w++) {
        const fnn_conv_run *run[] = {j->runs[0] + d, j->runs[1] + h, j->runs[2] + w};
        fnn_conv_run mine = fnn_conv_clip(*run[j->axis], p->q0, p->q1);
        run[j->axis] = &mine;
        if (mine.count > 0) block(j, p, run, b, channel_x, channel_y, k0, k1);
      }
}

static void panel(const job *j, const piece *p, int64_t i) {
  int64_t group, first, n, blocks = fnn_ceil_div(j->rows, PANEL_ROWS);
  panel_of(j, i, &group, &first, &n);
  if (j->depthwise) blocks = 1;
  for (int64_t k = 0; k < blocks; k++) {
    int64_t channel = group * j->g.cout + first;
    fnn_conv_block b = {.n = n, .csa = 1, .b = packed_panel(j, group, first), .load = k > 0};
    if (k == blocks - 1) {
      b.relu = j->p.relu;
      b.bias = j->p.bias ? j->p.bias + channel * j->item : NULL;
    }
    all_blocks(j, p, &b, j->depthwise ? first : group * j->g.cin, channel, j->rows * k / blocks,
               j->rows * (k + 1) / blocks);
  }
}

/* The channels that panels [p0, p1) write. */
static void channels_of(const job *j, const piece *p, int64_t *c0, int64_t *c1) {
  int64_t group, first, n;
  panel_of(j, p->p0, &group, &first, &n);
  *c0 = group * j->g.cout + first;
  panel_of(j, p->p1 - 1, &group, &first, &n);
  *c1 = group * j->g.cout + first + n;
}

/* x with its channels contiguous; of a depthwise convolution channels [c0, c1) alone. */
static void move_in(const job *j, piece *p, int64_t c0, int64_t c1, char *to) {
  const fnn_conv *g = &j->g;
  int64_t lo, hi, first = j->depthwise ? c0 : 0, n = j->depthwise ? c1 - c0 : g->cin * g->groups;
  fnn_pixels from = j->p.x;
  from.data += first * from.channel * j->item;
  fnn_conv_reach(g, j->axis, p->q0, p->q1, &lo, &hi);
  p->x = fnn_conv_dense(g->in, j->axis, fnn_conv_reach_max(g, j->axis, j->band), n);
  p->x.data = to - (p->n0 * p->x.batch + lo * p->x.at[j->axis]) * j->item;
  if (lo < hi) fnn_conv_move(g, g->in, n, j->axis, lo, hi, p->n0, p->n1, &from, &p->x);
  p->x.data -= first * j->item;
}

static void run_piece(const job *j, piece *p, char *scratch) {
  const fnn_conv *g = &j->g;
  int64_t c0, c1;
  char *ys = scratch + j->x_bytes;
  p->seg = (fnn_conv_segment *)(ys + j->y_bytes);
  p->cut = p->seg + g->taps;
  p->x = j->p.x;
  p->y = j->p.y;
  channels_of(j, p, &c0, &c1);
  if (j->x_bytes) move_in(j, p, c0, c1, scratch);
  if (j->y_bytes) {
    p->y = fnn_conv_dense(g->out, j->axis, j->band, c1 - c0);
    p->y.data = ys - (p->n0 * p->y.batch + p->q0 * p->y.at[j->axis] + c0) * j->item;
  }
  for (int64_t i = p->p0; i < p->p1; i++) panel(j, p, i);
  if (j->y_bytes) {
    fnn_pixels from = p->y, to = j->p.y;
    from.data += c0 * j->item;
    to.data += c0 * to.channel * j->item;
    fnn_conv_move(g, g->out, c1 - c0, j->axis, p->q0, p->q1, p->n0, p->n1, &from, &to);
  }
}

static void run_pieces(void *ctx, int64_t begin, int64_t end, int thread) {
  const job *j = ctx;
  char *scratch = j->scratch + thread * (j->x_bytes + j->y_bytes + j->seg_bytes);
  for (int64_t i = begin; i < end; i++) {
    int64_t part = i % j->parts, unit = i / j->parts;
    int64_t n = unit / j->units_q, q = unit % j->units_q;
    piece p = {n * j->images, fnn_min64(j->g.batch, (n + 1) * j->images),
               q * j->band, fnn_min64(j->g.out[j->axis], (q + 1) * j->band),
               j->panels * part / j->parts, j->panels * (part + 1) / j->parts,
               {0}, {0}, NULL, NULL};
    if (p.p0 < p.p1) run_piece(j, &p, scratch);
  }
}

void fnn_conv_tiles_run(const fnn_conv *g, const fnn_conv_operands *p, void *workspace) {
  job j = make_job(g, p);
  fnn_conv_run *runs = workspace;
  for (int d = 0; d < FNN_CONV_DIMS; d++) {
    j.runs[d] = runs;
    runs += fnn_conv_runs(g, d, runs);
  }
  j.packed = (char *)workspace + j.runs_bytes;
  j.scratch = j.packed + j.packed_bytes;
  int64_t pieces = j.units_n * j.units_q * j.parts;
  double work = (double)(g->batch * fnn_conv_count(g->out)) * (double)(g->cout * g->groups);
  work *= (double)j.rows;
  fnn_parallel_for(j.panels, fnn_max64(1, (1 << 16) / (j.rows * j.k->nr)), pack, &j);
  fnn_parallel_for(pieces, work < PARALLEL_WORK ? pieces : 1, run_pieces, &j);
}
