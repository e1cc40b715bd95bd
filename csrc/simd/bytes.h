/* Bytes to the integer lanes of a vector, and back. Included after a vocabulary. (gcc 12 takes
 * __builtin_convertvector apart, lane by lane.) */
typedef int32_t vint_f32 __attribute__((vector_size(FNN_VBYTES)));
typedef int64_t vint_f64 __attribute__((vector_size(FNN_VBYTES)));

#if FNN_VBYTES == 64
FNN_INLINE vint_f32 vwiden_f32(const uint8_t *p) {
  return (vint_f32)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p));
}
FNN_INLINE vint_f64 vwiden_f64(const uint8_t *p) {
  return (vint_f64)_mm512_cvtepu8_epi64(_mm_loadl_epi64((const __m128i *)p));
}
FNN_INLINE void vnarrow_f32(uint8_t *p, vint_f32 v) {
  _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8((__m512i)v));
}
FNN_INLINE void vnarrow_f64(uint8_t *p, vint_f64 v) {
  _mm_storel_epi64((__m128i *)p, _mm512_cvtepi64_epi8((__m512i)v));
}
#elif FNN_VBYTES == 32
FNN_INLINE vint_f32 vwiden_f32(const uint8_t *p) {
  return (vint_f32)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}
FNN_INLINE vint_f64 vwiden_f64(const uint8_t *p) {
  int32_t four;
  memcpy(&four, p, 4);
  return (vint_f64)_mm256_cvtepu8_epi64(_mm_cvtsi32_si128(four));
}
FNN_INLINE void vnarrow_f32(uint8_t *p, vint_f32 v) {
  __m128i half = _mm_packus_epi32(_mm256_castsi256_si128((__m256i)v),
                                  _mm256_extracti128_si256((__m256i)v, 1));
  _mm_storel_epi64((__m128i *)p, _mm_packus_epi16(half, half));
}
FNN_INLINE void vnarrow_f64(uint8_t *p, vint_f64 v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)v[i];
}
#else
#define BYTES(S)                                                                 \
  FNN_INLINE vint_##S vwiden_##S(const uint8_t *p) {                             \
    vint_##S v;                                                                  \
    for (int i = 0; i < (int)(sizeof v / sizeof v[0]); i++) v[i] = p[i];         \
    return v;                                                                    \
  }                                                                              \
  FNN_INLINE void vnarrow_##S(uint8_t *p, vint_##S v) {                          \
    for (int i = 0; i < (int)(sizeof v / sizeof v[0]); i++) p[i] = (uint8_t)v[i]; \
  }
BYTES(f32)
BYTES(f64)
#undef BYTES
#endif
