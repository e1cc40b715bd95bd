"""backward() and grad(): what programs call to run the engine."""

from .engine cimport run_backward, run_backward_of
from .gradient cimport filled
from .tensor cimport Tensor, wants
from .tensor import register


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False,
             grad_variables=None, inputs=None):
    """Add d(sum of tensors * grad_tensors)/d(leaf) to .grad of every leaf (or of inputs).

    grad_variables is grad_tensors under its old name.
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError("backward: grad_tensors and grad_variables are the same argument")
        grad_tensors = grad_variables
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if grad_tensors is None:
        seeds = [None] * len(roots)
    else:
        seeds = [grad_tensors] if isinstance(grad_tensors, Tensor) else list(grad_tensors)
    if len(seeds) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(seeds)} gradients")
    ins = None
    if inputs is not None:
        ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        if not ins:
            raise RuntimeError("backward: inputs cannot be empty")
    retain = create_graph if retain_graph is None else retain_graph
    run_backward(roots, seeds, retain, create_graph, ins, True)


cdef tuple batched(list roots, list ins, list seeds, object retain, bint create, object unused,
                   object zeros):
    """grad for each of the seeds along their first dimension, stacked."""
    from .ops import stack
    count = next(len(s) for s in seeds if s is not None)
    rows = [grad(roots, ins, [None if s is None else s[i] for s in seeds],
                 True if i < count - 1 else retain, create, True, unused, False, zeros)
            for i in range(count)]
    return tuple([None if column[0] is None else stack(column) for column in zip(*rows)])


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False,
         only_inputs=True, allow_unused=None, is_grads_batched=False, materialize_grads=False):
    """The gradients of inputs, as a tuple; .grad is left alone. only_inputs must be true.
    is_grads_batched: grad_outputs have a first dimension more, and so have the gradients.

    Raises RuntimeError for an input that outputs do not depend on, unless allow_unused
    (its gradient is then None) or materialize_grads (then zeros).
    """
    cdef Tensor t
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if grad_outputs is None:
        seeds = [None] * len(roots)
    else:
        seeds = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    if len(seeds) != len(roots):
        raise RuntimeError(f"got {len(roots)} outputs and {len(seeds)} grad_outputs")
    if is_grads_batched:
        return batched(roots, ins, seeds, retain_graph, create_graph, allow_unused,
                       materialize_grads)
    for x in ins:
        if not wants(<Tensor?>x):
            raise RuntimeError("one of the differentiated tensors does not require grad")
    retain = create_graph if retain_graph is None else retain_graph
    out = run_backward(roots, seeds, retain, create_graph, ins, False)
    for i in range(len(out)):
        if out[i] is None:
            if materialize_grads:
                t = <Tensor>ins[i]
                out[i] = filled(t.t.dtype, t.t.ndim, t.t.size, 0)
            elif not allow_unused:
                raise RuntimeError("one of the differentiated tensors appears to not have been "
                                   "used in the graph; set allow_unused=True if this is wanted")
    return tuple(out)


def _backward(Tensor self not None, gradient=None, retain_graph=None, bint create_graph=False,
              inputs=None):
    """Add the gradient of this tensor to .grad of the leaves it depends on.

    gradient: the vector of the vector-Jacobian product; may be left out for one element.
    """
    cdef bint retain = create_graph if retain_graph is None else retain_graph
    cdef list ins
    if inputs is None:
        run_backward_of(self, gradient, retain, create_graph)
        return
    ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if not ins:
        raise RuntimeError("backward: inputs cannot be empty")
    run_backward([self], [gradient], retain, create_graph, ins, True)


register("backward", _backward)
