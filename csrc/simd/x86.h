/* The intrinsics' header, included ahead of a target region: clang's region attribute must not
 * reach the functions in it. */
#if defined(__x86_64__)
#include <immintrin.h>
#endif
