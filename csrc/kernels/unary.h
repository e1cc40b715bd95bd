/* The pointwise kernels of one tensor, and their derivatives (dy and x or y). */
#ifndef FNN_KERNELS_UNARY_H
#define FNN_KERNELS_UNARY_H

/* float32 and float64, tens of instructions an element */
#define FNN_UNARY_HARD(X)                                                                      \
  X(exp, 1, 0) X(exp2, 1, 0) X(expm1, 1, 0) X(log, 1, 0) X(log1p, 1, 0) X(log2, 1, 0)          \
  X(log10, 1, 0) X(sin, 1, 0) X(cos, 1, 0) X(tan, 1, 0) X(asin, 1, 0) X(acos, 1, 0)            \
  X(atan, 1, 0) X(sinh, 1, 0) X(cosh, 1, 0) X(tanh, 1, 0) X(sigmoid, 1, 0) X(erf, 1, 0)        \
  X(erfc, 1, 0) X(erfinv, 1, 0) X(lgamma, 1, 0) X(digamma, 1, 0) X(elu, 1, 3) X(elu_bwd, 2, 3) \
  X(gelu, 1, 0) X(gelu_bwd, 2, 0) X(gelu_tanh, 1, 0) X(gelu_tanh_bwd, 2, 0) X(silu, 1, 0)      \
  X(silu_bwd, 2, 0) X(mish, 1, 0) X(mish_bwd, 2, 0) X(softplus, 1, 2) X(softplus_bwd, 2, 2)    \
  X(logsigmoid, 1, 0) X(logsigmoid_bwd, 2, 0)

/* float32 and float64, a few instructions an element */
#define FNN_UNARY_EASY(X)                                                                      \
  X(sqrt, 1, 0) X(rsqrt, 1, 0) X(reciprocal, 1, 0) X(tanh_bwd, 2, 0) X(sigmoid_bwd, 2, 0)      \
  X(floor, 1, 0) X(ceil, 1, 0) X(round, 1, 0) X(trunc, 1, 0) X(frac, 1, 0)                     \
  X(nan_to_num, 1, 3) X(relu_bwd, 2, 0) X(leaky_relu, 1, 1) X(leaky_relu_bwd, 2, 1)            \
  X(hardtanh, 1, 2) X(hardtanh_bwd, 2, 2) X(hardsigmoid, 1, 0) X(hardsigmoid_bwd, 2, 0)        \
  X(hardswish, 1, 0) X(hardswish_bwd, 2, 0) X(hardshrink, 1, 1) X(softshrink, 1, 1)            \
  X(shrink_bwd, 2, 1) X(softsign, 1, 0) X(softsign_bwd, 2, 0) X(threshold, 1, 2)               \
  X(threshold_bwd, 2, 1)

/* every dtype but bool */
#define FNN_UNARY_NUMBER(X) X(neg, 1, 0) X(abs, 1, 0) X(sign, 1, 0) X(square, 1, 0) X(relu, 1, 0)

/* every dtype, to bool */
#define FNN_UNARY_TEST(X) X(isnan, 1, 0) X(isinf, 1, 0) X(isfinite, 1, 0) X(logical_not, 1, 0)

/* integers and bool */
#define FNN_UNARY_BITS(X) X(bitwise_not, 1, 0)

#define FNN_UNARY(X)                                                                           \
  FNN_UNARY_HARD(X) FNN_UNARY_EASY(X) FNN_UNARY_NUMBER(X) FNN_UNARY_TEST(X) FNN_UNARY_BITS(X)

#endif
