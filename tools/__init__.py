"""What the tree makes of itself: run as `python -m tools.NAME`."""
