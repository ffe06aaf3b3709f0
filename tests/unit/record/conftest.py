"""The packaged case, and short ones from text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ischio.io.documents import packaged_document, parse_document
from ischio.record import case_from_document
from ischio.record.case import Case

Write = Callable[[str], Case]


@pytest.fixture(scope="session")
def index_case() -> Case:
    return case_from_document(packaged_document("index-case"))


@pytest.fixture
def case_of() -> Write:
    """A record from what follows its first two lines."""

    def write(text: str) -> Case:
        return case_from_document(parse_document("c.yaml", f"schema_version: 1\ncase_id: c\n{text}"))

    return write
