"""Parts of one piece of work, done by several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def in_threads(work: Callable[[Any], None], parts: Any, jobs: int) -> None:
    """Do all parts, each of which writes to places of its own.

    Parameters
    ----------
    work : callable
        Does one part.
    parts : iterable
    jobs : int
        Threads; the result does not depend on it.
    """
    if jobs <= 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        list(pool.map(work, parts))
