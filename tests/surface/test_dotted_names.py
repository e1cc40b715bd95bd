"""Modules by PyTorch's dotted names, multiprocessing, distributed."""

import importlib
import inspect
import multiprocessing as python
import pickle
import subprocess
import sys

import pytest

import fastnn
from fastnn._dotted import ELSEWHERE, _made


@pytest.mark.parametrize("name", sorted(_made))
def test_modules_that_are_elsewhere(name):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    importlib.import_module("torch.utils.data")
    theirs = importlib.import_module(name.replace("fastnn", "torch", 1))
    ours = importlib.import_module(name)
    names = [n for n, v in vars(theirs).items()
             if inspect.isclass(v) and n[0] != "_" and v.__module__ == theirs.__name__]
    absent = {"VariableMeta", "OptState", "saved_tensors_hooks", "save_on_cpu", "GradientEdge",
              "disable_saved_tensors_hooks", "_Handle", "ManagerWatchdog",
              "verbose", "DLDeviceType"}
    for n in set(names) - absent:
        assert hasattr(ours, n), n
    assert torch and len(ELSEWHERE) > 10


IMPORTS = """
import fastnn as torch
import fastnn.distributions.normal
from fastnn.distributions.normal import Normal
from fastnn.distributions.categorical import Categorical
import fastnn.autograd.variable as v
from fastnn.autograd.variable import Variable
from fastnn.autograd.function import Function, once_differentiable
from fastnn.autograd.grad_mode import no_grad
from fastnn.autograd.gradcheck import gradcheck, gradgradcheck
from fastnn.autograd.anomaly_mode import detect_anomaly
from fastnn.autograd.graph import Node
from fastnn.utils.data._utils.collate import default_collate
from fastnn.utils.data.dataset import Dataset, random_split
from fastnn.utils.data.dataloader import DataLoader, default_collate
from fastnn.utils.data.sampler import Sampler
from fastnn.nn.modules.loss import _Loss, _WeightedLoss
from fastnn.nn.modules.batchnorm import _BatchNorm
from fastnn.nn.modules.conv import _ConvNd
from fastnn.nn.modules.utils import _pair
from fastnn.nn.parallel import DistributedDataParallel as DDP
from fastnn.nn.parallel.data_parallel import DataParallel
from fastnn.distributed import init_process_group, destroy_process_group
from fastnn.optim.optimizer import Optimizer, required
from fastnn.optim.lr_scheduler import _LRScheduler
from fastnn.cuda.amp import autocast, GradScaler
from fastnn.cuda.amp.grad_scaler import GradScaler
from fastnn.types import Device, Number
from fastnn.utils.dlpack import from_dlpack, to_dlpack
from fastnn.overrides import has_torch_function, handle_torch_function
from fastnn.nn.modules.transformer import _get_clones, _get_activation_fn
from fastnn.optim.optimizer import ParamsT
from fastnn._tensor import Tensor
assert torch.distributions.normal.Normal is Normal and v.Variable is Variable
assert torch.autograd.gradcheck is gradcheck and callable(torch.autograd.gradcheck)
assert torch.utils.data._utils.collate.default_collate is default_collate
import fastnn.autograd.gradcheck
assert callable(torch.autograd.gradcheck)
assert issubclass(type(torch.ones(1, requires_grad=True).exp().grad_fn), Node)
from fastnn.distributions.uniform import *
Uniform(0.0, 1.0)
import fastnn.multiprocessing as mp
"""


def test_imports_of_ported_programs():
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)


def test_what_a_module_lacks_is_an_attribute_error():
    module = importlib.import_module("fastnn.distributions.normal")
    with pytest.raises(AttributeError):
        getattr(module, "no_such_name")  # noqa: B009
    with pytest.raises(ImportError):
        exec("from fastnn.distributions.normal import no_such_name")
    with pytest.raises(ImportError):
        importlib.import_module("fastnn.distributions.no_such_name")
    assert importlib.util.find_spec("fastnn.distributions.normal") is not None
    assert "Normal" in dir(module) and not hasattr(module, "__file__")
    normal = pickle.loads(pickle.dumps(module.Normal))
    assert normal is fastnn.distributions.Normal


def test_a_function_that_is_differentiated_once():
    class Square(fastnn.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @fastnn.autograd.function.once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x = fastnn.tensor([3.0], requires_grad=True)
    (g,) = fastnn.autograd.grad(Square.apply(x), [x])
    assert g.item() == 6 and not g.requires_grad
    # the gradient of the output requires grad: what backward gives cannot be differentiated
    v = fastnn.ones(1, requires_grad=True)
    (g,) = fastnn.autograd.grad(Square.apply(x), [x], v, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def _double(i, queue):
    queue.put(fastnn.ones(2) * i)


def _fail(i):
    raise ValueError(f"process {i} fails")


def test_processes():
    mp = fastnn.multiprocessing
    queue = python.get_context("spawn").SimpleQueue()
    assert mp.spawn(_double, (queue,), nprocs=2) is None
    assert sorted(queue.get().sum().item() for _ in range(2)) == [0, 2]
    with pytest.raises(mp.ProcessRaisedException, match="process 0 fails") as caught:
        mp.spawn(_fail, nprocs=1)
    assert caught.value.error_index == 0
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    assert mp.Queue and mp.Process and mp.cpu_count() >= 1


def test_distributed_training_can_be_named():
    dist = fastnn.distributed
    assert not dist.is_available() and not dist.is_initialized()
    with pytest.raises(NotImplementedError, match="distributed.all_reduce"):
        dist.all_reduce(fastnn.ones(1))
    with pytest.raises(NotImplementedError, match="nn.quantized.Linear"):
        fastnn.nn.quantized.Linear(2, 3)
