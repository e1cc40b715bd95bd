"""The command line: fastnn train, predict, info, bench. Nothing else of fastnn imports it."""


def main(argv: list[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    try:
        from .options import main as run

        return run(argv)
    except KeyboardInterrupt:
        return 130
