"""Messages between the loader and its workers: a socket, and shared memory for what is big.

A message is one pickle (protocol 5) and the arrays it mentions, laid out one after the other.
Short messages go through the socket. Longer ones are written to an anonymous memory file whose
descriptor goes through the socket: nothing is left behind when a process dies, the size of
/dev/shm does not matter, and the reader maps the arrays without a copy.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import socket
import struct
import tempfile
from collections.abc import Callable
from typing import Any

import fastnn

__all__ = ["INLINE", "Closed", "encode", "read", "write"]

INLINE = 16384  # bytes up to which copying through the socket beats making a memory file
ALIGN = 64
HEAD = struct.Struct("<Q?")  # length of the body, does a descriptor come with it
POPULATE = getattr(mmap, "MAP_POPULATE", 0)


class Closed(Exception):
    """The other end of the socket is gone."""


def _as_tensor(array: Any, requires_grad: bool) -> Any:
    tensor = fastnn.from_numpy(array)
    return tensor.requires_grad_() if requires_grad else tensor


class _Pickler(pickle.Pickler):
    """Sends tensors as NumPy arrays, whose bytes travel outside the pickle."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not fastnn.Tensor or obj.dtype is fastnn.bfloat16:
            return NotImplemented
        if obj.requires_grad and not obj.is_leaf:
            raise RuntimeError(
                "a tensor with a grad_fn cannot leave its process: detach() it in the dataset or "
                "in collate_fn"
            )
        return _as_tensor, (obj.detach().numpy(), obj.requires_grad)


def encode(message: Any) -> list[Any]:
    """The parts of the body, in order: table of lengths, pickle, arrays, with their padding."""
    arrays: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=arrays.append).dump(message)
    parts = [stream.getbuffer(), *(a.raw() for a in arrays)]
    table = struct.pack(f"<{len(parts) + 1}Q", len(parts), *(part.nbytes for part in parts))
    body: list[Any] = []
    for part in [memoryview(table), *parts]:
        body += [part, bytes(-part.nbytes % ALIGN)]
    return body


def _decode(body: memoryview) -> Any:
    (count,) = struct.unpack_from("<Q", body)
    sizes = struct.unpack_from(f"<{count}Q", body, 8)
    at = 8 * (count + 1)
    at += -at % ALIGN
    parts = []
    for size in sizes:
        parts.append(body[at : at + size])
        at += size + -size % ALIGN
    return pickle.loads(parts[0], buffers=parts[1:])


def _memory_file() -> Any:
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("fastnn-batch"), "r+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def _write_all(put: Callable[[Any], int | None], parts: list[Any]) -> None:
    for part in parts:
        rest = memoryview(part).cast("B") if len(part) else memoryview(b"")
        while rest.nbytes:
            rest = rest[put(rest) or 0 :]


def write(sock: socket.socket, body: list[Any], inline: int = INLINE) -> None:
    """Send an encoded message. Errors: Closed."""
    length = sum(memoryview(part).nbytes for part in body)
    try:
        if length <= inline:
            sock.sendall(b"".join([HEAD.pack(length, False), *body]))
            return
        with _memory_file() as file:
            _write_all(file.write, body)
            socket.send_fds(sock, [HEAD.pack(length, True)], [file.fileno()])
    except (BrokenPipeError, ConnectionResetError) as error:
        raise Closed from error


def _receive_exactly(sock: socket.socket, length: int) -> memoryview:
    body = memoryview(bytearray(length))
    got = 0
    while got < length:
        step = sock.recv_into(body[got:])
        if step == 0:
            raise Closed
        got += step
    return body


def read(sock: socket.socket) -> Any:
    """Wait for the next message. Errors: Closed."""
    try:
        head, files, _, _ = socket.recv_fds(sock, HEAD.size, 1, socket.MSG_WAITALL)
        if len(head) < HEAD.size:
            raise Closed
        length, mapped = HEAD.unpack(head)
        if not mapped:
            return _decode(_receive_exactly(sock, length))
    except ConnectionResetError as error:
        raise Closed from error
    try:
        return _decode(memoryview(mmap.mmap(files[0], length, mmap.MAP_SHARED | POPULATE)))
    finally:
        os.close(files[0])
