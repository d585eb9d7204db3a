"""`manage.py bench`: what this machine does, each time beside a baseline measured in the same run (docs/scale.md)."""
