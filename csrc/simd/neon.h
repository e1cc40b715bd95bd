/* Vocabulary of the AArch64 build: FMA is part of the base instruction set. */
#define FNN_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define FNN_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#define FNN_VBYTES 16
#define FNN_HAS_FMA 1
