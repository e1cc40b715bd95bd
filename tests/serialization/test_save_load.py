"""save and load: what comes back is what went in."""

import collections
import io
import math
import pathlib
import pickle

import numpy as np
import pytest

import fastnn
from fastnn.serialization import FormatError

PLAIN = [
    None, True, False, 0, -7, 2**53, -(2**200), 0.1, -0.0, 1e308, 5e-324, math.inf, -math.inf,
    1 + 2j, "", "text \u00e9 \U0001f600 \ud800", b"", bytes(range(256)), (), (1, (2,)), [],
    [[1], []], set(), {1, "a"}, frozenset({2}), {},
    {1: 2, "1": 3, (4, 5): None, 2.5: "x", None: 0, b"k": 1},
    {"nested": [{"a": ({"b": [None]},)}]},
]  # fmt: skip


def again(value, **options):
    file = io.BytesIO()
    fastnn.save(value, file)
    file.seek(0)
    return fastnn.load(file, **options)


def same(a, b):
    assert type(a) is type(b)
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy(), strict=True)


@pytest.mark.parametrize(
    "value", PLAIN, ids=[repr(v)[:20].encode("ascii", "replace").decode() for v in PLAIN]
)
def test_plain_values_return(value):
    got = again(value)
    assert got == value and type(got) is type(value)
    assert repr(got) == repr(value)  # -0.0, key order, True against 1


def test_nan_and_ordered_dicts_return():
    assert math.isnan(again(math.nan))
    ordered = collections.OrderedDict(b=1, a=2)
    ordered._metadata = collections.OrderedDict({"": {"version": 1}})
    got = again(ordered)
    assert type(got) is collections.OrderedDict and list(got.items()) == [("b", 1), ("a", 2)]
    assert got._metadata == ordered._metadata


@pytest.mark.parametrize(
    "name", ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)])
def test_every_dtype_and_shape_returns(name, shape):
    values = np.arange(math.prod(shape)).reshape(shape).astype(name)
    same(again(fastnn.from_numpy(values)), fastnn.from_numpy(values))


def test_bfloat16_returns():
    value = fastnn.tensor([1.0, -2.5, 0.0]).to(fastnn.bfloat16)
    got = again({"x": value})["x"]
    assert got.dtype == fastnn.bfloat16
    np.testing.assert_array_equal(got.to(fastnn.float32).numpy(), [1.0, -2.5, 0.0])


def test_special_floats_keep_their_bits():
    bits = np.array([0x7FC00001, 0xFF800000, 0x80000000, 1], np.uint32)
    got = again(fastnn.from_numpy(bits.view(np.float32)))
    np.testing.assert_array_equal(got.numpy().view(np.uint32), bits)


def test_parameters_and_gradient_flags_return():
    value = {"p": fastnn.nn.Parameter(fastnn.ones(2)), "r": fastnn.ones(2, requires_grad=True)}
    got = again(value)
    assert type(got["p"]) is fastnn.nn.Parameter and got["p"].requires_grad
    assert type(got["r"]) is fastnn.Tensor and got["r"].requires_grad and got["r"].is_leaf
    frozen = fastnn.nn.Parameter(fastnn.ones(2), requires_grad=False)
    assert again(frozen).requires_grad is False


def test_numpy_values_return():
    arrays = [np.arange(6).reshape(2, 3).T, np.array(2.5), np.zeros((0, 3), np.uint16)]
    for array, got in zip(arrays, again(arrays), strict=True):
        assert type(got) is np.ndarray
        np.testing.assert_array_equal(got, array, strict=True)
    scalar = again(np.float64(0.1))
    assert type(scalar) is np.float64 and scalar == 0.1


def test_size_dtype_and_device_return():
    value = {"s": fastnn.Size([2, 3]), "t": fastnn.float64, "d": fastnn.device("cpu")}
    got = again(value)
    assert got == value and type(got["s"]) is fastnn.Size


def test_shared_memory_stays_shared():
    base = fastnn.tensor(np.arange(12.0).reshape(3, 4))
    got = again({"base": base, "t": base.t(), "part": base[1:, ::2], "same": base})
    assert got["same"] is got["base"]
    got["base"][1, 2] = 99
    assert got["t"][2, 1].item() == 99 and got["part"][0, 1].item() == 99
    assert tuple(got["t"].stride()) == (1, 4) and tuple(got["part"].stride()) == (4, 2)


