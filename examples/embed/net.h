/* A net with one hidden layer, and Adam. x (rows, features), h (rows, hidden), z (rows, classes). */
#ifndef NET_H
#define NET_H

#include "ops.h"

enum { W1, B1, W2, B2, PARAMS };

typedef struct net {
  fnn_tensor p[PARAMS], grad[PARAMS], mean[PARAMS], square[PARAMS];
  fnn_tensor cell; /* of the optimizer: steps, learning rate, weight decay, beta1, beta2, eps */
  fnn_tensor h, z, dz, dh, loss, stats, one; /* of the last step: written again by the next one */
} net;

/* generator: int64 {seed, counter} */
net make_net(int64_t features, int64_t hidden, int64_t classes, fnn_tensor *generator);
void free_net(net *n);
/* Many threads may do so at once, each with h and z of its own. */
void forward(const net *n, const fnn_tensor *x, fnn_tensor *h, fnn_tensor *z);
/* One step on a batch; returns its mean cross-entropy. */
double train_step(net *n, const fnn_tensor *x, const fnn_tensor *y);

#endif
