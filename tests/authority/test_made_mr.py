"""Bones laid by a few erring points in MR made from a scanned person whom the shape model does not know."""

from __future__ import annotations

from pathlib import Path

import pytest

from ischio.types import Side
from ischio.validation.mr import made_rows
from ischio.validation.people import read_person

pytestmark = [pytest.mark.real_data, pytest.mark.slow]


def test_surfaces_and_gap_are_within_what_is_said(shared_data: Path) -> None:
    bones = read_person(shared_data / "bones" / "vsd_z013")
    rows = made_rows("vsd_z013", bones, Side.LEFT, lambda _words, _fraction: None)
    assert len(rows) == 6  # two scans: two surfaces and a gap
    assert [row.quantity for row in rows if row.verdict != "pass"] == []
