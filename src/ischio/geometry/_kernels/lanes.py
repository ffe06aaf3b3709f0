"""Reads and writes that let the compiler work on several points at once.

Rounds of a loop can be done side by side if none writes what another one reads. A compiler that sees a
grid read at places it cannot foretell has to expect that. These say that the grid is apart from all else:
values of a grid are read with ``of_grid``, and in the same loop all else with ``of_own`` and ``to_own``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import types
from numba.extending import intrinsic as _intrinsic


def intrinsic(function: Callable[..., Any]) -> Callable[..., Any]:
    """As numba's, whose type does not say that compiled code leaves the first argument out."""
    made: Callable[..., Any] = _intrinsic(function)
    return made


def _apart(builder: Any) -> Any:
    """The mark of what belongs to a grid (LLVM: scoped no-alias)."""
    module = builder.module
    scope = module.add_metadata(["ischio grid", module.add_metadata(["ischio"])])
    return module.add_metadata([scope])


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Pointer to an element of an array with one axis."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


@intrinsic
def of_grid(_typing: Any, array: Any, index: Any) -> Any:
    """``array[index]`` of a grid, with an index that is not negative."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_place(context, builder, signature.args[0], *args))
        value.set_metadata("alias.scope", _apart(builder))
        return value

    return array.dtype(array, index), make


@intrinsic
def of_own(_typing: Any, array: Any, index: Any) -> Any:
    """``array[index]`` of what is no grid, with an index that is not negative."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = builder.load(_place(context, builder, signature.args[0], *args))
        value.set_metadata("noalias", _apart(builder))
        return value

    return array.dtype(array, index), make


@intrinsic
def to_own(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """``array[index] = value`` of what is no grid, with an index that is not negative."""

    def make(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        put = builder.store(args[2], _place(context, builder, signature.args[0], *args[:2]))
        put.set_metadata("noalias", _apart(builder))
        return context.get_dummy_value()

    return types.void(array, index, value), make
