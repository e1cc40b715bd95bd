"""Windows of images as columns, and back."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn._core.tensor import Tensor
from fastnn.nn import functional as F
from fastnn.nn.modules.module import Module

__all__ = ["Fold", "Unfold"]

Pair = int | Sequence[int]


class Unfold(Module):
    """Every window of an image as a column (im2col): (N, C, H, W) to (N, C*KH*KW, L).

    A column holds the window's channels, and in each its KH x KW elements. Raises RuntimeError
    where no window fits.
    """

    def __init__(self, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0,
                 stride: Pair = 1) -> None:
        super().__init__()
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.unfold(input, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return (f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
                f"padding={self.padding}, stride={self.stride}")


class Fold(Module):
    """Unfold's transpose (col2im): columns (N, C*KH*KW, L) added to an image (N, C, H, W).

    Raises RuntimeError where the columns are not those of an image of output_size.
    """

    def __init__(self, output_size: Pair, kernel_size: Pair, dilation: Pair = 1,
                 padding: Pair = 0, stride: Pair = 1) -> None:
        super().__init__()
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, input: Tensor) -> Tensor:
        return F.fold(input, self.output_size, self.kernel_size, self.dilation, self.padding,
                      self.stride)

    def extra_repr(self) -> str:
        return (f"output_size={self.output_size}, kernel_size={self.kernel_size}, "
                f"dilation={self.dilation}, padding={self.padding}, stride={self.stride}")
