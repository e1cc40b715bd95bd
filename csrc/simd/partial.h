/* Partial loads and stores by count, for vocabularies without masks. vmask_f32(n): the first n
 * lanes (0 <= n <= lanes of a vector); the other lanes load as zero and are not stored. */
#define FNN_PARTIAL(T, S)                                              \
  typedef int vmask_t_##S;                                           \
  FNN_INLINE vmask_t_##S vmask_##S(int n) { return n; }              \
  FNN_INLINE vec_##S vload_m_##S(const T *p, vmask_t_##S n) {        \
    vec_##S v = {0};                                                   \
    for (int i = 0; i < (int)(FNN_VBYTES / sizeof(T)); i++)            \
      if (i < n) v[i] = p[i];                                          \
    return v;                                                          \
  }                                                                    \
  FNN_INLINE void vstore_m_##S(T *p, vec_##S v, vmask_t_##S n) {     \
    for (int i = 0; i < (int)(FNN_VBYTES / sizeof(T)); i++)            \
      if (i < n) p[i] = v[i];                                          \
  }

FNN_PARTIAL(float, f32)
FNN_PARTIAL(double, f64)
