"""The REST API, /api/v1/: the same verbs as the pages, for programs and devices.

Bodies are msgspec structs; the OpenAPI contract is derived from those very structs, so it cannot drift (contract.py).
"""

from __future__ import annotations

from reports.api.problems import problem_response

__all__ = ["problem_response"]
