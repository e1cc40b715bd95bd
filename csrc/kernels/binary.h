/* The pointwise kernels of two and three tensors. "Light" ones take single values as inputs. */
#ifndef FNN_KERNELS_BINARY_H
#define FNN_KERNELS_BINARY_H

/* light, every dtype but bool */
#define FNN_BINARY_NUMBER(X) X(sub, 2, 0)
/* light, every dtype */
#define FNN_BINARY_ALL(X) X(add, 2, 0) X(mul, 2, 0) X(maximum, 2, 0) X(minimum, 2, 0)
/* light, every dtype, to bool */
#define FNN_BINARY_TEST(X)                                                                     \
  X(eq, 2, 0) X(ne, 2, 0) X(lt, 2, 0) X(le, 2, 0) X(gt, 2, 0) X(ge, 2, 0)                      \
  X(logical_and, 2, 0) X(logical_or, 2, 0) X(logical_xor, 2, 0)
/* light, float32 and float64 */
#define FNN_BINARY_REAL(X) X(div, 2, 0) X(add_scaled, 2, 1)
/* float32 and float64 */
#define FNN_BINARY_SLOW(X)                                                                     \
  X(fmax, 2, 0) X(fmin, 2, 0) X(atan2, 2, 0) X(copysign, 2, 0) X(hypot, 2, 0)                  \
  X(logaddexp, 2, 0) X(xlogy, 2, 0) X(lerp, 3, 0) X(addcmul, 3, 1) X(addcdiv, 3, 1)
/* every dtype but bool */
#define FNN_BINARY_DIVIDE(X)                                                                   \
  X(floor_divide, 2, 0) X(trunc_divide, 2, 0) X(remainder, 2, 0) X(fmod, 2, 0) X(pow, 2, 0)
/* every dtype */
#define FNN_TERNARY_ALL(X) X(clamp, 3, 0)
/* integers and bool */
#define FNN_BINARY_BITS(X) X(bitwise_and, 2, 0) X(bitwise_or, 2, 0) X(bitwise_xor, 2, 0)
/* integers */
#define FNN_BINARY_SHIFT(X) X(shift_left, 2, 0) X(shift_right, 2, 0)
/* the condition is bool, the others have the kernel's dtype */
#define FNN_TERNARY_WHERE(X) X(where, 3, 0)

#define FNN_BINARY_LIGHT(X)                                                                    \
  FNN_BINARY_NUMBER(X) FNN_BINARY_ALL(X) FNN_BINARY_TEST(X) FNN_BINARY_REAL(X)                 \
  FNN_BINARY_BITS(X)
#define FNN_BINARY(X)                                                                          \
  FNN_BINARY_LIGHT(X) FNN_BINARY_SLOW(X) FNN_BINARY_DIVIDE(X) FNN_TERNARY_ALL(X)               \
  FNN_BINARY_SHIFT(X) FNN_TERNARY_WHERE(X)

#endif
