/* Vocabulary of the AVX2 + FMA build. Scalar loops that call FNN_FMA_* vectorise to vfmadd. */
#define FNN_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define FNN_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#define FNN_VBYTES 32
#define FNN_HAS_FMA 1
