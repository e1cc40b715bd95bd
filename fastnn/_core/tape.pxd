from libc.stdint cimport int8_t, int64_t, uint32_t, uint64_t

from .tensor cimport Tensor, ctx, wants

# The derivative of one op. g is the gradient of the node's output (of several outputs: a list
# with None where there is none). Returns the gradient of the one input, or a tuple of one per
# input, None where there is none or it is not needed (see Node.needs).
ctypedef object (*vjp_fn)(Node n, object g)


cdef class Node:
    cdef vjp_fn vjp
    cdef const char *label         # the op, as it is named in messages
    cdef uint64_t seq              # creation number: an input's node is always older
    cdef int n_in, n_out
    cdef bint freed
    cdef int8_t saved_out          # bit k: saved value k is output out_of[k] of this node
    cdef int8_t out_ndim, out_dtype
    cdef int64_t out_size[8]       # shape of the (first) output, to check and reduce gradients
    cdef object e0, e1, e2         # the input's node, or the leaf itself, or None
    cdef int n0, n1, n2            # output number in that node
    cdef list more_edges           # (edge, output number) of inputs from the fourth on
    cdef Tensor s0, s1, s2         # saved values
    cdef uint32_t v0, v1, v2       # their versions when saved
    cdef list more_saved           # (tensor, version) from the fourth on
    cdef int o0, o1, o2            # for saved outputs: which
    # plain arguments that the derivative needs; what they mean is said by the op
    cdef int64_t i0, i1, i2, i3
    cdef double f0, f1
    cdef object extra
    cdef list outs                 # (shape, dtype code) of the outputs from the second on
    cdef object hooks, prehooks
    cdef object keep               # output number -> tensor whose grad is retained
    cdef object __weakref__

    cdef bint needs(self, int i) noexcept
    cdef object edge(self, int i)
    cdef int edge_nr(self, int i) noexcept
    cdef int set_edge(self, int i, Tensor a) except -1
    cdef int save(self, int k, Tensor a) except -1
    cdef int save_out(self, int k, Tensor a, int out_nr=*) except -1
    cdef Tensor saved(self, int k)
    cdef list out_shape(self)


cdef inline bint recording(Tensor a) except -1:
    """Whether an op on a goes onto the tape."""
    return wants(a) and ctx().grad_mode != 0


cdef inline bint recording2(Tensor a, Tensor b) except -1:
    return ((a is not None and wants(a)) or (b is not None and wants(b))) and ctx().grad_mode != 0


cdef inline bint recording3(Tensor a, Tensor b, Tensor c) except -1:
    return ((a is not None and wants(a)) or (b is not None and wants(b)) or
            (c is not None and wants(c))) and ctx().grad_mode != 0


cdef bint recording_any(tensors) except -1

# Put out (made by op `name`) on the tape: its node with edges to the inputs. The caller then
# saves what the derivative needs.
cdef Node record(vjp_fn vjp, const char *name, Tensor out, Tensor a, Tensor b=*, Tensor c=*)
cdef Node record_many(vjp_fn vjp, const char *name, list outs, ins)
cdef Node make_node(vjp_fn vjp, const char *name, int n_in)
cdef int attach(Node n, Tensor out, int nr) except -1

# Views: op modules make the view (tensor.view_of), then record it.
cdef Tensor record_view(vjp_fn vjp, const char *name, Tensor out, Tensor a)
