/* A table of examples: features x (rows, features) and classes y (rows). */
#ifndef CSV_H
#define CSV_H

#include "ops.h"

typedef struct table {
  fnn_tensor x, y;
  int64_t rows, features, classes;
} table;

/* Each line holds numbers, the last of which is the class: 0, 1, ...; a first line of names is
 * passed over. Every fifth row goes to *test. A file that is none of that ends the program. */
void read_csv(const char *path, table *train, table *test);
void free_table(table *t);

#endif
