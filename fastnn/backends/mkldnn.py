"""Not part of fastnn."""


enabled = False


def is_available() -> bool:
    """False."""
    return False


def is_built() -> bool:
    """False."""
    return False
