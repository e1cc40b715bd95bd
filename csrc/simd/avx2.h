/* Vocabulary of the AVX2 + FMA build. Scalar loops that call FNN_FMA_* vectorise to vfmadd. */
#define FNN_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define FNN_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#define FNN_VBYTES 32
#define FNN_HAS_FMA 1
#define FNN_VREGS 16

#include "simd/vector.h"

FNN_INLINE vec_f32 vfma_f32(vec_f32 a, vec_f32 b, vec_f32 c) {
  return (vec_f32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
FNN_INLINE vec_f64 vfma_f64(vec_f64 a, vec_f64 b, vec_f64 c) {
  return (vec_f64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
/* The products of the lower halves of the lanes. */
FNN_INLINE vec_u64 vmul_low_u64(vec_u64 a, vec_u64 b) {
  return (vec_u64)_mm256_mul_epu32((__m256i)a, (__m256i)b);
}

/* vmask(n): the first n lanes (0 <= n <= lanes of a vector); the others load as zero and are
 * not stored. The count is kept because masked stores are slow on several processors. */
typedef struct { __m256i lanes; int n; } vmask_t_f32;
typedef struct { __m256i lanes; int n; } vmask_t_f64;
FNN_INLINE vmask_t_f32 vmask_f32(int n) {
  __m256i at = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return (vmask_t_f32){_mm256_cmpgt_epi32(_mm256_set1_epi32(n), at), n};
}
FNN_INLINE vmask_t_f64 vmask_f64(int n) {
  __m256i at = _mm256_setr_epi64x(0, 1, 2, 3);
  return (vmask_t_f64){_mm256_cmpgt_epi64(_mm256_set1_epi64x(n), at), n};
}
FNN_INLINE vec_f32 vload_m_f32(const float *p, vmask_t_f32 m) {
  return (vec_f32)_mm256_maskload_ps(p, m.lanes);
}
FNN_INLINE vec_f64 vload_m_f64(const double *p, vmask_t_f64 m) {
  return (vec_f64)_mm256_maskload_pd(p, m.lanes);
}
FNN_INLINE void vstore_m_f32(float *p, vec_f32 v, vmask_t_f32 m) {
  if (m.n == 8) { vstore_f32(p, v); return; }
  __m128 x = _mm256_castps256_ps128((__m256)v);
  if (m.n & 4) { _mm_storeu_ps(p, x); p += 4; x = _mm256_extractf128_ps((__m256)v, 1); }
  if (m.n & 2) { _mm_storel_pi((__m64 *)p, x); p += 2; x = _mm_movehl_ps(x, x); }
  if (m.n & 1) _mm_store_ss(p, x);
}
FNN_INLINE void vstore_m_f64(double *p, vec_f64 v, vmask_t_f64 m) {
  if (m.n == 4) { vstore_f64(p, v); return; }
  __m128d x = _mm256_castpd256_pd128((__m256d)v);
  if (m.n & 2) { _mm_storeu_pd(p, x); p += 2; x = _mm256_extractf128_pd((__m256d)v, 1); }
  if (m.n & 1) _mm_store_sd(p, x);
}
