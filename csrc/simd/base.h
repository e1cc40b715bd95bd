/* Vocabulary of the portable build: no FMA instruction, so multiply and add round twice. */
#define FNN_FMA_F32(a, b, c) ((a) * (b) + (c))
#define FNN_FMA_F64(a, b, c) ((a) * (b) + (c))
#define FNN_VBYTES 16
#define FNN_HAS_FMA 0
#define FNN_VREGS 16

#include "simd/vector.h"
#include "simd/partial.h"

FNN_INLINE vec_f32 vfma_f32(vec_f32 a, vec_f32 b, vec_f32 c) { return a * b + c; }
FNN_INLINE vec_f64 vfma_f64(vec_f64 a, vec_f64 b, vec_f64 c) { return a * b + c; }
/* The products of the lower halves of the lanes. */
FNN_INLINE vec_u64 vmul_low_u64(vec_u64 a, vec_u64 b) {
#if defined(__SSE2__)
  return (vec_u64)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffffu) * (b & 0xffffffffu);
#endif
}
