/* The losses' attribute `reduction`. */
#ifndef FNN_OPS_LOSS_H
#define FNN_OPS_LOSS_H

enum { FNN_LOSS_NONE = 0, FNN_LOSS_MEAN = 1, FNN_LOSS_SUM = 2 };

#endif
