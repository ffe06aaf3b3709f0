"""Where to look at a hip from: anatomical directions, and cameras for the report's three pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ischio._check import Array
from ischio.report.raster import Camera
from ischio.types import Hip

PICTURE_PX = 720
_HIP_MM = 220.0  # head, trochanters and ischium of a large adult, with a margin
_GAP_MM = 90.0
_TOP_MM = 70.0  # from the end of a bone without landmarks to the middle of its picture
_SAMPLES = (0.1, 0.3, 0.5, 0.7, 0.9)  # places along the gap that must be seen
_MARGIN_DEG = 10  # kept free on both sides of the line of sight
_LETTER_SHARE = 0.35  # a direction turned more than about 70 degrees away gets no letter

_FRAMES = {
    "pelvis_app_from_patient": "the anterior pelvic plane",
    "pelvis_isb_from_patient": "the pelvis's ISB axes",
    "anatomy_from_patient": "the shape of the bones (rough)",
}


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """The patient's own directions.

    Parameters
    ----------
    forward, up, right : array of shape (3,)
        Unit vectors in the frame of the bones.
    source : str
        What they come from, in words.
    known : bool
        False when they are only the axes of a file whose orientation nobody stated.
    """

    forward: Array
    up: Array
    right: Array
    source: str
    known: bool


def anatomical_directions(hip: Hip, axes: str) -> Directions:
    """Tell which way is forward, up and right for a hip.

    Parameters
    ----------
    hip : Hip
        Its pelvic frames are used in the order APP, ISB, rough anatomy.
    axes : str
        Declared axes of the input, "LPS", "RAS" or "unknown"; used when there is no frame. Bones
        are in LPS in the first two cases.

    Returns
    -------
    Directions
    """
    for name, words in _FRAMES.items():
        if name in hip.frames:
            forward, up, right = hip.frames[name].matrix[:3, :3]
            return Directions(forward, up, right, words, True)
    forward, up, right = np.array([[0.0, -1, 0], [0, 0, 1], [-1, 0, 0]])
    if axes == "unknown":
        return Directions(forward, up, right, "the file's own axes, which may be turned in any way", False)
    return Directions(forward, up, right, "the scanner's axes", True)


def camera_behind(hip: Hip, points_mm: Array, seen: Directions) -> Camera:
    """Camera behind the patient: the patient's right is on the right of the picture."""
    return _camera(_middle(hip, points_mm, seen), seen.up, -seen.forward, _HIP_MM)


def camera_beside(hip: Hip, points_mm: Array, seen: Directions) -> Camera:
    """Camera lateral to the hip, looking toward the midline."""
    return _camera(_middle(hip, points_mm, seen), seen.up, hip.side.sign * seen.right, _HIP_MM)


def camera_at(middle_mm: Array, up: Array, toward: Array, width_mm: float) -> Camera:
    """Camera that looks at a place from a direction.

    Parameters
    ----------
    middle_mm : array of shape (3,), mm
    up, toward : arrays of shape (3,)
        Unit vectors; ``up`` need not be exactly square to ``toward``.
    width_mm : float

    Returns
    -------
    Camera
    """
    return _camera(middle_mm, up, toward, width_mm)


def camera_along_gap(triangles_mm: Array, ends_mm: Array, seen: Directions) -> Camera:
    """Camera square to the measured line, so that the gap is seen in profile and at its true length.

    Parameters
    ----------
    triangles_mm : array of shape (N, 3, 3), mm
        All bone that could stand in the way.
    ends_mm : array of shape (2, 3), mm
        End points of the line; they may coincide.
    seen : Directions

    Returns
    -------
    Camera
        Of all directions square to the line that see it between the bones, the one closest to
        "from behind"; "from behind" itself when none does.
    """
    gap_mm = float(np.linalg.norm(ends_mm[1] - ends_mm[0]))
    along = (ends_mm[1] - ends_mm[0]) / gap_mm if gap_mm > 0 else seen.right
    behind = -seen.forward if abs(along @ seen.forward) < 0.95 else -seen.up  # from below if need be
    behind = _unit(behind - (behind @ along) * along)
    beside = np.cross(along, behind)
    clear = _clearance_deg(triangles_mm, ends_mm, along, behind, beside)
    degrees = np.arange(360)
    turn = np.minimum(degrees, 360 - degrees)
    wanted = min(_MARGIN_DEG, int(clear.max()))
    best = int(np.where(clear >= max(wanted, 1), turn, 999).argmin())
    toward = np.cos(np.radians(best)) * behind + np.sin(np.radians(best)) * beside
    up = seen.up if abs(toward @ seen.up) < 0.9 else seen.forward
    return _camera(ends_mm.mean(axis=0), up, toward, max(_GAP_MM, 2 * gap_mm))


