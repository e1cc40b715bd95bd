/* Sums across lanes. A set is 64 bytes of lanes; its sum is by halving: lane i and i + 8, then
 * i + 4, i + 2, i + 1 (of sixteen floats), the same on every ISA. */
typedef float lanes4_f32 __attribute__((vector_size(16), aligned(4), may_alias));
typedef double lanes2_f64 __attribute__((vector_size(16), aligned(8), may_alias));
typedef int32_t lanes4_i32 __attribute__((vector_size(16)));
typedef int64_t lanes2_i64 __attribute__((vector_size(16)));

/* How many sets one call joins. */
#define FNN_JOIN_F32 4
#define FNN_JOIN_F64 2

FNN_INLINE void vjoin_f32(const void *sets, float *sum) {
  lanes4_f32 q[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    const lanes4_f32 *p = (const lanes4_f32 *)sets + 4 * i;
    q[i] = (p[0] + p[2]) + (p[1] + p[3]);
  }
  lanes4_f32 a = FNN_SHUFFLE(lanes4_i32, q[0], q[1], 0, 4, 1, 5);
  lanes4_f32 b = FNN_SHUFFLE(lanes4_i32, q[2], q[3], 0, 4, 1, 5);
  lanes4_f32 c = FNN_SHUFFLE(lanes4_i32, q[0], q[1], 2, 6, 3, 7);
  lanes4_f32 d = FNN_SHUFFLE(lanes4_i32, q[2], q[3], 2, 6, 3, 7);
  lanes4_f32 low = FNN_SHUFFLE(lanes4_i32, a, b, 0, 1, 4, 5) +
                   FNN_SHUFFLE(lanes4_i32, c, d, 0, 1, 4, 5);
  lanes4_f32 high = FNN_SHUFFLE(lanes4_i32, a, b, 2, 3, 6, 7) +
                    FNN_SHUFFLE(lanes4_i32, c, d, 2, 3, 6, 7);
  *(lanes4_f32 *)sum = low + high;
}

FNN_INLINE void vjoin_f64(const void *sets, double *sum) {
  lanes2_f64 q[2];
  for (int i = 0; i < 2; i++) {
    const lanes2_f64 *p = (const lanes2_f64 *)sets + 4 * i;
    q[i] = (p[0] + p[2]) + (p[1] + p[3]);
  }
  *(lanes2_f64 *)sum = FNN_SHUFFLE(lanes2_i64, q[0], q[1], 0, 2) +
                       FNN_SHUFFLE(lanes2_i64, q[0], q[1], 1, 3);
}
