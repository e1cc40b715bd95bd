"""Not part of fastnn."""


def is_available() -> bool:
    """False."""
    return False
