/* Convolution, the serial pieces. Pixels are rows of channels (channels last); a block is a row of
 * output pixels at equal distances whose windows cover the same taps. Those taps are segments:
 * runs of k that are contiguous both in a pixel row of x and in the packed weights. The chain of
 * FMAs of an output runs through the segments in their order, on every ISA. */
#ifndef FNN_KERNELS_CONV_H
#define FNN_KERNELS_CONV_H

#include <stdint.h>

typedef struct fnn_conv_segment {
  int64_t a; /* where it begins in A, in elements from the pixel */
  int64_t b; /* its first row in the packed panel */
  int64_t k;
} fnn_conv_segment;

typedef struct fnn_conv_block {
  int64_t m, n;
  const void *a;
  int64_t rsa, csa; /* A[row][k] = a[row*rsa + segment.a + k*csa] */
  const void *b;    /* one panel of n <= nr columns, each row as wide as whole vectors hold n */
  void *c;
  int64_t ldc;
  int load, relu;   /* load: the chain starts from C, else from 0 and C is not read */
  const void *bias; /* n values added at the end, or NULL */
  int64_t nseg;
  const fnn_conv_segment *seg;
} fnn_conv_block;

/* Where w[n][c][tap] stands, in elements. */
typedef struct fnn_conv_weight {
  int64_t n, c, taps;
  int64_t sn, sc, st;
  int flip; /* packed row of (tap, c): tap*C + c, the taps counted from the last one */
} fnn_conv_weight;

/* Outputs [q0, q1) of one plane; stride 1. pitch: w_in and the border on one side, which is that
 * of the next row on the other. */
#define FNN_PLANE_SLACK 32 /* elements that vectors overhang by, behind either copy */
typedef struct fnn_conv_plane {
  int64_t h, w_in, w_out, q0, q1, pitch;
  int64_t kh, kw, dh, dw, ph, pw;
  const void *w;
  int64_t sw; /* from a tap to the next in the order of the sum */
  const void *x;
  int64_t sx;
  void *y;
  int64_t sy;
  const void *bias;
  int relu;
  void *scratch;
} fnn_conv_plane;

typedef struct fnn_conv_kernels {
  int nr; /* columns of a full panel */
  int vl; /* lanes of a vector */
  void (*tiles)(const fnn_conv_block *g);
  /* One column per channel of its own: C[i][j] (+)= sum over segments (k = 1) of A[i][j] B[j];
   * here n is any number, its panel one for all. */
  void (*depthwise)(const fnn_conv_block *g);
  void (*plane)(const fnn_conv_plane *g);
  /* C[seg.b][j] += sum over the pixels i of all rows of A[row.a + i*rsa + seg.a + j] times
   * B[row.b + i*rsb + j], one chain in this order. */
  void (*depthwise_w)(const fnn_conv_block *g, int64_t rsb, int64_t nrows,
                      const fnn_conv_segment *row);
  /* A panel of w's columns [j, j+n). */
  void (*pack_w)(const fnn_conv_weight *w, const void *from, int64_t j, int64_t n, void *panel);
  /* w (contiguous taps within channels within n) from x[tap*C + c][n], rows ldx apart. */
  void (*unpack_w)(const fnn_conv_weight *w, const void *x, int64_t ldx, int64_t j, int64_t n,
                   void *to);
  /* y[j*ys + i] = x[i*xs + j] */
  void (*transpose)(int64_t rows, int64_t cols, const void *x, int64_t xs, void *y, int64_t ys);
  /* x += y */
  void (*add)(int64_t n, const void *y, void *x);
} fnn_conv_kernels;

#endif
