"""How fastnn is compiled: settings, the C library, the Cython modules."""
