/* Storages and validated descriptors. */
#include "runtime/runtime.h"
#include "runtime/sizes.h"

static const struct { const char *name; int64_t size; } dtypes[FNN_NUM_DTYPES] = {
    {"float32", 4}, {"float64", 8}, {"int64", 8}, {"int32", 4}, {"uint8", 1},
    {"bool", 1}, {"int8", 1}, {"int16", 2}, {"float16", 2}, {"bfloat16", 2},
};

int64_t fnn_dtype_size(fnn_dtype t) { return (unsigned)t < FNN_NUM_DTYPES ? dtypes[t].size : 0; }
const char *fnn_dtype_name(fnn_dtype t) {
  return (unsigned)t < FNN_NUM_DTYPES ? dtypes[t].name : "?";
}

/* Serials are taken from the process's count in lots, so that few storages pay for a locked add. */
#define LOT 4096
static uint64_t next_lot;
FNN_THREAD uint64_t last_serial;

static uint64_t new_serial(void) {
  if (last_serial % LOT == 0)
    last_serial = __atomic_fetch_add(&next_lot, LOT, __ATOMIC_RELAXED);
  return ++last_serial;
}

/* The header stands in the 64 bytes before the data of an owned block: one allocation each. */
_Static_assert(sizeof(fnn_storage) <= FNN_ALIGN, "the storage header fits one cache line");

static fnn_storage *init(fnn_storage *s, void *data, int64_t nbytes) {
  s->data = data;
  s->nbytes = nbytes;
  s->serial = new_serial();
  s->version = 0;
  s->refcount = 1;
  s->deleter = NULL;
  s->ctx = NULL;
  s->writable = 1;
  s->reserved = 0;
  return s;
}

fnn_storage *fnn_storage_new(int64_t nbytes) {
  int64_t total;
  if (nbytes < 0 || !fnn_add_ok(nbytes, FNN_ALIGN, &total)) {
    fnn_fail(FNN_ENOMEM, "cannot allocate %lld bytes", (long long)nbytes);
    return NULL;
  }
  fnn_storage *s = fnn_alloc(total);
  return s ? init(s, (char *)s + FNN_ALIGN, nbytes) : NULL;
}

static void keep(void *ctx) { (void)ctx; }

fnn_storage *fnn_storage_borrow(void *data, int64_t nbytes, int writable,
                                void (*deleter)(void *ctx), void *ctx) {
  if (nbytes < 0 || (nbytes && !data)) {
    fnn_fail(FNN_EVALUE, "cannot borrow %lld bytes at %p", (long long)nbytes, data);
    return NULL;
  }
  fnn_storage *s = fnn_alloc(FNN_ALIGN);
  if (!s) return NULL;
  init(s, data, nbytes);
  s->deleter = deleter ? deleter : keep;
  s->ctx = ctx;
  s->writable = writable;
  return s;
}

void fnn_storage_retain(fnn_storage *s) { __atomic_add_fetch(&s->refcount, 1, __ATOMIC_RELAXED); }

/* Whether this was the last reference. Who holds the only one needs no locked instruction. */
static int drop(fnn_storage *s) {
  return __atomic_load_n(&s->refcount, __ATOMIC_ACQUIRE) == 1 ||
         __atomic_sub_fetch(&s->refcount, 1, __ATOMIC_ACQ_REL) == 0;
}

void fnn_storage_release(fnn_storage *s) {
  if (!s || !drop(s)) return;
  if (s->deleter) {
    s->deleter(s->ctx);
    fnn_free(s, FNN_ALIGN);
  } else {
    fnn_free(s, s->nbytes + FNN_ALIGN);
  }
}

int64_t fnn_tensor_numel(const fnn_tensor *t) {
  int64_t n = 1;
  for (int i = 0; i < t->ndim; i++) n *= t->size[i];
  return n;
}

int fnn_tensor_is_contiguous(const fnn_tensor *t) {
  int64_t stride = 1;
  int plain = 1;
  for (int i = t->ndim - 1; i >= 0; i--) {
    if (t->size[i] == 0) return 1;
    if (t->size[i] == 1) continue;
    plain &= t->stride[i] == stride;
    stride *= t->size[i];
  }
  return plain;
}

static fnn_status check_shape(fnn_dtype dtype, int ndim, const int64_t *size, int64_t *nbytes) {
  if ((unsigned)dtype >= FNN_NUM_DTYPES) return fnn_fail(FNN_ETYPE, "no such dtype: %d", (int)dtype);
  if (ndim < 0 || ndim > FNN_MAX_DIMS)
    return fnn_fail(FNN_EVALUE, "%d dimensions; a tensor has at most %d", ndim, FNN_MAX_DIMS);
  int64_t n;
  for (int i = 0; i < ndim; i++)
    if (size[i] < 0)
      return fnn_fail(FNN_ERUNTIME, "negative size in shape %s", fnn_shape_str(ndim, size));
  if (!fnn_numel_ok(ndim, size, &n) || !fnn_mul_ok(n, fnn_dtype_size(dtype), nbytes))
    return fnn_fail(FNN_EVALUE, "shape %s is too large", fnn_shape_str(ndim, size));
  return FNN_OK;
}

