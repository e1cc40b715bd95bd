/* The table of kernels that one ISA exports: a pointer per family. A family is one compilation per
 * ISA: kernels/families/<family>.inc, inside the target region of isa/<isa>.c, defines the tables
 * that kernels/<table>.h declares. */
#ifndef FNN_KERNELS_TABLE_H
#define FNN_KERNELS_TABLE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels/copy.h"
#include "kernels/gemm.h"
#include "kernels/index.h"
#include "kernels/pointwise.h"
#include "kernels/reduce.h"
#include "kernels/scan.h"
#include "kernels/optim.h"
#include "kernels/softmax.h"
#include "kernels/random.h"
#include "kernels/loss.h"
#include "kernels/norm.h"
#include "kernels/pool.h"
#include "kernels/clip.h"
#include "kernels/conv.h"
#include "kernels/attention.h"
#include "kernels/rnn.h"

/* X(type, family): the tables, one of each for every ISA. */
#define FNN_FAMILIES(X)                                                                          \
  X(fnn_gemm_kernels, gemm_f32) X(fnn_gemm_kernels, gemm_f64) X(fnn_map_kernels, map_f32)        \
  X(fnn_map_kernels, map_f64) X(fnn_map_int_kernels, map_int) X(fnn_copy_kernels, copy)          \
  X(fnn_optim_kernels, optim) X(fnn_index_kernels, index) X(fnn_softmax_f32, softmax_f32)        \
  X(fnn_softmax_f64, softmax_f64) X(fnn_random_f32, random_f32) X(fnn_random_f64, random_f64)    \
  X(fnn_reduce_kernels, reduce) X(fnn_reduce_kernels, reduce_int) X(fnn_loss_f32, loss_f32)      \
  X(fnn_loss_f64, loss_f64) X(fnn_norm_f32, norm_f32) X(fnn_norm_f64, norm_f64)                  \
  X(fnn_scan_kernels, scan) X(fnn_clip_f32, clip_f32) X(fnn_clip_f64, clip_f64)                  \
  X(fnn_conv_kernels, conv_f32) X(fnn_conv_kernels, conv_f64)                                    \
  X(fnn_attention_kernels, attention_f32) X(fnn_attention_kernels, attention_f64)                \
  X(fnn_rnn_kernels, rnn_f32) X(fnn_rnn_kernels, rnn_f64) X(fnn_pool_f32, pool_f32)              \
  X(fnn_pool_f64, pool_f64)

typedef struct fnn_kernels {
  const char *isa;
#define X(type, family) const type *family;
  FNN_FAMILIES(X)
#undef X
} fnn_kernels;

extern const fnn_kernels fnn_kernels_base;
#if defined(__x86_64__)
extern const fnn_kernels fnn_kernels_avx2;
extern const fnn_kernels fnn_kernels_avx512;
#elif defined(__aarch64__)
extern const fnn_kernels fnn_kernels_neon;
#endif

/* The kernels of the ISA in force (runtime/dispatch.c). */
extern const fnn_kernels *fnn_k;

#endif
