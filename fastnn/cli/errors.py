"""What a command tells its user instead of a traceback."""


class Problem(Exception):
    """Ends the command: one line on stderr, exit code 2."""
