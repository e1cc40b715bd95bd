#include "kernels/table.h"
#include "simd/x86.h"
#include "simd/base.h"
#define FNN_TABLE(family) fnn_##family##_base
#include FNN_FAMILY
