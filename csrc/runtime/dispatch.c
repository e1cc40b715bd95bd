/* Which ISA's kernels are in force: the best that the processor runs, or FASTNN_ISA's. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/table.h"
#include "runtime/runtime.h"

const fnn_kernels *fnn_k = &fnn_kernels_base;

static const fnn_kernels *const ladder[] = {
#if defined(__x86_64__)
    &fnn_kernels_avx512, &fnn_kernels_avx2,
#elif defined(__aarch64__)
    &fnn_kernels_neon,
#endif
    &fnn_kernels_base,
};
#define LADDER ((int)(sizeof ladder / sizeof *ladder))

static int runs(const fnn_kernels *k) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (k == &fnn_kernels_avx512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (k == &fnn_kernels_avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
#endif
  (void)k;
  return 1;
}

static const fnn_kernels *best(void) {
  int i = 0;
  while (!runs(ladder[i])) i++;
  return ladder[i];
}

const char *fnn_isa(void) { return fnn_k->isa; }
const char *fnn_isa_best(void) { return best()->isa; }

fnn_status fnn_set_isa(const char *name) {
  for (int i = 0; i < LADDER; i++) {
    if (strcmp(ladder[i]->isa, name) != 0) continue;
    if (!runs(ladder[i]))
      return fnn_fail(FNN_EVALUE, "instruction set %s: this processor does not run it", name);
    fnn_k = ladder[i];
    return FNN_OK;
  }
  return fnn_fail(FNN_EVALUE, "no such instruction set: %s (avx512, avx2, neon, base)", name);
}

__attribute__((constructor)) static void choose(void) {
  const char *name = getenv("FASTNN_ISA");
  fnn_k = best();
  if (!name || !*name || fnn_set_isa(name) == FNN_OK) return;
  char text[128];
  snprintf(text, sizeof text, "FASTNN_ISA: %.100s", fnn_last_error());
  fnn_bad_environment(text);
}
