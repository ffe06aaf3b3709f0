"""Outlines on the scan: in the right place, the right way round, whatever the scan's own axes are."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from ischio import phantoms
from ischio.report.html import render_report
from ischio.report.scan_pictures import COLOURS, scan_pictures
from ischio.study import to_dict
from ischio.types import Frame, Side, Study, Volume

PIXEL_MM = 0.8  # what a place in a picture may be off by: a pixel, and the scan's blur


def made() -> Study:
    pelvis = phantoms.pelvis(right_gap_mm=None)
    assert pelvis.left is not None
    bones = (pelvis.left.femur, pelvis.left.hip_bone)
    assert bones[0] is not None
    assert bones[1] is not None
    settings = {"axes": "LPS", "sides": ["left"], "sex": None, "age_years": None, "posture": "as_supplied"}
    return Study("p01", pelvis, (bones[0], bones[1]), (), settings)


def scan_of(study: Study, axes: tuple[int, int, int], signs: tuple[int, int, int]) -> Volume:
    """Bright where x is large: left in the patient; voxel axes permuted and turned round."""
    points = np.concatenate([bone.vertices_mm for bone in study.bones])
    low, high = points.min(axis=0) - 15, points.max(axis=0) + 15
    spacing = np.array([1.0, 1.5, 2.0])
    affine = np.eye(4)
    for k, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        affine[:3, k] = 0
        affine[axis, k] = sign * spacing[k]
        affine[axis, 3] = low[axis] if sign > 0 else high[axis]
    sizes = [int((high - low)[axis] / spacing[k]) + 2 for k, axis in enumerate(axes)]
    index = np.stack(np.meshgrid(*map(np.arange, sizes), indexing="ij"), axis=-1)
    x = (index @ affine[:3, :3].T + affine[:3, 3])[..., 0]
    hu = -250 + 1300 * (x - low[0]) / (high[0] - low[0])
    return Volume(hu.astype(np.float32), affine, Frame("patient", "phantom"), "CT", "HU", "x")


def pixels(svg: str) -> np.ndarray:
    """Grey values of the picture in an element."""
    data = base64.b64decode(re.search(r"base64,([^\"]+)", svg)[1])  # type: ignore[index]
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    raw = np.frombuffer(zlib.decompress(data[data.index(b"IDAT") + 4 : -16]), np.uint8)
    rows = raw.reshape(height, 1 + 3 * width)
    out = np.zeros((height, width, 3), np.uint8)
    for n, row in enumerate(rows):
        line = row[1:].reshape(width, 3).astype(int)
        above = out[n - 1].astype(int) if n else np.zeros((width, 3), int)
        for m in range(width):
            left = out[n, m - 1].astype(int) if m else 0
            guess = {1: left, 2: above[m], 3: (left + above[m]) // 2}[int(row[0])]
            out[n, m] = (line[m] + guess) % 256
    return out[..., 0]


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1)])
def test_the_patients_left_is_on_the_right(axes: tuple[int, int, int], signs: tuple[int, int, int]) -> None:
    study = made()
    scan = scan_of(study, axes, signs)
    pictures = scan_pictures(study, scan)
    assert [one.title for one in pictures] == ["Left head centre", "Left lesser trochanter", "Head centres"]
    grey = pixels(pictures[0].svg).astype(float)
    assert grey[:, -30:-10].mean() > grey[:, 10:30].mean() + 60
    assert re.findall(r">([RLAPSI])<", pictures[0].svg) == ["R", "L", "A", "P"]
    assert re.findall(r">([RLAPSI])<", pictures[2].svg) == ["R", "L", "S", "I"]


def test_an_outline_lies_where_the_bone_is() -> None:
    """The head of 24 mm radius: its outline in the axial plane through its centre."""
    study = made()
    scan = scan_of(study, (0, 1, 2), (1, 1, 1))
    picture = scan_pictures(study, scan)[0]
    root = ElementTree.fromstring(picture.svg)
    paths = [one for one in root.iter() if one.get("stroke") == COLOURS["left femur"]]
    assert len(paths) == 1
    places = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", paths[0].get("d", "")), dtype=float)
    width = float(root.get("viewBox", "").split()[2])
    mm_per_px = float(re.search(r"([\d.]+) mm across", picture.caption)[1]) / width  # type: ignore[index]
    size = np.ptp(places, axis=0) * mm_per_px
    np.testing.assert_allclose(size, 48.0, atol=2 * PIXEL_MM)
    assert picture.legend == (("left femur", COLOURS["left femur"]),)


def test_an_mr_has_a_window_of_its_own() -> None:
    study = made()
    scan = scan_of(study, (0, 1, 2), (1, 1, 1))
    mr = replace(scan, values=scan.values * 3 + 1000, modality="MR", unit="1")
    grey = pixels(scan_pictures(study, mr)[0].svg)
    assert grey.max() > 240
    assert grey.min() < 15


def test_the_report_shows_scan_and_quality() -> None:
    row = {
        "kind": "metal",
        "bone": "left femur",
        "side": "left",
        "verdict": "doubt",
        "words": "left femur: metal <b>",
        "value": 2.0,
        "unit": "cm3",
        "limit": "no metal",
        "measures": ["left ischiofemoral_space_3d"],
    }
    study = replace(made(), quality=(row,))
    page = render_report(study, to_dict(study), scan=scan_of(study, (0, 1, 2), (1, 1, 1)))
    assert "Bones on the scan" in page
    assert "left femur: metal &lt;b&gt;" in page
    assert "in doubt, sigma enlarged: " in page
    plain = render_report(made(), to_dict(made()))
    assert "Bones on the scan" not in plain
    assert "Quality control" not in plain


def test_bones_without_landmarks_are_drawn_in_their_middle() -> None:
    study = made()
    assert study.pelvis.left is not None
    bare = replace(study.pelvis, left=replace(study.pelvis.left, landmarks={}))
    scan = scan_of(study, (0, 1, 2), (1, 1, 1))
    (picture,) = scan_pictures(replace(study, pelvis=bare), scan)
    assert picture.title == "Middle of the bones"
    assert Side.LEFT.value in picture.legend[0][0]
