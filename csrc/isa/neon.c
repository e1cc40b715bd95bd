#include "kernels/table.h"
#if defined(__aarch64__)
#include "simd/neon.h"
#define FNN_TABLE(family) fnn_##family##_neon
#include FNN_FAMILY
#endif
