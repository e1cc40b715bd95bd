"""Settings of a GPU library; fastnn is deterministic without them."""

enabled = False
deterministic = True
benchmark = False


def is_available() -> bool:
    """False."""
    return False


def version() -> None:
    """None."""
    return None
