"""Modules that find the number of their input features or channels in their first call.

Until then parameters and buffers have no shape; then the module becomes one of the plain class.
Give them to an optimizer after a first call, or load a state_dict, which says the shapes too.
"""

from __future__ import annotations

from typing import Any

from fastnn._core.convert import tensor
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad
from fastnn.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from fastnn.nn.modules.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    Sizes,
)
from fastnn.nn.modules.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from fastnn.nn.modules.linear import Linear
from fastnn.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

__all__ = ["LazyBatchNorm1d", "LazyBatchNorm2d", "LazyBatchNorm3d", "LazyConv1d", "LazyConv2d",
           "LazyConv3d", "LazyConvTranspose1d", "LazyConvTranspose2d", "LazyConvTranspose3d",
           "LazyInstanceNorm1d", "LazyInstanceNorm2d", "LazyInstanceNorm3d", "LazyLinear",
           "LazyModuleMixin"]


class LazyModuleMixin:
    """Put before a Module class; initialize_parameters(input) materializes what is_lazy.

    After the first call the module is of the class cls_to_become, where there is one.
    """

    cls_to_become: Any = None

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give the parameters their shapes from the arguments of the first call."""
        raise NotImplementedError("initialize_parameters is not implemented for "
                                  f"{type(self).__name__}")

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet."""
        return any(is_lazy(t) for t in [*self._parameters.values(), *self._buffers.values()])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with no_grad():
            self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {type(self).__name__} has not been fully initialized")
        if self.cls_to_become is None:
            return super().__call__(*args, **kwargs)  # type: ignore[misc]
        self.__class__ = self.cls_to_become
        return self(*args, **kwargs)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, once they have a shape."""
        if not self.has_uninitialized_params() and self._features():
            super().reset_parameters()  # type: ignore[misc]

    def _features(self) -> int:
        raise NotImplementedError

    def _apply(self, fn: Any, recurse: bool = True) -> Any:
        waiting = {name: b for name, b in self._buffers.items() if is_lazy(b)}
        super()._apply(fn, recurse)  # type: ignore[misc]
        for name, buffer in waiting.items():
            buffer.data = self._buffers[name]
            self._buffers[name] = buffer
        return self

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str,
                            keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)  # type: ignore[misc]
        for name, t in [*self._parameters.items(), *self._buffers.items()]:
            if is_lazy(t):
                destination[prefix + name] = t

    def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
        for name, t in [*self._parameters.items(), *self._buffers.items()]:
            new = state_dict.get(prefix + name)
            if is_lazy(t) and new is not None and not is_lazy(new):
                t.materialize(new.shape)
        known = {k: v for k, v in state_dict.items() if not is_lazy(v)}
        missing = [k for k in state_dict if k not in known]
        super()._load_from_state_dict(known, prefix, *rest)  # type: ignore[misc]
        rest[2][:] = [k for k in rest[2] if k not in missing]


class LazyLinear(LazyModuleMixin, Linear):
    """Linear whose in_features is the size of the first input's last dimension."""

    cls_to_become = Linear

    def __init__(self, out_features: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def _features(self) -> int:
        return self.in_features

    def initialize_parameters(self, input: Tensor) -> None:  # type: ignore[override]
        """Take in_features from the input."""
        if self.has_uninitialized_params():
            self.in_features = input.shape[-1]
            self.weight.materialize((self.out_features, self.in_features))  # type: ignore
            if self.bias is not None:
                self.bias.materialize((self.out_features,))  # type: ignore[attr-defined]
            self.reset_parameters()
        elif self.in_features == 0:  # a state_dict gave the shapes
            self.in_features = self.weight.shape[-1]


class _LazyConv(LazyModuleMixin):
    _nd: int

    def _prepare(self: Any, out_channels: int, bias: bool, device: Any, dtype: Any) -> None:
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_channels = out_channels
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def _features(self: Any) -> int:
        return self.in_channels

    def initialize_parameters(self: Any, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Take in_channels from the input."""
        if not self.has_uninitialized_params():
            if self.in_channels == 0:  # a state_dict gave the shapes
                at = 0 if self.transposed else 1
                self.in_channels = self.weight.shape[at] * (1 if self.transposed else self.groups)
            return
        if input.ndim not in (self._nd + 1, self._nd + 2):
            raise RuntimeError(f"Expected {self._nd + 1}D (unbatched) or {self._nd + 2}D (batched) "
                               f"input to {type(self).__name__}, but got input of size: "
                               f"{list(input.shape)}")
        self.in_channels = c = input.shape[-self._nd - 1]
        if c % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        first, second = (c, self.out_channels) if self.transposed else (self.out_channels, c)
        self.weight.materialize((first, second // self.groups, *self.kernel_size))
        if self.bias is not None:
            self.bias.materialize((self.out_channels,))
        self.reset_parameters()


class _LazyPlainConv(_LazyConv):
    def __init__(self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
                 padding: str | Sizes = 0, dilation: Sizes = 1, groups: int = 1,
                 bias: bool = True, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(0, 0, kernel_size, stride, padding, dilation,  # type: ignore[call-arg]
                         groups, False, padding_mode, device, dtype)
        self._prepare(out_channels, bias, device, dtype)


class LazyConv1d(_LazyPlainConv, Conv1d):  # type: ignore[misc]
    """Conv1d whose in_channels is that of the first input."""

    cls_to_become = Conv1d


class LazyConv2d(_LazyPlainConv, Conv2d):  # type: ignore[misc]
    """Conv2d whose in_channels is that of the first input."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyPlainConv, Conv3d):  # type: ignore[misc]
    """Conv3d whose in_channels is that of the first input."""

    cls_to_become = Conv3d


class _LazyTransposed(_LazyConv):
    def __init__(self, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
                 padding: Sizes = 0, output_padding: Sizes = 0, groups: int = 1,
                 bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros",
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__(0, 0, kernel_size, stride, padding,  # type: ignore[call-arg]
                         output_padding, groups, False, dilation, padding_mode, device, dtype)
        self._prepare(out_channels, bias, device, dtype)


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):  # type: ignore[misc]
    """ConvTranspose1d whose in_channels is that of the first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):  # type: ignore[misc]
    """ConvTranspose2d whose in_channels is that of the first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):  # type: ignore[misc]
    """ConvTranspose3d whose in_channels is that of the first input."""

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    def __init__(self: Any, eps: float = 1e-5, momentum: float | None = 0.1,
                 affine: bool = True, track_running_stats: bool = True,
                 device: Any = None, dtype: Any = None, *, bias: bool = True) -> None:
        super().__init__(0, eps, momentum, False, False, bias=False)  # type: ignore[call-arg]
        self.affine = affine
        self.track_running_stats = track_running_stats
        made = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**made)
            if bias:
                self.bias = UninitializedParameter(**made)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**made)
            self.running_var = UninitializedBuffer(**made)
            self.num_batches_tracked = tensor(0)

    def _features(self: Any) -> int:
        return self.num_features

    def initialize_parameters(self: Any, input: Tensor) -> None:
        """Take num_features from the input."""
        if self.has_uninitialized_params():
            self.num_features = input.shape[1]
            for t in [*self._parameters.values(), *self._buffers.values()]:
                if is_lazy(t):
                    t.materialize((self.num_features,))
            self.reset_parameters()
        elif self.num_features == 0 and (self.affine or self.track_running_stats):
            self.num_features = input.shape[1]


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):  # type: ignore[misc]
    """BatchNorm1d whose num_features is the number of channels of the first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):  # type: ignore[misc]
    """BatchNorm2d whose num_features is the number of channels of the first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):  # type: ignore[misc]
    """BatchNorm3d whose num_features is the number of channels of the first input."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):  # type: ignore[misc]
    """InstanceNorm1d whose num_features is the number of channels of the first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):  # type: ignore[misc]
    """InstanceNorm2d whose num_features is the number of channels of the first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):  # type: ignore[misc]
    """InstanceNorm3d whose num_features is the number of channels of the first input."""

    cls_to_become = InstanceNorm3d
