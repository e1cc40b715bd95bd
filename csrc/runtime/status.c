/* The thread's last message and its context. */
#include <stdarg.h>
#include <stdio.h>

#include "runtime/runtime.h"

FNN_THREAD fnn_context context = {.grad_mode = 1};

const char *fnn_last_error(void) { return fnn_thread_text()->message; }
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
  fnn_text *text = fnn_thread_text();
  va_list args;
  va_start(args, format);
  vsnprintf(text->message, sizeof text->message, format, args);
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

/* Room for a word; it is written over seven words later. */
static char *next_word(void) {
  fnn_text *text = fnn_thread_text();
  text->turn = (text->turn + 1) % (int)(sizeof text->words / sizeof *text->words);
  return text->words[text->turn];
}

#define WORD sizeof ((fnn_text *)0)->words[0]

const char *fnn_shape_str(int ndim, const int64_t *size) {
  char *s = next_word();
  size_t room = WORD, at = 0;
  at += (size_t)snprintf(s, room, "(");
  for (int i = 0; i < ndim; i++)
    at += (size_t)snprintf(s + at, room - at, "%s%lld", i ? ", " : "", (long long)size[i]);
  snprintf(s + at, room - at, ndim == 1 ? ",)" : ")");
  return s;
}

const char *fnn_tensor_str(const fnn_tensor *t) {
  char *s = next_word();
  snprintf(s, WORD, "%.10s%.148s", fnn_dtype_name((fnn_dtype)t->dtype),
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
