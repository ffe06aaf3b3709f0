"""Parts of one piece of work, done by several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def in_threads(work: Callable[[Any], None], parts: Any, jobs: int) -> None:
    """Do all parts; each writes to places of its own."""
    if jobs <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(work, parts))
