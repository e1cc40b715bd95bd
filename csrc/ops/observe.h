/* Telling the observers of this thread. The first that refuses ends the round before. */
#ifndef FNN_OBSERVE_H
#define FNN_OBSERVE_H

#include "runtime/runtime.h"

static inline fnn_status fnn_tell_before(const fnn_call *c) {
  fnn_status st = FNN_OK;
  for (fnn_observer *o = fnn_context_current()->observers; o && !st; o = o->next)
    if (o->before) st = o->before(o, c);
  return st;
}

static inline void fnn_tell_after(const fnn_call *c, fnn_status st) {
  for (fnn_observer *o = fnn_context_current()->observers; o; o = o->next)
    if (o->after) o->after(o, c, st);
}

#endif
