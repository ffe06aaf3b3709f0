"""Compile a kernel on its first call and keep it on disk, for as long as no kernel's source changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import options


def _fingerprint() -> str:
    """Eight signs that change with the source of any kernel."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


_FINGERPRINT = _fingerprint()
_HOW: dict[str, Any] = {"nogil": True, "error_model": "numpy"}


def uncounted(options: Any) -> dict[str, Any]:
    """The option not to count who holds which array, where these options of numba have it.

    It is no public one. Without it the kernels give the same numbers in a third more time.
    """
    return {"_nrt": False} if hasattr(getattr(options, "DefaultOptions", None), "_nrt") else {}


_UNCOUNTED = uncounted(options)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that makes arrays on its first call, kept on disk where that is possible.

    The interpreter lock is released. The cache on disk watches the file of a function alone, though a
    kernel holds the code of those it calls. The name under which it is kept therefore says what all files
    of kernels hold.
    """
    function.__qualname__ += f"_{_FINGERPRINT}"
    return _kernel(function, _HOW)


def lean(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile, as ``compiled``, a function that makes no array: it does not count who holds which.

    Counting takes a tenth of a microsecond for every ten arrays a function is given.
    """
    function.__qualname__ += f"_{_FINGERPRINT}"
    return _kernel(function, {**_HOW, **_UNCOUNTED})


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile, as ``lean``, a function whose code is put in place of every call: for the inside of loops."""
    function.__qualname__ += f"_{_FINGERPRINT}"
    return _kernel(function, {**_HOW, **_UNCOUNTED, "forceinline": True})


def _kernel(function: Callable[..., Any], how: dict[str, Any]) -> Callable[..., Any]:
    """Compile with these options."""
    try:
        kernel: Callable[..., Any] = njit(cache=True, **how)(function)
    except RuntimeError:  # no folder for the cache can be written to: compile in every process
        kernel = njit(**how)(function)
    return kernel
