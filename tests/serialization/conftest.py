"""Bytes of saved values, for tests that damage them."""

import io

import pytest


@pytest.fixture
def dump():
    import fastnn

    def to_bytes(value):
        file = io.BytesIO()
        fastnn.save(value, file)
        return file.getvalue()

    return to_bytes
