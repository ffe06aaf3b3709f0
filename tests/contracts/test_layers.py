"""The one-way flow: a module imports only from layers above it, and only the edge touches files.

The order is ``LAYERS``. Imports are read from the source, so an import inside a function counts too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src" / "ischio"

LAYERS = (
    "_check",
    "types",
    "geometry",
    "phantoms",
    "atlas",
    "io",
    "evidence",
    "bones",
    "landmarks",
    "measures",
    "motion",
    "plan",
    "record",
    "study",
    "validation",
    "report",
    "store",
    "cohort",
    "web",
    "cli_common",
    "cli_options",
    "cli_record",
    "cli_judge",
    "cli_scan",
    "cli_plan",
    "cli_study",
    "cli",
    "__main__",
)
SHELLS = frozenset(LAYERS[LAYERS.index("validation") :])
# A study is kept in a folder: reading and writing that folder is its job.
MAY_OPEN_FILES = SHELLS | {"atlas", "io", "study"}
# The compile cache is named by the kernels' own source, which is read for that.
READS_ITS_OWN_SOURCE = "geometry/_kernels/compile.py"

FILE_FUNCTIONS = frozenset({"open"})
FILE_METHODS = frozenset(
    "open read_text read_bytes write_text write_bytes mkdir rmdir unlink touch iterdir glob rglob rename "
    "mkdtemp mkstemp tofile fromfile loadtxt savetxt genfromtxt savez savez_compressed memmap".split()
)
FILE_NUMPY = frozenset({"load", "save"})  # only as np.load and np.save: other things load and save too
FILE_MODULES = frozenset("fileinput glob shutil tempfile zipfile tarfile gzip sqlite3".split())
WORLD_MODULES = frozenset("datetime getpass locale logging platform time".split())  # clock, machine, banners
WORLD_NAMES = frozenset({"print", "input", "environ", "getenv"})

Found = list[str]


def modules() -> list[Path]:
    """Every module of the package."""
    return sorted(SRC.rglob("*.py"))


def module_id(path: Path) -> str:
    """Path of a module below the package, for the names of tests."""
    return str(path.relative_to(SRC))


def layer_of(path: Path) -> str:
    """Layer a module belongs to: the first part of its path below the package."""
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of everything imported; ``from ischio import x`` counts as ``ischio.x``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "." * node.level + (node.module or "")
            elif node.module == "ischio":
                yield from ((node.lineno, f"ischio.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, node.module or ""


def wrong_imports(layer: str, source: str) -> Found:
    """Imports that go against the order."""
    found = []
    for line, name in imports(source):
        if name.startswith("."):
            found.append(f"line {line}: relative import {name}")
        if name.split(".")[0] != "ischio" or name == "ischio.__version__":
            continue
        wanted = name.split(".")[1] if "." in name else "the whole package"
        if wanted not in LAYERS:
            found.append(f"line {line}: {name} is in no layer")
        elif LAYERS.index(wanted) > LAYERS.index(layer):
            found.append(f"line {line}: {layer} imports {name} from below")
    return found


def imported_from(names: frozenset[str], source: str) -> Found:
    """Imports of any of the named modules."""
    return [f"line {line}: imports {name}" for line, name in imports(source) if name.split(".")[0] in names]


def touched_files(source: str) -> Found:
    """Places that open, list or write files."""
    found = imported_from(FILE_MODULES, source)
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in FILE_FUNCTIONS:
            found.append(f"line {node.lineno}: {called.id}")
        elif isinstance(called, ast.Attribute):
            owner = called.value.id if isinstance(called.value, ast.Name) else ""
            if called.attr in FILE_METHODS or (owner in {"np", "numpy"} and called.attr in FILE_NUMPY):
                found.append(f"line {node.lineno}: .{called.attr}")
    return found


def touched_world(source: str) -> Found:
    """Places that print, or read the clock, the machine or the environment."""
    found = [
        f"line {line}: imports {name}"
        for line, name in imports(source)
        if name.split(".")[0] in WORLD_MODULES
    ]
    for node in ast.walk(ast.parse(source)):
        name = (
            node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
        )
        if name in WORLD_NAMES:
            found.append(f"line {getattr(node, 'lineno', 0)}: {name}")
    return found


@pytest.mark.parametrize("path", modules(), ids=module_id)
def test_imports_follow_the_order(path: Path) -> None:
    layer = layer_of(path)
    if layer == "__init__":  # names of the package are offered from any layer
        return
    assert layer in LAYERS, f"{path.name} is in no layer: give it a place in LAYERS"
    assert wrong_imports(layer, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", modules(), ids=module_id)
def test_only_the_edge_touches_files(path: Path) -> None:
    if layer_of(path) not in MAY_OPEN_FILES and module_id(path) != READS_ITS_OWN_SOURCE:
        assert touched_files(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", modules(), ids=module_id)
def test_nothing_below_a_shell_prints_or_looks_around(path: Path) -> None:
    if layer_of(path) not in SHELLS:
        assert touched_world(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "from ischio.report.html import render_report",
        "from ischio import study",
        "import ischio.cli",
        "def f():\n    from ischio.measures import REGISTRY\n",
        "if TYPE_CHECKING:\n    from ischio.study import Study\n",
        "from . import types",
        "from ischio import something_of_the_package",
        "import ischio",
    ],
)
def test_an_import_against_the_order_is_seen(source: str) -> None:
    assert len(wrong_imports("geometry", source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nfrom ischio._check import Array\nfrom ischio.types import Side\n",
        "from ischio.geometry.sphere import fit_sphere",
        "from ischio import __version__",
    ],
)
def test_an_import_along_the_order_is_let_through(source: str) -> None:
    assert wrong_imports("geometry", source) == []


@pytest.mark.parametrize(
    "source",
    [
        "open('a')",
        "path.read_text()",
        "with path.open() as f: pass",
        "np.load('a.npz')",
        "from shutil import copy",
        "def f():\n    import tempfile\n",
    ],
)
def test_a_touched_file_is_seen(source: str) -> None:
    assert len(touched_files(source)) == 1


@pytest.mark.parametrize(
    "source", ["print('x')", "import time", "os.environ['A']", "from datetime import date"]
)
def test_a_look_around_is_seen(source: str) -> None:
    assert len(touched_world(source)) == 1
