"""Linear algebra: NumPy (LAPACK) computes, the derivatives are written in tensor operations."""

from fastnn.linalg.decompositions import *
from fastnn.linalg.host import LinAlgError
from fastnn.linalg.norms import *
from fastnn.linalg.products import *
from fastnn.linalg.solving import *
