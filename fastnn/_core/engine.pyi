# Made by python -m tools.stubs.
from typing import Any

def _set_detect_anomaly(on: Any) -> bool: ...