static void contiguous(int ndim, const int64_t *size, int64_t *stride) {
  int64_t step = 1;
  for (int i = ndim - 1; i >= 0; i--) {
    stride[i] = step;
    if (size[i] > 1) step *= size[i];
  }
}

fnn_status fnn_tensor_empty(fnn_tensor *t, fnn_dtype dtype, int ndim, const int64_t *size) {
  int64_t nbytes;
  fnn_status st = check_shape(dtype, ndim, size, &nbytes);
  if (st) return st;
  fnn_storage *s = fnn_storage_new(nbytes);
  if (!s) return FNN_ENOMEM;
  *t = (fnn_tensor){.storage = s, .dtype = (int8_t)dtype, .ndim = (int8_t)ndim};
  for (int i = 0; i < ndim; i++) t->size[i] = size[i];
  contiguous(ndim, size, t->stride);
  return FNN_OK;
}

fnn_status fnn_tensor_view(fnn_tensor *t, fnn_storage *storage, int64_t offset, fnn_dtype dtype,
                           int ndim, const int64_t *size, const int64_t *stride) {
  int64_t nbytes, n = 0, low = 0, high = 0, span, item = fnn_dtype_size(dtype);
  if (!storage) return FNN_ENOMEM; /* what fnn_storage_new said */
  fnn_status st = check_shape(dtype, ndim, size, &nbytes);
  if (st) return st;
  fnn_numel_ok(ndim, size, &n);
  int ok = offset >= 0 && offset % item == 0;
  for (int i = 0; ok && n && i < ndim; i++) {
    ok = fnn_mul_ok(size[i] - 1, stride[i], &span) &&
         (stride[i] > 0 ? fnn_add_ok(high, span, &high) : fnn_add_ok(low, span, &low));
  }
  ok = ok && fnn_mul_ok(low, item, &low) && fnn_add_ok(high, 1, &high) &&
       fnn_mul_ok(high, item, &high) && fnn_add_ok(low, offset, &low) &&
       fnn_add_ok(high, offset, &high);
  if (!ok || (n ? low < 0 || high > storage->nbytes : offset > storage->nbytes))
    return fnn_fail(FNN_ERUNTIME, "a view of shape %s at byte %lld leaves its storage of %lld bytes",
                    fnn_shape_str(ndim, size), (long long)offset, (long long)storage->nbytes);
  *t = (fnn_tensor){.storage = storage, .offset = offset, .dtype = (int8_t)dtype,
                    .ndim = (int8_t)ndim};
  for (int i = 0; i < ndim; i++) {
    t->size[i] = size[i];
    t->stride[i] = stride[i];
  }
  fnn_storage_retain(storage);
  return FNN_OK;
}

/* One byte more than the furthest element's last. */
static int reach(int64_t item, int ndim, const int64_t *size, const int64_t *stride,
                 int64_t *nbytes) {
  int64_t span, last = 0;
  for (int i = 0; i < ndim; i++)
    if (!fnn_mul_ok(size[i] - 1, stride[i], &span) || !fnn_add_ok(last, span, &last)) return 0;
  return fnn_add_ok(last, 1, &last) && fnn_mul_ok(last, item, nbytes);
}

fnn_status fnn_tensor_borrow(fnn_tensor *t, void *data, int writable, fnn_dtype dtype, int ndim,
                             const int64_t *size, const int64_t *stride) {
  int64_t nbytes, item = fnn_dtype_size(dtype), own[FNN_MAX_DIMS];
  fnn_status st = check_shape(dtype, ndim, size, &nbytes);
  if (st) return st;
  contiguous(ndim, size, own);
  if (stride && nbytes && !reach(item, ndim, size, stride, &nbytes)) nbytes = -1;
  if (nbytes && (!data || nbytes < 0 || (uintptr_t)data % (uint64_t)item))
    return fnn_fail(FNN_EVALUE, "%p holds no %s%s", data, fnn_dtype_name(dtype),
                    fnn_shape_str(ndim, size));
  fnn_storage *s = fnn_storage_borrow(data, nbytes, writable, NULL, NULL);
  if (!s) return FNN_ENOMEM;
  st = fnn_tensor_view(t, s, 0, dtype, ndim, size, stride ? stride : own);
  fnn_storage_release(s);
  return st;
}

void fnn_tensor_release(fnn_tensor *t) {
  fnn_storage_release(t->storage);
  t->storage = NULL;
}
