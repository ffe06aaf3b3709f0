"""Everything public is explained, and the page of conventions names what the code knows."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ischio import types
from ischio.atlas.template import ISCHIUM_PARTS, femur_template, pelvis_template
from ischio.cli import EXIT_CODES, RESEARCH_USE, main
from ischio.cli_record import app as record
from ischio.report.words import GAP_SENTENCE, MODEL_SENTENCE

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "ischio"
CONVENTIONS = ROOT / "docs" / "conventions.md"

SENTENCE_HOLDS = 2  # arguments that the first sentence of a docstring can still explain
SHARED_TYPES = {
    name + end
    for name, value in vars(types).items()
    if inspect.isclass(value) and value.__module__ == types.__name__
    for end in ("", " | None")
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def module_name(path: Path) -> str:
    """Name a module is imported by."""
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = [module_name(path) for path in sorted(SRC.rglob("*.py")) if path.name != "__main__.py"]
PATHS = sorted(SRC.rglob("*.py"))


def module_id(path: Path) -> str:
    """Path of a module below the package, for the names of tests."""
    return str(path.relative_to(SRC))


def public_definitions(body: list[ast.stmt]) -> Iterator[Definition]:
    """Public functions and classes, with the public members of those classes."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node.body)


def unexplained(source: str) -> list[str]:
    """The module and the public functions, classes and methods that have no docstring."""
    tree = ast.parse(source)
    missing = [] if ast.get_docstring(tree) else ["the module"]
    return missing + [node.name for node in public_definitions(tree.body) if not ast.get_docstring(node)]


def explains_itself(argument: ast.arg) -> bool:
    """Whether an argument is a value of a shared type, which is explained where the type is."""
    return argument.annotation is not None and ast.unparse(argument.annotation) in SHARED_TYPES


def without_parameters(source: str) -> list[str]:
    """Public functions that take more than a sentence can explain and have no section on it.

    A decorator takes a function over (a measure, a command): its arguments are given, not chosen.
    """
    found = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_") or node.decorator_list:
            continue
        chosen = [one for one in (*node.args.args, *node.args.kwonlyargs) if not explains_itself(one)]
        if len(chosen) > SENTENCE_HOLDS and "Parameters\n---" not in (ast.get_docstring(node) or ""):
            found.append(node.name)
    return found


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [path for path in PAGES if not {"_build", "generated"} & set(path.parts)]


def page_id(path: Path) -> str:
    """Path of a page below the project, for the names of tests."""
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    """Blocks of code of one language on a page."""
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("path", PATHS, ids=module_id)
def test_everything_public_has_a_docstring(path: Path) -> None:
    assert unexplained(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", PATHS, ids=module_id)
def test_public_functions_say_what_they_take(path: Path) -> None:
    if path.name.startswith("_") and path.name != "__init__.py":
        return  # a private module
    assert without_parameters(path.read_text(encoding="utf-8")) == []


def test_a_missing_docstring_is_seen() -> None:
    assert unexplained(
        "def f(): pass\nclass A:\n    '''A.'''\n    def g(self): pass\n    def _h(self): pass\n"
    ) == [
        "the module",
        "f",
        "g",
    ]


def test_a_missing_section_is_seen() -> None:
    explained = "'''H.\n\n    Parameters\n    ----------\n    a\n    '''"
    source = f"def f(a, b, c): pass\ndef g(a, b, hip: Hip): pass\ndef h(a, b, c):\n    {explained}\n"
    assert without_parameters(source + "def _k(a, b, c): pass\n") == ["f"]


@pytest.mark.parametrize("name", NAMES)
def test_names_in_all_exist(name: str) -> None:
    module = importlib.import_module(name)
    names = getattr(module, "__all__", ())
    assert len(set(names)) == len(names)
    assert [name for name in names if not hasattr(module, name)] == []


def test_the_package_offers_few_names() -> None:
    offered = importlib.import_module("ischio").__all__
    assert len(offered) <= 30  # what one page of a reader's memory holds


@pytest.mark.parametrize(
    "word",
    [
        *types.FRAME_KINDS,
        *types.PELVIC_ZEROS,
        *types.ROTATION_ZEROS,
        *types.BONE_NAMES,
        *ISCHIUM_PARTS,
        *("lesser_trochanter", "ischium", "femoral_head_centre", "acetabular_centre"),
        *("as_supplied", "model"),
    ],
)
def test_conventions_name(word: str) -> None:
    assert f"`{word}`" in CONVENTIONS.read_text(encoding="utf-8")


def test_conventions_name_every_landmark_of_the_template() -> None:
    page = CONVENTIONS.read_text(encoding="utf-8")
    templates = (femur_template(), pelvis_template(types.Side.LEFT))
    assert [name for one in templates for name in one.points if f"`{name}`" not in page] == []


@pytest.mark.parametrize(("code", "kind", "meaning"), EXIT_CODES, ids=[kind for _, kind, _ in EXIT_CODES])
def test_conventions_explain_the_exit_code(code: int, kind: str, meaning: str) -> None:
    row = f"| {code} | `{kind}` | {meaning} |"
    assert row in CONVENTIONS.read_text(encoding="utf-8").replace("`ischio validate`:", "validate:")


@pytest.mark.parametrize("page", [CONVENTIONS, ROOT / "README.md"], ids=page_id)
@pytest.mark.parametrize("sentence", [GAP_SENTENCE, MODEL_SENTENCE, RESEARCH_USE])
def test_pages_carry_the_sentences_of_results(page: Path, sentence: str) -> None:
    words = " ".join(page.read_text(encoding="utf-8").replace("*", "").split()).lower()
    assert sentence.lower() in words


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_python_names_in_pages_exist(path: Path) -> None:
    code = "\n".join(blocks(path, "python"))
    ast.parse(code)
    assert set(re.findall(r"\bischio\.(\w+)", code)) <= set(importlib.import_module("ischio").__all__)


def command_of(line: str) -> list[str]:
    """Words of a line that name its command."""
    _, command, *rest = line.split()
    return [command, rest[0]] if command == "record" and rest[0] in record else [command]


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_commands_in_pages_exist(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for line in "\n".join(blocks(path, "sh")).splitlines():
        if line.startswith("ischio "):
            assert main([*command_of(line), "--help"]) == 0
            known = capsys.readouterr().out
            assert [option for option in re.findall(r"--[a-z-]+", line) if option not in known] == []


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_options_in_pages_exist(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = (
        ["assess"],
        ["export"],
        ["register"],
        ["motion"],
        ["plan"],
        ["validate"],
        ["evidence"],
        *(["record", one] for one in record if one[0] != "-"),
    )
    for command in commands:
        main([*command, "--help"])
    known = capsys.readouterr().out
    named = re.findall(r"`(--[a-z-]+)", path.read_text(encoding="utf-8"))
    assert [option for option in named if option not in known] == []


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {importlib.import_module('ischio').__version__}\n" in citation
