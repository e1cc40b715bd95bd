#include "kernels/table.h"
#include "simd/base.h"
#define FNN_ISA_NAME "base"
#define FNN_ISA_TABLE fnn_kernels_base
#include "kernels/all.inc"
