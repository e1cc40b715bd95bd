/* A function of C that takes and gives DLPack tensors, for any library that knows them; with_dlpack.py
 * calls it. Nothing is copied on the way in, and nothing on the way out. */
#include <fastnn.h>
#include <stdlib.h>

/* https://dmlc.github.io/dlpack/latest/ */
typedef struct { int32_t device_type, device_id; } DLDevice;
typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType;
typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *);
} DLManagedTensor;

enum { CPU = 1, FLOAT = 2 };

/* What is given away: its first member is the DLManagedTensor. */
typedef struct given {
  DLManagedTensor managed;
  fnn_tensor t;
} given;

static void give_up(DLManagedTensor *m) {
  fnn_tensor_release(&((given *)m)->t);
  free(m);
}

/* max(x, 0) in new memory; NULL, and fnn_last_error() says why. x stays the caller's. */
FNN_API DLManagedTensor *dlpack_relu(const DLManagedTensor *x) {
  const DLTensor *d = &x->dl_tensor;
  if (d->device.device_type != CPU || d->dtype.code != FLOAT || d->dtype.lanes != 1) return NULL;
  fnn_tensor from = {0};
  given *y = calloc(1, sizeof *y);
  const fnn_tensor *in[] = {&from};
  fnn_tensor *out[] = {&y->t};
  const fnn_call call = {FNN_OP_relu, 1, 1, in, out, NULL};
  fnn_status status = y ? fnn_tensor_borrow(&from, (char *)d->data + d->byte_offset, 0,
                                            d->dtype.bits == 64 ? FNN_F64 : FNN_F32, d->ndim,
                                            d->shape, d->strides)
                        : FNN_ENOMEM;
  if (!status) status = fnn_run(&call);
  fnn_tensor_release(&from);
  if (status) {
    free(y);
    return NULL;
  }
  y->managed.dl_tensor = *d;
  y->managed.dl_tensor.data = fnn_tensor_data(&y->t);
  y->managed.dl_tensor.shape = y->t.size;
  y->managed.dl_tensor.strides = y->t.stride;
  y->managed.dl_tensor.byte_offset = 0;
  y->managed.deleter = give_up;
  return &y->managed;
}
