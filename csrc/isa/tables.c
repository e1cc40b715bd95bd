/* The table of each ISA: pointers to its families' tables. */
#include "kernels/table.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)
#define NAME_(a) #a
#define NAME(a) NAME_(a)
#define DECLARE(type, family) extern const type JOIN(fnn_##family, ISA);
#define ENTRY(type, family) .family = &JOIN(fnn_##family, ISA),
#define TABLE                                                          \
  FNN_FAMILIES(DECLARE)                                                \
  const fnn_kernels JOIN(fnn_kernels, ISA) = {.isa = NAME(ISA), FNN_FAMILIES(ENTRY)};

#define ISA base
TABLE
#undef ISA
#if defined(__x86_64__)
#define ISA avx2
TABLE
#undef ISA
/* Integers move at memory's speed in either width, and their kernels are a sixth of the library. */
#define fnn_map_int_avx512 fnn_map_int_avx2
#define ISA avx512
TABLE
#undef ISA
#elif defined(__aarch64__)
#define ISA neon
TABLE
#undef ISA
#endif
