"""Argument checks and the one wording every error has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def complaint(where: str, got: object, expected: object, do: str) -> str:
    """Word an error: where it happened, what was seen, what was expected, what to do.

    Parameters
    ----------
    where : str
        File, bone or call that the complaint is about.
    got, expected : object
        What was seen and what would have been right; printed as they are.
    do : str
        One sentence that tells the reader how to go on.

    Returns
    -------
    str
        The message.

    Examples
    --------
    >>> complaint("left hip", "no sacrum", "a sacrum", "Add it.")
    'left hip: got no sacrum; expected a sacrum. Add it.'
    """
    return f"{where}: got {got}; expected {expected}. {do}"


_CAPITALS = frozenset(("asis", "aiis", "psis", "piis", "app"))


def spoken(name: str) -> str:
    """A name from the code in words, abbreviations in capitals.

    Examples
    --------
    >>> spoken("lesser_trochanter_tip"), spoken("piis")
    ('lesser trochanter tip', 'PIIS')
    """
    return " ".join(word.upper() if word in _CAPITALS else word for word in name.split("_"))


class IschioError(Exception):
    """Any error that ischio words for its user."""


class InputError(IschioError, ValueError):
    """A file, folder or option that cannot be used as it is."""


class AnatomyError(InputError):
    """Bones that contradict their names, their axes, their units or each other."""


class OutputError(IschioError, OSError):
    """A place that cannot be written to."""


class FrameMismatch(IschioError, ValueError):
    """Values of two different frames were combined."""


class CannotMeasure(IschioError):
    """The data cannot answer; the message says why."""


def frozen(values: ArrayLike, shape: tuple[int | None, ...], where: str) -> Array:
    """Copy an array in as read-only float64, after checking shape and finiteness.

    Parameters
    ----------
    values : array
        Anything numpy can turn into floats.
    shape : tuple
        Expected shape; ``None`` stands for any length.
    where : str
        Name used in the error.

    Returns
    -------
    ndarray of float64
        A read-only copy.

    Raises
    ------
    ValueError
        If the shape differs or a value is not finite.

    Examples
    --------
    >>> frozen([1, 2, 3], (3,), "point").tolist()
    [1.0, 2.0, 3.0]
    """
    out = np.array(values, dtype=np.float64)
    if out.ndim != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, out.shape, strict=True)
    ):
        wanted = "(" + ", ".join("N" if n is None else str(n) for n in shape) + ")"
        raise ValueError(
            complaint(where, f"shape {out.shape}", f"shape {wanted}", "Check the array's layout.")
        )
    if not np.isfinite(out).all():
        bad = int((~np.isfinite(out)).sum())
        raise ValueError(
            complaint(where, f"{bad} values that are not finite", "finite numbers", "Repair the data.")
        )
    out.setflags(write=False)
    return out


def frozen_indices(values: ArrayLike, shape: tuple[int | None, ...], where: str) -> NDArray[np.int64]:
    """Copy an index array in as read-only int64, after checking shape and sign.

    Examples
    --------
    >>> frozen_indices([[0, 1, 2]], (None, 3), "faces").dtype
    dtype('int64')
    """
    raw = np.asarray(values)
    if raw.size and raw.dtype.kind not in "iu":
        raise TypeError(complaint(where, f"dtype {raw.dtype}", "integers", "Pass indices."))
    out = np.array(raw, dtype=np.int64).reshape(raw.shape if raw.size else tuple(n or 0 for n in shape))
    if out.ndim != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, out.shape, strict=True)
    ):
        raise ValueError(
            complaint(where, f"shape {out.shape}", f"shape {shape}", "Check the array's layout.")
        )
    if out.size and int(out.min()) < 0:
        raise ValueError(complaint(where, "a negative index", "indices from 0", "Repair the data."))
    out.setflags(write=False)
    return out


def one_of(value: Any, allowed: tuple[Any, ...], where: str) -> Any:
    """Return ``value`` if it is one of ``allowed``, else raise ``ValueError``.

    Examples
    --------
    >>> one_of("LPS", ("LPS", "RAS"), "axes")
    'LPS'
    """
    if value not in allowed:
        raise ValueError(complaint(where, repr(value), f"one of {list(allowed)}", "Choose one of these."))
    return value
