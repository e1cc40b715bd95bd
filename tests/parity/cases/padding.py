"""Borders."""

from tests.parity.case import Case, normal

SHAPES = [(2, 3, 5), (2, 3, 5, 4), (2, 2, 5, 4, 6)]
ASYMMETRIC = [(1, 2), (1, 2, 0, 3), (1, 2, 0, 3, 2, 1)]


def sets(nd):
    """Paddings that every mode takes."""
    ones = [0] * (2 * nd)
    front, back = list(ones), list(ones)
    front[0], back[-1] = 2, 1
    return [1, 2, 3, ASYMMETRIC[nd - 1], tuple(front), tuple(back), (1, 1) * nd, 0]


def padded(nd, negative, value=()):
    shape = SHAPES[nd - 1]
    made = [Case((p, *value), {}, (normal(*shape),)) for p in sets(nd)]
    made += [Case((p, *value), {}, (normal(*shape[1:]),)) for p in (1, ASYMMETRIC[nd - 1])]
    if negative:
        cut = (-1, 2) + (0, -2) * (nd - 1)
        made += [Case((cut, *value), {}, (normal(*shape),)), Case((-1, *value), {},
                                                                  (normal(*shape),))]
    return made


CASES = {f"{kind}{nd}d": padded(nd, kind in ("ConstantPad", "ZeroPad", "ReplicationPad"),
                                (1.5,) if kind == "ConstantPad" else ())
         for kind in ("ConstantPad", "ZeroPad", "ReflectionPad", "ReplicationPad", "CircularPad")
         for nd in (1, 2, 3)}
