"""The op modules, and the functions of all of them under one roof."""

from ..tensor import translate as _translate
from .activation import *
from .arith import *
from .compare import *
from .conv import *
from .copy import *
from .create import *
from .elementary import *
from .getitem import *
from .index import *
from .join import *
from .matmul import *
from .moments import *
from .pointwise import *
from .random import *
from .reduce import *
from .scan import *
from .sets import *
from .shape import *
from .softmax import *
from .sort import *
from .view import *

for _name, _function in list(globals().items()):
    _signature = getattr(_function, "__text_signature__", None) or ""
    if "dim" in _signature or "*s" in _signature or _name in ("matmul", "mm"):
        globals()[_name] = _translate(_function)  # takes axis= and size= too, or a sparse tensor

__all__ = [  # not the modules, some of which have names of PyTorch's
    _name for _name, _value in globals().items()
    if not _name.startswith("_") and not hasattr(_value, "__spec__")
]  # fmt: skip
