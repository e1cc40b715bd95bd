/* Vocabulary of the portable build: no FMA instruction, so multiply and add round twice. */
#define FNN_FMA_F32(a, b, c) ((a) * (b) + (c))
#define FNN_FMA_F64(a, b, c) ((a) * (b) + (c))
#define FNN_VBYTES 16
#define FNN_HAS_FMA 0