def letters(camera: Camera, seen: Directions) -> dict[str, str]:
    """Orientation letters for the picture's edges, by name; oblique views get two, as on workstations.

    Examples
    --------
    >>> import numpy as np
    >>> x, y, z = np.eye(3)
    >>> letters(Camera(0 * x, x, z, -y, 8, 8, 1.0), Directions(-y, z, -x, "scanner", True))
    {'left': 'R', 'right': 'L', 'top': 'S', 'bottom': 'I'}
    """
    named = (("RL", seen.right), ("SI", seen.up), ("AP", seen.forward))

    def word(direction: Array) -> str:
        shares = sorted(((float(direction @ axis), pair) for pair, axis in named), key=lambda s: -abs(s[0]))
        return "".join(
            pair[0] if share > 0 else pair[1] for share, pair in shares if abs(share) > _LETTER_SHARE
        )

    return {
        "left": word(-camera.right),
        "right": word(camera.right),
        "top": word(camera.up),
        "bottom": word(-camera.up),
    }


def _unit(vector: Array) -> Array:
    """The vector at length one."""
    return np.asarray(vector / np.linalg.norm(vector))


def _camera(centre_mm: Array, up: Array, toward: Array, width_mm: float) -> Camera:
    """Square camera; ``up`` need not be exactly square to ``toward``."""
    toward = _unit(toward)
    up = _unit(up - (up @ toward) * toward)
    right = np.cross(up, toward)
    return Camera(centre_mm, right, up, toward, PICTURE_PX, PICTURE_PX, width_mm / PICTURE_PX)


def _middle(hip: Hip, points_mm: Array, seen: Directions) -> Array:
    """Middle of the box around what matters, or a place near the joint's end of a bone alone."""
    axes = np.stack([seen.forward, seen.up, seen.right])
    if len(points_mm):
        local = points_mm @ axes.T
        return np.asarray((local.min(axis=0) + local.max(axis=0)) / 2 @ axes)
    bone, end = (hip.femur, 1) if hip.femur is not None else (hip.hip_bone, -1)
    assert bone is not None  # a hip without bones has no pictures
    height = end * (bone.vertices_mm @ seen.up)
    near = bone.vertices_mm[height > height.max() - 2 * _TOP_MM] @ axes.T
    return np.asarray((near.min(axis=0) + near.max(axis=0)) / 2 @ axes)


def _clearance_deg(triangles_mm: Array, ends_mm: Array, along: Array, first: Array, second: Array) -> Array:
    """Free angle to either side of each whole degree around the line, from ``first`` to ``second``.

    Zero where bone hides one of the sampled points. Every line of sight square to the gap stays in
    the plane through its point square to the gap, so only the outline of bone in that plane counts.
    """
    hidden = np.zeros(360, dtype=bool)
    height = triangles_mm @ along
    for share in _SAMPLES:
        point = ends_mm[0] + share * (ends_mm[1] - ends_mm[0])
        level = height - point @ along
        cut = (level.min(axis=1) < 0) & (level.max(axis=1) > 0)
        outline = _sections(triangles_mm[cut] - point, level[cut]) @ np.stack([first, second]).T
        angle = np.degrees(np.arctan2(outline[..., 1], outline[..., 0]))
        start, span = angle[:, 0], (angle[:, 1] - angle[:, 0] + 180) % 360 - 180
        start, span = np.where(span < 0, start + span, start), np.abs(span)
        begin = np.floor(start).astype(int)
        count = np.ceil(start + span).astype(int) - begin + 1
        steps = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        hidden[(np.repeat(begin, count) + steps) % 360] = True
    if not hidden.any():
        return np.full(360, 180.0)
    at, blocked = np.arange(360), np.flatnonzero(hidden)
    apart = np.abs(at[:, None] - blocked)
    return np.asarray(np.minimum(apart, 360 - apart).min(axis=1), dtype=np.float64)


def _sections(triangles: Array, level: Array) -> Array:
    """Where triangles cross level zero: two points each, shape (N, 2, 3)."""
    above = level > 0
    lone = np.where(
        above.sum(axis=1) == 1, above.argmax(axis=1), (~above).argmax(axis=1)
    )  # alone on its side
    row = np.arange(len(level))
    ends = []
    for step in (1, 2):
        other = (lone + step) % 3
        share = level[row, lone] / (level[row, lone] - level[row, other])
        ends.append(triangles[row, lone] + share[:, None] * (triangles[row, other] - triangles[row, lone]))
    return np.stack(ends, axis=1)
