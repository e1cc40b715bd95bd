/* Neighbours in pairs: the even and the odd elements of two vectors, and the way back. Included
 * after a vocabulary. */
typedef int32_t pairs_i32 __attribute__((vector_size(FNN_VBYTES)));
typedef int64_t pairs_i64 __attribute__((vector_size(FNN_VBYTES)));
#define EVEN2 0, 2
#define ODD2 1, 3
#define LOW2 0, 2
#define HIGH2 1, 3
#define EVEN4 0, 2, 4, 6
#define ODD4 1, 3, 5, 7
#define LOW4 0, 4, 1, 5
#define HIGH4 2, 6, 3, 7
#define EVEN8 EVEN4, 8, 10, 12, 14
#define ODD8 ODD4, 9, 11, 13, 15
#define LOW8 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH8 4, 12, 5, 13, 6, 14, 7, 15
#define EVEN16 EVEN8, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD16 ODD8, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW16 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH16 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31

#define PAIR(name, order, S, I)                             \
  FNN_INLINE vec_##S name##_##S(vec_##S a, vec_##S b) {     \
    return FNN_SHUFFLE(I, a, b, order);                     \
  }
#define PAIRS(S, I, n)              \
  PAIR(vevens, EVEN##n, S, I)       \
  PAIR(vodds, ODD##n, S, I)         \
  PAIR(vpairs_low, LOW##n, S, I)    \
  PAIR(vpairs_high, HIGH##n, S, I)
#if FNN_VBYTES == 64
PAIRS(f32, pairs_i32, 16)
PAIRS(f64, pairs_i64, 8)
#elif FNN_VBYTES == 32
PAIRS(f32, pairs_i32, 8)
PAIRS(f64, pairs_i64, 4)
#else
PAIRS(f32, pairs_i32, 4)
PAIRS(f64, pairs_i64, 2)
#endif
#undef PAIR
#undef PAIRS
