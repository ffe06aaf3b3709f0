"""What importing ischio costs, and which libraries it may use at all."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "ischio"

# Each takes 50 ms to seconds to load: imported inside the functions that need them.
HEAVY = (
    "scipy skimage nibabel nrrd trimesh jinja2 matplotlib numba pandas PIL lxml coal fcl musculoskeletal "
    "pydantic fhir ruamel duckdb ezc3d sqlite3 unittest multiprocessing"
).split()
# Hundreds of megabytes for what numpy, scipy and scikit-image do (docs/decisions).
FORBIDDEN = frozenset("vtk vtkmodules pyvista SimpleITK itk torch tensorflow jax".split())

# Distribution -> the name it is imported by, where the two differ.
IMPORT_NAMES = {
    "pillow": "PIL",
    "scikit-image": "skimage",
    "pynrrd": "nrrd",
    "musculoskeletal-models": "musculoskeletal",
    "python-fcl": "fcl",
    "fhir.resources": "fhir",
    "ruamel.yaml": "ruamel",
}


def dependencies() -> tuple[frozenset[str], frozenset[str]]:
    """Import names of the required packages, and of those in extras that users may install."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    def names(needs: Iterable[str]) -> frozenset[str]:
        bare = (re.split(r"[^\w.-]", need)[0] for need in needs)
        return frozenset(IMPORT_NAMES.get(name, name.replace("-", "_")) for name in bare)

    extras = {
        name: needs for name, needs in project["optional-dependencies"].items() if name not in ("dev", "docs")
    }
    return names(project["dependencies"]), names([need for needs in extras.values() for need in needs])


def foreign_imports(source: str) -> Iterator[tuple[str, bool]]:
    """Name of each import that is neither Python's own nor ours, and whether a function holds it."""
    tree = ast.parse(source)
    inside = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        for name in (name.split(".")[0] for name in names):
            if name != "ischio" and name not in sys.stdlib_module_names:
                yield name, id(node) in inside


def undeclared(source: str) -> list[str]:
    """Imports that are forbidden, undeclared, or of an extra without a function around them."""
    required, extra = dependencies()
    found = []
    for name, in_function in foreign_imports(source):
        if name in FORBIDDEN:
            found.append(f"{name} is kept out of the core")
        elif name not in required | extra:
            found.append(f"{name} is not declared in pyproject.toml")
        elif name in extra - required and not in_function:
            found.append(f"{name} is of an extra: import it inside the function that needs it")
    return found


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_only_declared_libraries_are_imported(path: Path) -> None:
    assert undeclared(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import vtk",
        "def f():\n    import torch.nn\n",
        "import requests_of_nobody",
        "from trimesh import load",
    ],
)
def test_an_undeclared_library_is_seen(source: str) -> None:
    assert len(undeclared(source)) == 1


def test_declared_libraries_are_let_through() -> None:
    assert undeclared("import numpy as np\nimport skimage.measure\ndef f():\n    import trimesh\n") == []


@pytest.mark.parametrize("module", ["ischio", "ischio.types", "ischio.cli"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not there")
    code = f"import sys, {module}; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
