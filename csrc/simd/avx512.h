/* Vocabulary of the AVX-512 build. */
#define FNN_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define FNN_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#define FNN_VBYTES 64
#define FNN_HAS_FMA 1
#define FNN_VREGS 32

#include "simd/vector.h"

FNN_INLINE vec_f32 vfma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
  return (vec_f32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
FNN_INLINE vec_f64 vfma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
  return (vec_f64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
/* The products of the lower halves of the lanes. */
FNN_INLINE vec_u64 vmul_low_u64(vec_u64 a, vec_u64 b) {
  return (vec_u64)_mm512_mul_epu32((__m512i)a, (__m512i)b);
}

/* vmask(n): the first n lanes (0 <= n <= lanes of a vector); the others load as zero and are
 * not stored. */
typedef __mmask16 vmask_t_f32;
typedef __mmask8 vmask_t_f64;
FNN_INLINE vmask_t_f32 vmask_f32(int n) { return (__mmask16)((1u << n) - 1); }
FNN_INLINE vmask_t_f64 vmask_f64(int n) { return (__mmask8)((1u << n) - 1); }
FNN_INLINE vec_f32 vload_m_f32(const float *p, vmask_t_f32 m) {
  return (vec_f32)_mm512_maskz_loadu_ps(m, p);
}
FNN_INLINE vec_f64 vload_m_f64(const double *p, vmask_t_f64 m) {
  return (vec_f64)_mm512_maskz_loadu_pd(m, p);
}
FNN_INLINE void vstore_m_f32(float *p, vec_f32 v, vmask_t_f32 m) {
  _mm512_mask_storeu_ps(p, m, (__m512)v);
}
FNN_INLINE void vstore_m_f64(double *p, vec_f64 v, vmask_t_f64 m) {
  _mm512_mask_storeu_pd(p, m, (__m512d)v);
}
