/* The thread's last message, its context, and the words that messages are made of. */
#include <stdarg.h>
#include <stdio.h>

#include "runtime/runtime.h"

#define TURNS 8

static __thread char message[512];
static __thread char words[TURNS][160];
static __thread int turn;
static __thread fnn_context context = {NULL, 1, 0};

const char *fnn_last_error(void) { return message; }
int fnn_abi_version(void) { return FNN_ABI_VERSION; }
const char *fnn_version(void) { return FNN_VERSION_STRING; }

#define NAME_(x) #x
#define NAME(x) NAME_(x)
#if defined(__clang__)
#define COMPILER "clang " NAME(__clang_major__) "." NAME(__clang_minor__) "." NAME(__clang_patchlevel__)
#elif defined(__GNUC__)
#define COMPILER "gcc " NAME(__GNUC__) "." NAME(__GNUC_MINOR__) "." NAME(__GNUC_PATCHLEVEL__)
#else
#define COMPILER "an unknown compiler"
#endif
const char *fnn_build(void) {
  return fnn_openmp_procs() ? COMPILER ", OpenMP" : COMPILER ", no OpenMP";
}

fnn_status fnn_fail(fnn_status status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return status;
}

static char bad_environment[256];

void fnn_bad_environment(const char *text) {
  if (!*bad_environment) snprintf(bad_environment, sizeof bad_environment, "%s", text);
}

fnn_status fnn_check_environment(void) {
  return *bad_environment ? fnn_fail(FNN_EVALUE, "%s", bad_environment) : FNN_OK;
}

const char *fnn_shape_str(int ndim, const int64_t *size) {
  char *s = words[turn++ % TURNS];
  size_t room = sizeof words[0], at = 0;
  at += (size_t)snprintf(s, room, "(");
  for (int i = 0; i < ndim; i++)
    at += (size_t)snprintf(s + at, room - at, "%s%lld", i ? ", " : "", (long long)size[i]);
  snprintf(s + at, room - at, ndim == 1 ? ",)" : ")");
  return s;
}

const char *fnn_tensor_str(const fnn_tensor *t) {
  char *s = words[turn++ % TURNS];
  snprintf(s, sizeof words[0], "%.10s%.148s", fnn_dtype_name((fnn_dtype)t->dtype),
           fnn_shape_str(t->ndim, t->size));
  return s;
}

fnn_context *fnn_context_current(void) { return &context; }

void fnn_observer_push(fnn_observer *o) {
  o->next = context.observers;
  context.observers = o;
}

void fnn_observer_pop(fnn_observer *o) {
  fnn_observer **at = &context.observers;
  while (*at && *at != o) at = &(*at)->next;
  if (*at) *at = o->next;
}
