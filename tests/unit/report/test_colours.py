"""Colours that tell things apart do so for readers who lack one kind of cone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from ischio.report import landmark_marks, motion_svg, pictures, record_svg, scan_pictures, sketches

# Machado, Oliveira and Fernandes 2009, IEEE Trans Vis Comput Graph 15:1291, severity 1, on linear RGB.
SEEN_BY = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}
XYZ_FROM_RGB = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]  # IEC 61966-2-1, D65
)
APART = 10.0  # CIE76 distance: 2.3 is just noticeable side by side, areas are told apart at a glance from 10

PALETTES = {
    "regions of bone": set(pictures.TINTS.values()),
    "pairs in the map of first contact": {*motion_svg.PAIR_COLOURS, motion_svg.OPEN, motion_svg.SOFT},
    "sides of curves": set(motion_svg.SIDE_COLOURS.values()),
    "curves before and after": set(motion_svg.CURVE_COLOURS),
    "sides of a timeline": {record_svg.COLOURS["left"], record_svg.COLOURS["right"]},
    "outlines of a sketch": {colour for colour, _ in sketches._LINES},
    "landmarks found and read": {landmark_marks.FOUND, landmark_marks.READ},
    "bones on a scan": set(scan_pictures.COLOURS.values()),
}


def lab(colour: str, seen_by: str | None) -> np.ndarray:
    """CIE L*a*b* of a colour as somebody sees it."""
    rgb = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if seen_by is not None:
        linear = np.clip(np.array(SEEN_BY[seen_by]) @ linear, 0, 1)
    xyz = XYZ_FROM_RGB @ linear / XYZ_FROM_RGB.sum(axis=1)
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("seen_by", [None, *SEEN_BY])
@pytest.mark.parametrize("palette", PALETTES)
def test_every_two_colours_are_told_apart(palette: str, seen_by: str | None) -> None:
    pairs = {
        (one, two): float(np.linalg.norm(lab(one, seen_by) - lab(two, seen_by)))
        for one, two in combinations(sorted(PALETTES[palette]), 2)
    }
    alike = {pair: round(apart, 1) for pair, apart in pairs.items() if apart < APART}
    assert pairs
    assert not alike


def test_the_check_sees_a_bad_palette() -> None:
    """Red and green of one lightness: far apart for most, one colour for some."""
    red, green = "#c06030", "#7f8030"
    assert np.linalg.norm(lab(red, None) - lab(green, None)) > 30
    assert np.linalg.norm(lab(red, "deuteranopia") - lab(green, "deuteranopia")) < APART


def test_grey_stays_grey() -> None:
    for who in SEEN_BY:
        assert lab("#808080", who) == pytest.approx(lab("#808080", None), abs=0.1)
