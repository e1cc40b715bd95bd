/* The largest error of float32 functions in units of the last place, over all 2^32 floats or, with
 * a number as argument, every so many-th. Fails above 2. Usage: ulp [step] [name...] */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastnn.h"

#define BLOCK 65536

static double sigmoid(double x) {
  double e = exp(-fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

static const struct {
  const char *name;
  double (*exact)(double);
} functions[] = {{"exp", exp}, {"log", log}, {"tanh", tanh}, {"sigmoid", sigmoid}, {"erf", erf}};

/* |y - want| in units of the spacing of floats at want; infinite where one is NaN. */
static double ulps(float y, double want) {
  float near = (float)want;
  if (y == near || (isnan(y) && isnan(want))) return 0;
  if (isnan(y) || isnan(want) || isinf(y) || isinf(near)) return INFINITY;
  int exponent;
  frexp(want, &exponent);
  return fabs(y - want) / ldexp(1.0, exponent < -125 ? -149 : exponent - 24);
}

static double worst_of(const char *name, double (*exact)(double), uint64_t step) {
  static float x[BLOCK];
  int64_t size[1] = {BLOCK};
  fnn_tensor in, out;
  if (fnn_tensor_empty(&in, FNN_F32, 1, size) || fnn_tensor_empty(&out, FNN_F32, 1, size)) exit(1);
  const fnn_tensor *ins[1] = {&in};
  fnn_tensor *outs[1] = {&out};
  fnn_call call = {fnn_op_find(name), 1, 1, ins, outs, NULL};
  double worst = 0;
  float at = 0;
  for (uint64_t first = 0; first < (1ull << 32); first += BLOCK * step) {
    for (uint64_t i = 0; i < BLOCK; i++) {
      uint32_t bits = (uint32_t)(first + i * step);
      memcpy(&x[i], &bits, 4);
    }
    memcpy(fnn_tensor_data(&in), x, sizeof x);
    if (fnn_run(&call)) {
      fprintf(stderr, "%s\n", fnn_last_error());
      exit(1);
    }
    const float *y = fnn_tensor_data(&out);
    for (int i = 0; i < BLOCK; i++) {
      double e = ulps(y[i], exact(x[i]));
      if (e > worst) worst = e, at = x[i];
    }
  }
  printf("%-8s %-8s %.3f ulp at %.9g\n", fnn_isa(), name, worst, at);
  fflush(stdout);
  fnn_tensor_release(&in);
  fnn_tensor_release(&out);
  return worst;
}

int main(int argc, char **argv) {
  uint64_t step = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
  int failed = 0;
  for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
    int wanted = argc <= 2;
    for (int i = 2; i < argc; i++) wanted |= strcmp(argv[i], functions[k].name) == 0;
    if (wanted) failed |= !(worst_of(functions[k].name, functions[k].exact, step) <= 2);
  }
  return failed;
}
