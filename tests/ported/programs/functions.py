"""Functions with a backward of their own: straight-through bits, reversed gradients, a loss."""

import torch
import torch.nn as nn
from torch.autograd import Function, gradcheck


class Binarize(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.sign()

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input.abs() > 1] = 0
        return grad_input


class GradReverse(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.neg() * ctx.alpha, None


class LinearFunction(Function):
    @staticmethod
    def forward(input, weight, bias):
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def setup_context(ctx, inputs, output):
        input, weight, bias = inputs
        ctx.save_for_backward(input, weight, bias)

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class SoftmaxLoss(Function):
    @staticmethod
    def forward(ctx, logits, target):
        probs = torch.exp(logits - logits.max(dim=1, keepdim=True)[0])
        probs /= probs.sum(dim=1, keepdim=True)
        ctx.mark_non_differentiable(target)
        ctx.probs, ctx.target = probs, target
        return -probs[torch.arange(len(target)), target].log().mean()

    @staticmethod
    def backward(ctx, grad_output):
        grad = ctx.probs.clone()
        grad[torch.arange(len(ctx.target)), ctx.target] -= 1
        return grad * grad_output / len(ctx.target), None


class MyLinear(nn.Module):
    def __init__(self, input_features, output_features, bias=True):
        super().__init__()
        self.input_features = input_features
        self.output_features = output_features
        self.weight = nn.Parameter(torch.empty(output_features, input_features))
        if bias:
            self.bias = nn.Parameter(torch.empty(output_features))
        else:
            self.register_parameter("bias", None)
        nn.init.uniform_(self.weight, -0.5, 0.5)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -0.1, 0.1)

    def forward(self, input):
        return LinearFunction.apply(input, self.weight, self.bias)

    def extra_repr(self):
        return "input_features={}, output_features={}, bias={}".format(
            self.input_features, self.output_features, self.bias is not None)


def main():
    torch.manual_seed(8)
    inputs = (torch.randn(6, 4, dtype=torch.double, requires_grad=True),
              torch.randn(3, 4, dtype=torch.double, requires_grad=True),
              torch.randn(3, dtype=torch.double, requires_grad=True))
    assert gradcheck(LinearFunction.apply, inputs, eps=1e-6, atol=1e-4)
    logits = torch.randn(5, 3, dtype=torch.double, requires_grad=True)
    assert gradcheck(lambda z: SoftmaxLoss.apply(z, torch.tensor([0, 2, 1, 1, 0])), (logits,))

    x = torch.randn(256, 4)
    y = (x[:, 0] * x[:, 1] > 0).long()
    domain = (x[:, 2] > 0).float().unsqueeze(1)
    features, hidden = MyLinear(4, 32), MyLinear(32, 32, bias=False)
    head, critic = MyLinear(32, 2), nn.Linear(32, 1)
    assert repr(hidden) == "MyLinear(input_features=32, output_features=32, bias=False)"
    parameters = [p for m in (features, hidden, head, critic) for p in m.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.01)
    losses = []
    for _ in range(80):
        h = torch.relu(features(x))
        bits = Binarize.apply(hidden(h))
        loss = SoftmaxLoss.apply(head(bits), y)
        wrong = nn.functional.binary_cross_entropy_with_logits(
            critic(GradReverse.apply(h, 0.1)), domain)
        optimizer.zero_grad()
        (loss + 0.1 * wrong).backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
