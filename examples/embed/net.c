#include "net.h"

#include <math.h>

net make_net(int64_t features, int64_t hidden, int64_t classes, fnn_tensor *generator) {
  net n = {.cell = zeros(FNN_F64, 1, 6, 0), .one = zeros(FNN_F32, 0, 0, 0)};
  for (int i = 0; i < PARAMS; i++) {
    int64_t out = i < W2 ? hidden : classes, in = i < W2 ? features : hidden;
    double bound = 1 / sqrt((double)in);
    for (int k = 0; k < 4; k++) {
      fnn_tensor *group[] = {n.p, n.grad, n.mean, n.square};
      group[k][i] = zeros(FNN_F32, i == W1 || i == W2 ? 2 : 1, out, in);
    }
    run(FNN_OP_uniform_, NOTHING, OUT(generator, &n.p[i]), ATTR(REAL(-bound), REAL(bound)));
  }
  memcpy(fnn_tensor_data(&n.cell), (double[]){0, 1e-3, 0, 0.9, 0.999, 1e-8}, 6 * sizeof(double));
  *floats(&n.one) = 1;
  return n;
}

void free_net(net *n) {
  fnn_tensor *all = (fnn_tensor *)n;
  for (size_t i = 0; i < sizeof *n / sizeof *all; i++) fnn_tensor_release(&all[i]);
}

/* h = relu(x W1^T + b1), z = h W2^T + b2 */
void forward(const net *n, const fnn_tensor *x, fnn_tensor *h, fnn_tensor *z) {
  run(FNN_OP_linear, IN(x, &n->p[W1], &n->p[B1]), OUT(h), ATTR(WHOLE(1)));
  run(FNN_OP_linear, IN(h, &n->p[W2], &n->p[B2]), OUT(z), ATTR(WHOLE(0)));
}

/* dz = softmax(z) - y;  dW2 = dz^T h, db2 = sum dz;  dh = dz W2 where h > 0;  dW1 = dh^T x, ... */
static void backward(net *n, const fnn_tensor *x, const fnn_tensor *y, const fnn_attr *loss) {
  run(FNN_OP_cross_entropy_bwd, IN(&n->one, &n->z, y, NULL, &n->stats), OUT(&n->dz), loss);
  run(FNN_OP_linear_bwd_w, IN(&n->dz, &n->h), OUT(&n->grad[W2], &n->grad[B2]), ATTR(WHOLE(0)));
  run(FNN_OP_matmul, IN(&n->dz, &n->p[W2]), OUT(&n->dh), NULL);
  run(FNN_OP_relu_bwd, IN(&n->dh, &n->h), OUT(&n->dh), NULL);
  run(FNN_OP_linear_bwd_w, IN(&n->dh, x), OUT(&n->grad[W1], &n->grad[B1]), ATTR(WHOLE(0)));
}

double train_step(net *n, const fnn_tensor *x, const fnn_tensor *y) {
  const fnn_attr *loss = ATTR(WHOLE(1), WHOLE(-100), REAL(0)); /* mean, ignored label, smoothing */
  forward(n, x, &n->h, &n->z);
  run(FNN_OP_cross_entropy, IN(&n->z, y), OUT(&n->loss, &n->stats), loss);
  backward(n, x, y, loss);
  run(FNN_OP_adam, IN(&n->grad[W1], &n->grad[B1], &n->grad[W2], &n->grad[B2]),
      OUT(&n->cell, &n->p[W1], &n->p[B1], &n->p[W2], &n->p[B2], &n->mean[W1], &n->mean[B1],
          &n->mean[W2], &n->mean[B2], &n->square[W1], &n->square[B1], &n->square[W2],
          &n->square[B2]),
      ATTR(WHOLE(0), WHOLE(0))); /* maximize, decoupled */
  return *floats(&n->loss);
}
