"""All modules."""

from fastnn.nn.modules.activation import *
from fastnn.nn.modules.batchnorm import *
from fastnn.nn.modules.container import *
from fastnn.nn.modules.conv import *
from fastnn.nn.modules.dropout import *
from fastnn.nn.modules.flatten import *
from fastnn.nn.modules.fold import *
from fastnn.nn.modules.instancenorm import *
from fastnn.nn.modules.linear import *
from fastnn.nn.modules.loss import *
from fastnn.nn.modules.module import Module
from fastnn.nn.modules.normalization import *
from fastnn.nn.modules.pooling import *
from fastnn.nn.modules.rnn import *
from fastnn.nn.modules.sparse import *
from fastnn.nn.modules.transformer import *
from fastnn.nn.modules.vision import *
