"""Learning-rate schedules, one file per kind; ``fastnn.optim.lr_scheduler`` gathers them."""
