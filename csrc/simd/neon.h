/* Vocabulary of the AArch64 build: FMA is part of the base instruction set. */
#define FNN_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define FNN_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#define FNN_VBYTES 16
#define FNN_HAS_FMA 1
#define FNN_VREGS 32

#include <arm_neon.h>

#include "simd/vector.h"
#include "simd/partial.h"

FNN_INLINE vec_f32 vfma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
  return (vec_f32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
FNN_INLINE vec_f64 vfma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
  return (vec_f64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
/* The products of the lower halves of the lanes. */
FNN_INLINE vec_u64 vmul_low_u64(vec_u64 a, vec_u64 b) {
  return (vec_u64)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
}
