"""Reading written records: what is let in, what is refused, and the line that is named."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ischio._check import InputError
from ischio.io import documents
from ischio.io.documents import PACKAGED, packaged_document, parse_document, read_document

BOMB_S = 1.0  # of processor time; refusing takes a tenth of it

TEXTS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cc", "Cs"]), max_size=12)
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def bomb() -> str:
    """Nine lines that stand for a thousand million values."""
    lines = ["a: &a [" + "x, " * 9 + "x]"]
    for before, name in zip("abcdefgh", "bcdefghi", strict=True):
        lines.append(f"{name}: &{name} [" + f"*{before}, " * 9 + f"*{before}]")
    return "\n".join(lines)


@given(VALUES)
def test_json_is_read_as_it_is(values: Any) -> None:
    assert parse_document("a.json", json.dumps(values)).values == values


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_json_text_is_the_same_as_yaml(values: dict[str, Any]) -> None:
    """JSON whose characters need no pairs of escapes is YAML as well."""
    assert parse_document("a.yaml", json.dumps(values, ensure_ascii=True)).values == values


def test_plain_words_of_yaml() -> None:
    numbers = "1, -2, 1.5, .5, 2e3, 0x1F, 010"
    words = "yes, no, on, null, ~, '', true, False, 2020-01-02, '1', 1_000"
    text = f"a: [{numbers}, {words}]"
    assert parse_document("a.yaml", text).values["a"] == [
        *(1, -2, 1.5, 0.5, 2000.0, "0x1F", 10, "yes", "no", "on", None, None, "", True, False),
        *("2020-01-02", "1", "1_000"),
    ]


def test_aliases_are_written_out() -> None:
    found = parse_document("a.yaml", "a: &x {b: 1}\nc: [*x, *x]\n")
    assert found.values == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "# a\nperson:\n  age: 3\nlist:\n  - x: 1\n  - x: 2\n"),
        ("a.json", '{\n "person": {\n\t"age": 3},\n "list": [\n {"x": 1},\n {"x": "\\ud83d\\ude00"}]}'),
    ],
)
def test_lines_of_fields(name: str, text: str) -> None:
    found = parse_document(name, text)
    assert [found.line(where) for where in (("person", "age"), ("list", 1, "x"))] == [3, 6]
    assert found.line(("list", 1, "absent")) == 6  # the nearest field around it


def test_the_line_of_json_that_is_no_yaml() -> None:
    text = '{"' + "k" * 2000 + '": 1, "a": 2}'  # a key of YAML has at most 1024 characters
    assert parse_document("a.json", text).line(("a",)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: got an empty file"),
        ("a: 1\na: 2", "line 2: got 'a' twice"),
        ("a: 1\n---\nb: 2", "line 2: got a second document"),
        ("a:\n  !!python/object/apply:os.system [ls]", "line 2: got the tag tag:yaml.org,2002:python"),
        ("a: !x 1", "line 1: got the tag !x"),
        ("? !x a\n: 1", "got a field whose name is not a word"),
        ("? [a]\n: 1", "got a field whose name is not a word"),
        ("a: *b", "line 1: got the alias *b of nothing before it"),
        ("a: &b [*b]", "of nothing before it"),
        ("a: &b 1\nc: [" + "*b, " * 101 + "]", "line 2: got more than 100 aliases"),
        ("[" * 30, "line 1: got more than 24 levels"),
        ("x: y\nb: [1,\n", "line 3: got expected the node content"),
        ("a:\n\t- b", "line 2: got found character"),
        ("x: 1\na: \x07", "line 2: got a character that YAML forbids"),
        ('x: 1\na: "\\e[31m"', "line 2: got a control character"),
        ("a: 1e999", "a number of ordinary size"),
        ("a: " + "1" * 50, "a number of ordinary size"),
        ("a: b: c", "line 1: got mapping values are not allowed"),
    ],
)
def test_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_document("a.yaml", text)
    assert message in str(caught.value)
    assert str(caught.value).startswith("a.yaml, line ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1,\n}', "a.json, line 2: got"),
        ('{"a": 1, "a": 2}', "got 'a' twice"),
        ('{"a": NaN}', "got NaN"),
        ('{"a": -Infinity}', "got -Infinity"),
        ('{"a": 1e999}', "got inf"),
        ('{"a": [{"b": "\\u001b"}]}', "a.json, a.0.b: got a control character"),
        ('{"\\u0007": 1}', "got a control character"),
        ('{"a": "\\ud800"}', "got a control character"),
        ("[" * 26 + "]" * 26, "got more than 24 levels"),
        ("[" * 500_000, "a record of a few levels"),
        ('{"a": ' + "1" * 5000 + "}", "a record of a few levels"),
        (json.dumps(list(range(50_001))), "got more than 50,000 values"),
        ("", "a.json, line 1: got"),
    ],
)
def test_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_document("a.json", text)
    assert message in str(caught.value)


def test_a_bomb_is_refused_before_it_is_built() -> None:
    start = time.process_time()
    with pytest.raises(InputError, match="line 5: got more than 50,000 values once aliases"):
        parse_document("a.yaml", bomb())
    assert time.process_time() - start < BOMB_S


class TestFiles:
    def test_a_mark_of_byte_order_is_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
        assert read_document(tmp_path / "a.yaml").values == {"a": 1}

    @pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
    def test_another_encoding_is_named_with_its_line(self, tmp_path: Path, encoding: str) -> None:
        (tmp_path / "a.yaml").write_bytes("a: 1\nb: Größe\n".encode(encoding))
        line = 1 if encoding == "utf-16" else 2
        with pytest.raises(InputError, match=rf"a\.yaml, line {line}: got a byte that is not UTF-8"):
            read_document(tmp_path / "a.yaml")

    def test_a_large_file_is_not_read(self, tmp_path: Path) -> None:
        with (tmp_path / "a.yaml").open("wb") as file:
            file.truncate(100_000_000)
        with pytest.raises(InputError, match="got more than 1,000,000 bytes"):
            read_document(tmp_path / "a.yaml")

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        for path in (tmp_path, tmp_path / "absent.yaml"):
            with pytest.raises(InputError, match="no such file"):
                read_document(path)

    def test_a_file_without_rights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a.yaml").write_text("a: 1")

        def refuse(*_: Any, **__: Any) -> Any:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(InputError, match=r"a\.yaml: got Permission denied"):
            read_document(tmp_path / "a.yaml")


@pytest.mark.parametrize("name", PACKAGED)
def test_packaged_cases_are_there(name: str) -> None:
    assert packaged_document(name).values["case_id"] == name


def test_limits_leave_room_for_the_packaged_case() -> None:
    text = packaged_document("index-case").text
    assert len(text) * 10 < documents.LARGEST_BYTES
