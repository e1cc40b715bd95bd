"""The op modules, and the functions of all of them under one roof."""

from .activation import *
from .copy import *
from .create import *
from .matmul import *
from .view import *