def test_overlapping_parts_share_without_their_base():
    base = fastnn.tensor(np.arange(10.0))
    left, right = again([base[1:6], base[4:9]])
    assert left.tolist() == [1, 2, 3, 4, 5] and right.tolist() == [4, 5, 6, 7, 8]
    left[3] = -1
    assert right[0].item() == -1


def test_strides_are_kept_where_nothing_is_wasted():
    value = fastnn.tensor(np.arange(6.0).reshape(2, 3))
    assert tuple(again(value.t()).stride()) == (1, 3)
    wide = value[:1].expand(1000, 3)
    file = io.BytesIO()
    fastnn.save(wide, file)
    assert len(file.getvalue()) < 1000
    file.seek(0)
    same(fastnn.load(file), wide)
    same(again(value[:, :2]), value[:, :2])


def test_models_and_optimizers_continue():
    def build():
        model = fastnn.nn.Sequential(
            fastnn.nn.Linear(3, 4), fastnn.nn.ReLU(), fastnn.nn.Linear(4, 2)
        )
        return model, fastnn.optim.Adam(model.parameters(), lr=0.01)

    def step(model, optimizer):
        optimizer.zero_grad()
        loss = (model(fastnn.ones(5, 3)) ** 2).sum()
        loss.backward()
        optimizer.step()

    model, optimizer = build()
    step(model, optimizer)
    saved = again({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3})
    other, continued = build()
    other.load_state_dict(saved["model"])
    continued.load_state_dict(saved["optimizer"])
    for _ in range(3):
        step(model, optimizer)
        step(other, continued)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


def test_paths_and_file_objects(tmp_path):
    value = {"w": fastnn.ones(2), "n": 1}
    for path in (str(tmp_path / "a.fnn"), pathlib.Path(tmp_path / "b.fnn")):
        fastnn.save(value, path)
        assert fastnn.load(path)["n"] == 1
    with open(tmp_path / "c", "wb") as file:
        file.write(b"before")
        fastnn.save(value, file)
    with open(tmp_path / "c", "rb") as file:
        file.seek(6)
        same(fastnn.load(file)["w"], value["w"])


def test_map_location_must_be_the_cpu():
    for location in (
        None,
        "cpu",
        fastnn.device("cpu"),
        lambda storage, place: storage,
        {"cuda:0": "cpu"},
    ):
        assert again({"n": 1}, map_location=location) == {"n": 1}
    with pytest.raises(RuntimeError, match="cuda"):
        again({"n": 1}, map_location="cuda:0")


class Touch:
    """Pickles to a call that would write a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path(self.path),)


def test_pickles_need_consent(tmp_path):
    fastnn.save({"x": Touch(tmp_path / "ran")}, tmp_path / "f")
    with pytest.raises(pickle.UnpicklingError, match="weights_only=False"):
        fastnn.load(tmp_path / "f")
    assert not (tmp_path / "ran").exists()
    fastnn.load(tmp_path / "f", weights_only=False)
    assert (tmp_path / "ran").exists()


def test_whole_modules_travel_by_consent(tmp_path):
    model = fastnn.nn.Linear(2, 3)
    fastnn.save(model, tmp_path / "m")
    got = fastnn.load(tmp_path / "m", weights_only=False)
    same(got.weight, model.weight)


def test_cycles_and_depth_end_in_an_error():
    loop = []
    loop.append(loop)
    with pytest.raises(ValueError, match="64 levels"):
        again(loop)


def test_flat_state_dicts_are_plain_safetensors(tmp_path):
    oracle = pytest.importorskip("safetensors.numpy", reason="safetensors is the oracle here")
    state = fastnn.nn.Linear(3, 2).state_dict()
    fastnn.save(state, tmp_path / "m.safetensors")
    got = oracle.load_file(tmp_path / "m.safetensors")
    assert set(got) == {"weight", "bias"}
    np.testing.assert_array_equal(got["weight"], state["weight"].numpy())
    arrays = {"a": np.arange(6, dtype=np.int16).reshape(2, 3), "b": np.ones(3), "c": np.zeros(())}
    oracle.save_file(arrays, tmp_path / "o.safetensors", {"made": "elsewhere"})
    loaded = fastnn.load(tmp_path / "o.safetensors")
    assert set(loaded) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name].numpy(), array, strict=True)


def test_errors_name_the_file(tmp_path):
    (tmp_path / "bad.fnn").write_bytes(b"hello, this is no model")
    with pytest.raises(FormatError, match="bad.fnn: header of"):
        fastnn.load(tmp_path / "bad.fnn")
    with pytest.raises(FileNotFoundError):
        fastnn.load(tmp_path / "absent.fnn")
