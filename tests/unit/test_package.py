"""The package: its public names come from where they are defined, when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ischio
from ischio import study, types


def test_names_are_those_of_their_modules() -> None:
    assert ischio.Bone is types.Bone
    assert ischio.analyse is study.analyse


def test_names_are_listed() -> None:
    assert {"Bone", "analyse", "read_input", "__version__"} <= set(dir(ischio))


def test_other_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="module 'ischio' has no attribute 'bone'"):
        ischio.bone  # noqa: B018


def test_importing_it_loads_nothing_else() -> None:
    code = (
        "import sys, ischio; print(*(name for name in sys.modules if name.startswith(('numpy', 'ischio.'))))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
