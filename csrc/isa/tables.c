/* The table of each ISA: pointers to its families' tables. */
#include "kernels/table.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME_(a) #a
#define NAME(a) NAME_(a)
#define DECLARE(type, family) extern const type JOIN(fnn_##family, ISA);
#define ENTRY(type, family) .family = &JOIN(fnn_##family, ISA),
#define TABLE                                                          \
  FNN_FAMILIES(DECLARE)                                                \
  const fnn_kernels JOIN(fnn_kernels, ISA) = {.isa = NAME(ISA), FNN_FAMILIES(ENTRY)};

#define ISA base
TABLE
#undef ISA
#if defined(__x86_64__)
#define ISA avx2
TABLE
#undef ISA
/* AVX2's kernels, which give the same bits, where wider ones are not worth their bytes (ADR 0002):
 * integers, sums, windows and updates move at memory's speed, scans go step by step, doubles are seldom
 * waited for. */
#define fnn_map_int_avx512 fnn_map_int_avx2
#define fnn_reduce_int_avx512 fnn_reduce_int_avx2
#define fnn_scan_avx512 fnn_scan_avx2
#define fnn_reduce_avx512 fnn_reduce_avx2
#define fnn_optim_avx512 fnn_optim_avx2
#define fnn_map_f64_avx512 fnn_map_f64_avx2
#define fnn_softmax_f64_avx512 fnn_softmax_f64_avx2
#define fnn_loss_f64_avx512 fnn_loss_f64_avx2
#define fnn_norm_f64_avx512 fnn_norm_f64_avx2
#define fnn_clip_f64_avx512 fnn_clip_f64_avx2
#define fnn_random_f64_avx512 fnn_random_f64_avx2
#define fnn_pool_f64_avx512 fnn_pool_f64_avx2
#define fnn_pool_f32_avx512 fnn_pool_f32_avx2
#define fnn_conv_f64_avx512 fnn_conv_f64_avx2
#define fnn_attention_f64_avx512 fnn_attention_f64_avx2
#define fnn_rnn_f64_avx512 fnn_rnn_f64_avx2
#define ISA avx512
TABLE
#undef ISA
#elif defined(__aarch64__)
#define ISA neon
TABLE
#undef ISA
#endif
