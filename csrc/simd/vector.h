/* What the vocabularies share: vector types of FNN_VBYTES bytes (gcc and clang extensions: the
 * operators + - * / < work on them), unaligned loads and stores, broadcasts. Suffix: _f32, _f64. */
#if defined(__clang__)
#define FNN_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define FNN_LOOP _Pragma("GCC ivdep")
#endif
#define FNN_INLINE static inline __attribute__((always_inline))

#define FNN_VECTOR(T, S)                                                                       \
  typedef T vec_##S __attribute__((vector_size(FNN_VBYTES)));                                  \
  typedef T vecu_##S __attribute__((vector_size(FNN_VBYTES), aligned(sizeof(T)), may_alias));  \
  FNN_INLINE vec_##S vload_##S(const T *p) { return *(const vecu_##S *)p; }                    \
  FNN_INLINE void vstore_##S(T *p, vec_##S v) { *(vecu_##S *)p = v; }                          \
  FNN_INLINE vec_##S vset_##S(T x) { return x - (vec_##S){0}; }

FNN_VECTOR(float, f32)
FNN_VECTOR(double, f64)
typedef uint64_t vec_u64 __attribute__((vector_size(FNN_VBYTES)));

/* max(x, 0), a NaN stays (a comparison's lanes are 0 or -1). */
FNN_INLINE vec_f32 vrelu_f32(vec_f32 x) {
  typedef int32_t lanes __attribute__((vector_size(FNN_VBYTES)));
  return (vec_f32)((lanes)x & ~(lanes)(x < (vec_f32){0}));
}
FNN_INLINE vec_f64 vrelu_f64(vec_f64 x) {
  typedef int64_t lanes __attribute__((vector_size(FNN_VBYTES)));
  return (vec_f64)((lanes)x & ~(lanes)(x < (vec_f64){0}));
}

#if defined(__clang__)
#define FNN_SHUFFLE(I, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define FNN_SHUFFLE(I, a, b, ...) __builtin_shuffle(a, b, (I){__VA_ARGS__})
#endif
