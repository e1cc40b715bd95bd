/* Host ops: what a binding computes outside of this library is shown to the observers as an
 * instruction too. */
#include <pthread.h>

#include "ops/observe.h"
#include "ops/op.h"

#define MAX_HOST_OPS 512

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const char *names[MAX_HOST_OPS];
static int count; /* atomic: names below it stay */

fnn_op fnn_host_op(const char *name) {
  pthread_mutex_lock(&mutex);
  int i = 0;
  while (i < count && strcmp(names[i], name) != 0) i++;
  int room = i < MAX_HOST_OPS;
  if (i == count && room) {
    names[i] = name;
    __atomic_store_n(&count, i + 1, __ATOMIC_RELEASE);
  }
  pthread_mutex_unlock(&mutex);
  if (!room) fnn_fail(FNN_ERUNTIME, "%s: more than %d host ops", name, MAX_HOST_OPS);
  return (fnn_op)(room ? FNN_HOST_OPS + i : FNN_NUM_OPS);
}

const char *fnn_host_name(fnn_op op) {
  int i = (int)op - FNN_HOST_OPS;
  return i >= 0 && i < __atomic_load_n(&count, __ATOMIC_ACQUIRE) ? names[i] : NULL;
}

fnn_status fnn_host_begin(const fnn_call *c) {
  if (!fnn_host_name(c->op)) return fnn_fail(FNN_EVALUE, "no such host op: %d", (int)c->op);
  fnn_status st = fnn_tell_before(c);
  if (st) fnn_tell_after(c, st);
  return st;
}

void fnn_host_end(const fnn_call *c, fnn_status st) { fnn_tell_after(c, st); }
