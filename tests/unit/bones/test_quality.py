"""Quality control: each finding on a bone that has it, none on a bone that has not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ischio._check import AnatomyError
from ischio.bones.quality import bone_findings, check_heads, volume_cm3
from ischio.bones.surface import bones_from_input
from ischio.io.case import RawInput
from ischio.types import Bone, Frame, Side, Volume

Mesh = tuple[np.ndarray, np.ndarray]
FRAME = Frame("patient", "as_supplied")
FACETS = 0.02  # of the volume of a ball of 1,000 corners


@pytest.fixture
def bone(ball: Callable[..., Mesh]) -> Callable[..., Bone]:
    def make(
        name: str = "hip_bone",
        side: Side | None = Side.LEFT,
        radii_mm: tuple[float, float, float] = (40.0, 40.0, 40.0),
        centre_mm: tuple[float, float, float] = (90.0, 0.0, 0.0),
    ) -> Bone:
        vertices, faces = ball(1000, radii_mm, centre_mm)
        return Bone(name, side, vertices, faces, FRAME, 4.0, "phantom")

    return make


def ct(*metal: tuple[float, float, float, float], edge_mm: float = 2.0) -> Volume:
    """Soft tissue with balls of metal: centre and radius each."""
    n = 150
    affine = np.diag([edge_mm, edge_mm, edge_mm, 1.0])
    affine[:3, 3] = -edge_mm * (n - 1) / 2
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1)
    points = index * edge_mm + affine[:3, 3]
    values = np.full((n, n, n), 40, dtype=np.int16)
    for x, y, z, radius in metal:
        values[((points - [x, y, z]) ** 2).sum(axis=-1) < radius**2] = 3000
    return Volume(values, affine, FRAME, "CT", "HU", "phantom")


def kinds(*bones: Bone, scan: Volume | None = None) -> list[str]:
    return [finding.kind for finding in bone_findings(bones, scan=scan)]


def test_the_volume_of_a_ball(bone: Callable[..., Bone]) -> None:
    assert volume_cm3(bone()) == pytest.approx(4 / 3 * np.pi * 64, rel=FACETS)


def test_nothing_is_found_where_nothing_is_wrong(bone: Callable[..., Bone]) -> None:
    assert kinds(bone(), bone(side=Side.RIGHT, centre_mm=(-90.0, 0, 0)), scan=ct()) == []


@pytest.mark.parametrize("radius", [20.0, 60.0])
def test_a_volume_that_no_adult_has(radius: float, bone: Callable[..., Bone]) -> None:
    (found,) = bone_findings([bone(radii_mm=(radius,) * 3)])
    assert (found.kind, found.verdict) == ("volume", "note")
    assert found.words.startswith("left hip bone: ")


def test_a_cut_bone_may_be_small(bone: Callable[..., Bone]) -> None:
    cut = replace(
        bone(radii_mm=(20.0,) * 3),
        repairs=("cut by the field of view on 1 side and closed there with a flat face",),
    )
    assert kinds(cut) == ["field_of_view"]


def test_a_bone_that_reaches_the_end_of_the_scan(bone: Callable[..., Bone]) -> None:
    assert kinds(bone(centre_mm=(120.0, 0.0, 0.0)), scan=ct()) == ["field_of_view"]


def test_unlike_sides(bone: Callable[..., Bone]) -> None:
    small = bone(side=Side.RIGHT, radii_mm=(36.0, 36.0, 36.0))
    (found,) = bone_findings([bone(), small])
    assert found.kind == "symmetry"
    assert found.value == pytest.approx((40**3 - 36**3) / ((40**3 + 36**3) / 2), abs=1e-3)
    assert "(31 % apart)" in found.words


def test_an_open_surface(bone: Callable[..., Bone]) -> None:
    whole = bone()
    is_top = whole.triangles_mm[..., 2].mean(axis=1) > 30
    (found,) = bone_findings([replace(whole, faces=whole.faces[~is_top])])
    assert (found.kind, found.verdict, found.sigma_mm) == ("closedness", "doubt", whole.edge_mm)
    assert found.value == pytest.approx(2 * np.pi * np.sqrt(40**2 - 30**2), rel=0.25)  # a ragged edge
    assert found.points_mm is not None
    assert np.abs(found.points_mm[:, 2] - 30).max() < 2 * whole.edge_mm


def test_holes_that_were_filled(bone: Callable[..., Bone]) -> None:
    said = "holes inside the label filled (2.5 % of its voxels)"
    assert kinds(replace(bone("sacrum", None), repairs=(said,))) == ["hole"]
    assert kinds(replace(bone("sacrum", None), repairs=(said.replace("2.5", "0.1"),))) == []


def test_a_nail(bone: Callable[..., Bone]) -> None:
    femur = bone("femur", radii_mm=(30.0, 30.0, 90.0), centre_mm=(60.0, 0, 0))
    (found,) = bone_findings([femur], scan=ct((60.0, 0.0, 0.0, 6.0), (60.0, 0.0, 40.0, 6.0)))
    assert (found.kind, found.side, found.verdict) == ("metal", Side.LEFT, "doubt")
    assert found.words.endswith("2 pieces")
    assert found.value == pytest.approx(
        2 * 4 / 3 * np.pi * 0.216, rel=0.25
    )  # voxels of a third of its radius
    assert found.points_mm is not None
    assert found.points_mm[:, 2].max() == pytest.approx(46, abs=2)


def test_a_prosthesis(bone: Callable[..., Bone]) -> None:
    femur = bone("femur", radii_mm=(30.0, 30.0, 90.0), centre_mm=(60.0, 0, 0))
    hip = bone(centre_mm=(60.0, 0.0, 60.0))
    (found,) = bone_findings([femur, hip], scan=ct((60.0, 0.0, 50.0, 20.0)))
    assert (found.kind, found.verdict) == ("prosthesis", "void")
    assert "femoral_head_centre" in found.touches


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ((0.0, 0.0, 0.0), "fusion_hardware"),  # in the sacrum
        ((0.0, 0.0, 80.0), "fusion_hardware"),  # above it
        ((120.0, 0.0, 80.0), None),  # beside the spine: none of ours
    ],
)
def test_fusion_hardware(
    place: tuple[float, float, float], kind: str | None, bone: Callable[..., Bone]
) -> None:
    sacrum = bone("sacrum", None, (35.0, 35.0, 45.0), (0.0, 0.0, 0.0))
    assert kinds(sacrum, scan=ct((*place, 5.0))) == ([] if kind is None else [kind])


def test_noise_is_no_metal(bone: Callable[..., Bone]) -> None:
    assert kinds(bone(), scan=ct((90.0, 0.0, 0.0, 1.5))) == []


def test_an_mr_shows_no_metal(bone: Callable[..., Bone]) -> None:
    scan = ct((90.0, 0.0, 0.0, 10.0))
    assert kinds(bone(), scan=replace(scan, modality="MR", unit="1")) == []


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("edge_mm", [1.0, 3.0])
@pytest.mark.parametrize("head_mm", [19.0, 25.0])
def test_a_head_given_to_the_hip_bone(side: Side, edge_mm: float, head_mm: float) -> None:
    n = int(160 / edge_mm)
    affine = np.diag([edge_mm, edge_mm, edge_mm, 1.0])
    index = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1) * edge_mm
    apart = np.linalg.norm(index - [70.0, 80, 90], axis=-1)
    values = np.zeros((n, n, n), dtype=np.uint8)
    is_socket = (apart > head_mm + 1) & (apart < head_mm + 14) & (index[..., 0] > 60)
    values[is_socket] = 2
    values[(np.abs(index[..., 0] - 40) < 14) & (np.abs(index[..., 1] - 80) < 14) & (index[..., 2] < 80)] = 1
    values[(apart < 45) & (values == 1) & (index[..., 2] > 60)] = 0  # the neck is thinner than the shaft
    values[(np.abs(index[..., 0] - 45) < 9) & (np.abs(index[..., 1] - 80) < 9) & (index[..., 2] < 90)] = 1
    head = apart < head_mm
    names = {1: f"femur_{side.value}", 2: f"hip_bone_{side.value}"}

    def labels(owner: int) -> Volume:
        return Volume(np.where(head, owner, values), affine, FRAME, "labels", "1", "x", names)

    check_heads(labels(1))
    with pytest.raises(AnatomyError, match=f"{side.value} hip bone .*gives the femoral head to the hip bone"):
        bones_from_input(RawInput((), labels(2), ()))
