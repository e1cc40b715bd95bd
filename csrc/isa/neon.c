#include "kernels/table.h"
#if defined(__aarch64__)
#include "simd/neon.h"
#define FNN_ISA_NAME "neon"
#define FNN_ISA_TABLE fnn_kernels_neon
#include "kernels/all.inc"
#endif
