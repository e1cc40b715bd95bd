"""Settings of a GPU library; fastnn is deterministic without them."""

enabled = False
deterministic = True
benchmark = False
allow_tf32 = False
benchmark_limit = 10


def is_available() -> bool:
    """False."""
    return False


def version() -> None:
    """None."""
    return None
