/* The FMA peak of one core: independent chains, nothing but multiply-adds. Prints GF/s (float32). */
#include <immintrin.h>
#include <stdio.h>
#include <time.h>

#define CHAINS 12
#define ROUNDS 2000000L

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static double avx2(void) {
  __m256 sum[CHAINS], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(1e-3f);
  for (int i = 0; i < CHAINS; i++) sum[i] = _mm256_set1_ps(i);
  double start = now();
  for (long r = 0; r < ROUNDS; r++)
    for (int i = 0; i < CHAINS; i++) sum[i] = _mm256_fmadd_ps(sum[i], a, b);
  double seconds = now() - start;
  volatile float sink = 0;
  for (int i = 0; i < CHAINS; i++) sink += _mm256_cvtss_f32(sum[i]);
  return 16.0 * CHAINS * ROUNDS / seconds * 1e-9;
}

__attribute__((target("avx512f"))) static double avx512(void) {
  __m512 sum[CHAINS], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(1e-3f);
  for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_set1_ps(i);
  double start = now();
  for (long r = 0; r < ROUNDS; r++)
    for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_fmadd_ps(sum[i], a, b);
  double seconds = now() - start;
  volatile float sink = 0;
  for (int i = 0; i < CHAINS; i++) sink += _mm512_cvtss_f32(sum[i]);
  return 32.0 * CHAINS * ROUNDS / seconds * 1e-9;
}

int main(int argc, char **argv) {
  (void)argv;
  int wide = argc > 1; /* any argument: AVX-512 */
  double best = 0;
  for (int i = 0; i < 5; i++) {
    double got = wide ? avx512() : avx2();
    if (got > best) best = got;
  }
  printf("%.1f\n", best);
  return 0;
}
