"""docs/compat.md lists what PyTorch has and fastnn has not."""

import pytest

from tools import missing

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


def test_the_list_of_missing_names_is_current():
    """python -m tools.missing would change nothing."""
    page = missing.PAGE.read_text()
    written = missing.BEGIN + page.split(missing.BEGIN)[1].split(missing.END)[0] + missing.END
    assert written == missing.text()


def test_the_whole_of_nn_is_there():
    found = missing.missing()
    assert "nn" not in found and "nn.init" not in found and "nn.utils" not in found


def test_a_missing_name_is_an_attribute_error():
    import fastnn

    for where, names in missing.missing().items():
        if where == "the package":
            for name in names:
                with pytest.raises(AttributeError):
                    getattr(fastnn, name)
