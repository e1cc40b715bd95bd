/* Square transposes in registers: 8x8 float and 4x4 double where vectors have 32 bytes or more,
 * else 4x4 and 2x2. Included once per ISA, after its vocabulary. */
#if FNN_VBYTES >= 32
#define FNN_TILE_BYTES 32
#else
#define FNN_TILE_BYTES 16
#endif
typedef float sq_f32 __attribute__((vector_size(FNN_TILE_BYTES)));
typedef double sq_f64 __attribute__((vector_size(FNN_TILE_BYTES)));
typedef float squ_f32 __attribute__((vector_size(FNN_TILE_BYTES), aligned(4), may_alias));
typedef double squ_f64 __attribute__((vector_size(FNN_TILE_BYTES), aligned(8), may_alias));
typedef int32_t sqi_f32 __attribute__((vector_size(FNN_TILE_BYTES)));
typedef int64_t sqi_f64 __attribute__((vector_size(FNN_TILE_BYTES)));

/* Rows i and i+step of every group of 2*step become the shuffles lo and hi of the two. */
#define STAGE(I, r, n, step, LO, HI)                                        \
  _Pragma("GCC unroll 8")                                                   \
  for (int i = 0; i < (n); i++)                                             \
    if (!(i & (step))) {                                                    \
      __typeof__(r[0]) x = r[i], y = r[i + (step)];                         \
      r[i] = FNN_SHUFFLE(I, x, y, LO);                                      \
      r[i + (step)] = FNN_SHUFFLE(I, x, y, HI);                             \
    }
#define LIST(...) __VA_ARGS__

/* Unpacking leaves the middle two rows of every four in each other's place. */
#define SWAP(a, b) { sq_f32 t = a; a = b; b = t; }

FNN_INLINE void transpose_f32(sq_f32 *r) {
#if FNN_TILE_BYTES == 32
  STAGE(sqi_f32, r, 8, 4, LIST(0, 1, 2, 3, 8, 9, 10, 11), LIST(4, 5, 6, 7, 12, 13, 14, 15))
  STAGE(sqi_f32, r, 8, 1, LIST(0, 8, 1, 9, 4, 12, 5, 13), LIST(2, 10, 3, 11, 6, 14, 7, 15))
  STAGE(sqi_f32, r, 8, 2, LIST(0, 1, 8, 9, 4, 5, 12, 13), LIST(2, 3, 10, 11, 6, 7, 14, 15))
  SWAP(r[5], r[6])
#else
  STAGE(sqi_f32, r, 4, 1, LIST(0, 4, 1, 5), LIST(2, 6, 3, 7))
  STAGE(sqi_f32, r, 4, 2, LIST(0, 1, 4, 5), LIST(2, 3, 6, 7))
#endif
  SWAP(r[1], r[2])
}

FNN_INLINE void transpose_f64(sq_f64 *r) {
#if FNN_TILE_BYTES == 32
  STAGE(sqi_f64, r, 4, 2, LIST(0, 1, 4, 5), LIST(2, 3, 6, 7))
  STAGE(sqi_f64, r, 4, 1, LIST(0, 4, 2, 6), LIST(1, 5, 3, 7))
#else
  STAGE(sqi_f64, r, 2, 1, LIST(0, 2), LIST(1, 3))
#endif
}
#undef SWAP
#undef LIST
#undef STAGE
