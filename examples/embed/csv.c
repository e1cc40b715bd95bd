#include "csv.h"

#include <math.h>

typedef struct numbers {
  double *at;
  int64_t count, room, columns;
} numbers;

static void stop(const char *path, long line, const char *what) {
  fprintf(stderr, "%s, line %ld: %s\n", path, line, what);
  exit(1);
}

/* The numbers of a line are appended to *all; how many there were, or 0: it holds something else. */
static int64_t read_line(const char *text, numbers *all) {
  int64_t before = all->count;
  for (;;) {
    char *end;
    double value = strtod(text, &end);
    if (end == text) break;
    if (all->count == all->room) {
      all->room = all->room ? 2 * all->room : 1024;
      all->at = realloc(all->at, (size_t)all->room * sizeof *all->at);
      if (!all->at) stop("memory", 0, "none is left");
    }
    all->at[all->count++] = value;
    text = end + strspn(end, " \t\r\n");
    if (*text == 0) return all->count - before;
    if (*text++ != ',') break;
  }
  all->count = before;
  return 0;
}

static numbers read_numbers(const char *path) {
  static char text[1 << 16];
  numbers all = {0};
  long line = 0;
  FILE *file = fopen(path, "r");
  if (!file) stop(path, 0, "cannot be opened");
  while (fgets(text, sizeof text, file)) {
    line++;
    if (text[strspn(text, " \t\r\n")] == 0) continue;
    int64_t n = read_line(text, &all);
    if (n == 0 && line == 1) continue; /* names */
    if (!all.columns) all.columns = n;
    if (n < 2 || n != all.columns) stop(path, line, "expected numbers, as many as in other lines");
    double label = all.at[all.count - 1];
    if (!(label >= 0 && label < 1000 && label == floor(label))) stop(path, line, "no class at its end");
  }
  fclose(file);
  if (all.count == 0) stop(path, line, "no rows");
  return all;
}

static void take(const numbers *all, int wanted, table *t) {
  int64_t d = all->columns - 1, rows = all->count / all->columns, at = 0;
  t->features = d;
  t->rows = wanted ? rows / 5 : rows - rows / 5;
  t->x = zeros(FNN_F32, 2, t->rows, d);
  t->y = zeros(FNN_I64, 1, t->rows, 0);
  t->classes = 0;
  for (int64_t i = 0; i < rows; i++) {
    const double *row = all->at + i * all->columns;
    int64_t label = (int64_t)row[d];
    if (label >= t->classes) t->classes = label + 1;
    if ((i % 5 == 4) != wanted) continue;
    for (int64_t j = 0; j < d; j++) floats(&t->x)[at * d + j] = (float)row[j];
    wholes(&t->y)[at++] = label;
  }
}

void read_csv(const char *path, table *train, table *test) {
  numbers all = read_numbers(path);
  take(&all, 0, train);
  take(&all, 1, test);
  free(all.at);
}

void free_table(table *t) {
  fnn_tensor_release(&t->x);
  fnn_tensor_release(&t->y);
}
