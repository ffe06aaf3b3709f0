"""The project's text speaks of the project alone, and no data of people is in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("src", "tests", "docs", ".ci")  # and the files beside them
MADE = frozenset({"__pycache__", "_build", "generated"})
TEXT = frozenset(".py .md .toml .cff .json .html .css .js .txt .svg .yaml .yml .j2 .typed".split())
DATA = frozenset(".ply .stl .obj .vtp .vtk .nrrd .nii .gz .dcm .mha .npz .npy .pc .pkl .zip .c3d".split())
LARGEST_FILE = 1_000_000  # bytes; a picture of the demo stays far below, a scan far above

PATTERNS = {
    "a folder of one machine": r"(?<![\w.~/])/(?:work|tmp|root|home|Users|mnt|media|srv|scratch)/\w",
    "a drive of one machine": r"\b[A-Z]:\\\\?(?:Users|Temp)\b",
    "a package registry": r"https?://[\w.-]*(?:pypi|npmjs|registry|artifact|nexus|mirror)[\w.-]*"
    r"|--(?:extra-)?index-url|\btrusted-host\b",
    "a host of one network": r"https?://(?:localhost|\d{1,3}(?:\.\d{1,3}){3}|[\w-]+\.(?:local|internal|lan))\b",
    "an entry of a tracker": r"\b(?:issues?|tickets?|pull requests?)\s*#?\s*\d+\b|\bissue\s#",
    "a credential": r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:ghp|gho|glpat|sk)[-_]\w{16,}|\bAKIA[0-9A-Z]{16}\b",
}


def project_files() -> Iterator[Path]:
    """Every file that belongs to the project."""
    # A working copy may have a file .git that names a folder of its machine.
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name != ".git")
    for place in PLACES:
        for path in sorted((ROOT / place).rglob("*")):
            if path.is_file() and not MADE & set(path.relative_to(ROOT).parts):
                yield path


# Gaps of the installed shape model's people: a result of this code, which a test computes again.
COMPUTED = "reference_gaps.npz"


def foreign_text(text: str) -> list[str]:
    """Kinds of text that speak of something else than the project."""
    return [what for what, pattern in PATTERNS.items() if re.search(pattern, text)]


def test_text_speaks_of_the_project_alone() -> None:
    for path in project_files():
        if path.suffix in TEXT or not path.suffix:
            assert foreign_text(path.read_text(encoding="utf-8")) == [], path.relative_to(ROOT)


def test_no_data_is_in_the_project() -> None:
    for path in project_files():
        assert path.suffix not in DATA or path.name == COMPUTED, f"{path.relative_to(ROOT)}: make it in code"
        assert path.stat().st_size < LARGEST_FILE, path.relative_to(ROOT)


@pytest.mark.parametrize(
    "parts",  # joined in the test, so that this file passes its own check
    [
        ("read /", "home/someone/bones"),
        ("C:\\", "Users\\someone"),
        ("see https://", "registry.example.org/simple"),
        ("at http://", "127.0.0.1:8000"),
        ("as in issue ", "12"),
        ("-----BEGIN ", "PRIVATE KEY-----"),
    ],
)
def test_foreign_text_is_seen(parts: tuple[str, str]) -> None:
    assert len(foreign_text("".join(parts))) == 1


@pytest.mark.parametrize(
    "text",
    ["#!/usr/bin/env bash", "../shared/data", "https://doi.org/10.1000/1", "one/home/x", "the issue is 3 mm"],
)
def test_own_text_is_let_through(text: str) -> None:
    assert foreign_text(text) == []
