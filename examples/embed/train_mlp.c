/* Trains a net on a CSV file, then answers from several threads at once: plain C, no Python in the
 * process. See csv.h for the file.
 *
 *   make && ./train_mlp data.csv [epochs [hidden [threads]]] */
#include <pthread.h>

#include "csv.h"
#include "net.h"

enum { BATCH = 32, MAX_THREADS = 64 };

/* x = (x - mean) / sqrt(var + eps) in place, by the training rows' figures */
static void standardise(table *train, table *test) {
  fnn_tensor mean = {0}, scale = {0};
  run(FNN_OP_var, IN(&train->x), OUT(&scale, &mean), ATTR(LIST(1, 0), REAL(0), WHOLE(0)));
  run(FNN_OP_add, IN(&scale, NULL), OUT(&scale), ATTR(SCALAR(1e-5)));
  run(FNN_OP_rsqrt, IN(&scale), OUT(&scale), NULL);
  for (int i = 0; i < 2; i++) {
    fnn_tensor *x = i ? &test->x : &train->x;
    run(FNN_OP_sub, IN(x, &mean), OUT(x), ATTR(SCALAR(0)));
    run(FNN_OP_mul, IN(x, &scale), OUT(x), ATTR(SCALAR(0)));
  }
  fnn_tensor_release(&mean);
  fnn_tensor_release(&scale);
}

static void train(net *n, const table *t, int epochs, fnn_tensor *generator) {
  fnn_tensor order = {0}, x = {0}, y = {0};
  for (int e = 1; e <= epochs; e++) {
    double sum = 0;
    run(FNN_OP_randperm, NOTHING, OUT(generator, &order), ATTR(WHOLE(t->rows)));
    for (int64_t at = 0; at + BATCH <= t->rows; at += BATCH) {
      fnn_tensor pick = rows_of(&order, at, BATCH);
      run(FNN_OP_index_select, IN(&t->x, &pick), OUT(&x), ATTR(WHOLE(0)));
      run(FNN_OP_index_select, IN(&t->y, &pick), OUT(&y), ATTR(WHOLE(0)));
      fnn_tensor_release(&pick);
      sum += train_step(n, &x, &y);
    }
    if (e == 1 || e % 10 == 0 || e == epochs)
      printf("epoch %d: loss %.4f\n", e, sum / (double)(t->rows / BATCH));
  }
  fnn_tensor_release(&order);
  fnn_tensor_release(&x);
  fnn_tensor_release(&y);
}

/* ---- the service: every thread answers every row, one by one */

typedef struct worker {
  const net *n;
  const table *t;
  int64_t *answers;
  pthread_t thread;
} worker;

static void *serve(void *p) {
  worker *w = p;
  fnn_tensor h = {0}, z = {0}, best = {0};
  fnn_context_current()->num_threads = 1; /* the requests run beside each other */
  for (int64_t i = 0; i < w->t->rows; i++) {
    fnn_tensor row = rows_of(&w->t->x, i, 1);
    forward(w->n, &row, &h, &z);
    run(FNN_OP_max_dim, IN(&z), OUT(NULL, &best), ATTR(LIST(1, 1), WHOLE(0)));
    w->answers[i] = *wholes(&best);
    fnn_tensor_release(&row);
  }
  fnn_tensor_release(&h);
  fnn_tensor_release(&z);
  fnn_tensor_release(&best);
  return NULL;
}

/* Whether all threads gave the same answers. */
static int answer(const net *n, const table *test, int threads) {
  worker all[MAX_THREADS];
  size_t bytes = (size_t)test->rows * sizeof(int64_t);
  int64_t right = 0;
  int same = 1;
  for (int k = 0; k < threads; k++) {
    all[k] = (worker){.n = n, .t = test, .answers = malloc(bytes)};
    if (!all[k].answers || pthread_create(&all[k].thread, NULL, serve, &all[k])) {
      fprintf(stderr, "thread %d does not start\n", k);
      exit(1);
    }
  }
  for (int k = 0; k < threads; k++) pthread_join(all[k].thread, NULL);
  for (int64_t i = 0; i < test->rows; i++) right += all[0].answers[i] == wholes(&test->y)[i];
  for (int k = 0; k < threads; k++) same &= !memcmp(all[k].answers, all[0].answers, bytes);
  for (int k = 0; k < threads; k++) free(all[k].answers);
  printf("test accuracy: %.1f %%\n", 100.0 * (double)right / (double)test->rows);
  printf("%d threads, %lld answers each: %s\n", threads, (long long)test->rows,
         same ? "the same" : "DIFFERENT");
  return same;
}

int main(int argc, char **argv) {
  int epochs = argc > 2 ? atoi(argv[2]) : 30, hidden = argc > 3 ? atoi(argv[3]) : 64;
  int threads = argc > 4 ? atoi(argv[4]) : 4;
  if (argc < 2 || epochs < 1 || hidden < 1 || threads < 1 || threads > MAX_THREADS) {
    fprintf(stderr, "usage: %s data.csv [epochs [hidden [threads]]]\n", argv[0]);
    return 2;
  }
  if (fnn_abi_version() != FNN_ABI_VERSION) {
    fprintf(stderr, "compiled for another libfastnn than %s\n", fnn_version());
    return 1;
  }
  table part, test;
  read_csv(argv[1], &part, &test);
  if (part.rows < BATCH || test.rows < 1) {
    fprintf(stderr, "%s: too few rows\n", argv[1]);
    return 1;
  }
  standardise(&part, &test);
  fnn_tensor generator = zeros(FNN_I64, 1, 2, 0); /* seed 0, counter 0 */
  net n = make_net(part.features, hidden, part.classes, &generator);
  train(&n, &part, epochs, &generator);
  int same = answer(&n, &test, threads);
  free_net(&n);
  free_table(&part);
  free_table(&test);
  fnn_tensor_release(&generator);
  fnn_memory_empty_cache();
  return same ? 0 : 1;
}
