/* The table of kernels that one ISA exports: a pointer per family. Each family declares its
 * part in kernels/<family>.h and defines it in kernels/<family>.inc. */
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
#include "kernels/clip.h"

typedef struct fnn_kernels {
  const char *isa;
  const fnn_gemm_kernels *gemm_f32, *gemm_f64;
  const fnn_map_row *map; /* FNN_NUM_MAP rows */
  const fnn_copy_kernels *copy;
  const fnn_optim_kernels *optim;
  const fnn_index_kernels *index;
  const fnn_softmax_kernels *softmax;
  const fnn_random_kernels *random;
  const fnn_reduce_kernels *reduce;
  const fnn_loss_kernels *loss;
  const fnn_norm_kernels *norm;
  const fnn_scan_kernels *scan;
  const fnn_clip_kernels *clip;
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
