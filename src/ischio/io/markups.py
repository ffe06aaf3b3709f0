"""3D Slicer markups: points that a person marked, and landmarks written for a person to judge."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ischio._check import Array, InputError, complaint, frozen, one_of
from ischio.io.landmark_names import LANDMARK_BONES, label_of, read_label, side_of, surface_bone
from ischio.types import Landmark, Side, side_word

READER_PREFIX = "reader:"
MAX_BYTES = 10_000_000
MAX_POINTS = 10_000  # a hundred times the landmarks there are
# Slicer's own line: it writes "master" to this day, and refuses a file without this entry.
SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
_SCHEMA_RULE = re.compile(r".*markups-schema-v1\.[0-9]+\.[0-9]+\.json#*$", re.IGNORECASE)
_TYPES = ("Fiducial", "Line", "Angle", "Curve", "ClosedCurve", "Plane", "ROI")
_LPS_FROM = {"LPS": np.array([1.0, 1.0, 1.0]), "RAS": np.array([-1.0, -1.0, 1.0])}
_MAX_COORDINATE_MM = 10_000.0  # no scanner's room is larger
_READER = re.compile(r"[^\W_](?:[\w .'@-]{0,62}\w)?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ROWS = re.compile(r"\[\n([-+.,\deE\s]+)\]")  # a row of numbers, which Slicer writes on one line
_DECIMALS = 4  # 0.1 micrometre, as in study.json


@dataclass(frozen=True, slots=True, eq=False)
class MarkedPoint:
    """A landmark that a person marked.

    Parameters
    ----------
    name : str
        One of ``landmark_names.LANDMARK_BONES``.
    side : Side or None
        None for landmarks of the sacrum alone.
    point_mm : array of shape (3,), mm, patient LPS
        In the file's coordinates, read as LPS, where the axes of the input are unknown.
    reader : str
        Who marked it.
    when : str or None
        Date of the reading, as stated; never that of the file or of today.
    sigma_mm : float or None
        3-D standard deviation of the reading; None where the reader does not state it.
    """

    name: str
    side: Side | None
    point_mm: Array
    reader: str
    when: str | None = None
    sigma_mm: float | None = None

    def __post_init__(self) -> None:
        one_of(self.name, tuple(LANDMARK_BONES), "MarkedPoint.name")
        if (self.side is None) != (LANDMARK_BONES[self.name] == "sacrum"):
            raise ValueError(
                complaint(
                    self.name,
                    f"side {side_word(self.side)}",
                    "right or left, and none for the sacrum",
                    "Give the side of the body that the point lies on.",
                )
            )
        object.__setattr__(self, "point_mm", frozen(self.point_mm, (3,), f"point {self.label}"))
        check_reader(self.reader)
        check_date(self.when)
        if self.sigma_mm is not None and not 0 < self.sigma_mm < np.inf:
            raise InputError(
                complaint("sigma of a reading", self.sigma_mm, "more than 0 mm", "Leave it out if unknown.")
            )

    @property
    def label(self) -> str:
        """Side and name, for example "left_asis"."""
        return label_of(self.name, self.side)


@dataclass(frozen=True, slots=True, eq=False)
class SurfacePoint:
    """A point that a person marked anywhere on a bone's surface.

    Parameters
    ----------
    bone : str
        "femur" or "hip_bone".
    side : Side
    point_mm : array of shape (3,), mm, patient LPS
    label : str
        As it stands in the file.
    """

    bone: str
    side: Side
    point_mm: Array
    label: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "point_mm", frozen(self.point_mm, (3,), f"point {self.label}"))


@dataclass(frozen=True, slots=True, eq=False)
class Markups:
    """What was read: the points, and what there is to say about the rest of the file."""

    points: tuple[MarkedPoint, ...]
    notes: tuple[str, ...]
    surface: tuple[SurfacePoint, ...] = ()


def check_reader(name: str) -> None:
    """Refuse a reader's name that is no short single line of letters, digits and ``. ' @ -``."""
    if not _READER.fullmatch(name):
        raise InputError(
            complaint("reader", repr(name[:80]), "1 to 64 letters, digits or . ' @ -", "Choose a pseudonym.")
        )


def check_date(when: str | None) -> None:
    """Refuse a date of reading that is not ``YYYY-MM-DD``."""
    try:
        good = when is None or (_DATE.fullmatch(when) is not None and bool(np.datetime64(when, "D")))
    except ValueError:
        good = False
    if not good:
        raise InputError(complaint("date of reading", repr(when), "YYYY-MM-DD", "Write 2025-01-31."))


def read_markups(
    path: Path,
    *,
    axes: str,
    reader: str | None = None,
    when: str | None = None,
    sigma_mm: float | None = None,
    ignore: Iterable[str] = (),
    with_surface: bool = False,
) -> Markups:
    """Read the points of a 3D Slicer markups file (``.mrk.json``).

    Parameters
    ----------
    path : Path
    axes : str
        Axes of the bones: with "unknown" their coordinates must be those that Slicer shows them in when it
        loads the surfaces as LPS, its default. Markups state their own axes; points are given in LPS.
    reader : str, optional
        Who marked the points; without it, the description of each point ("reader:NAME") or of its list.
    when : str, optional
        Date of the reading, YYYY-MM-DD.
    sigma_mm : float, optional
        3-D standard deviation of the reading, if the reader knows it.
    ignore : iterable of str
        Labels to leave out, in any case.
    with_surface : bool
        Whether points on a bone's surface may be among them, called "left hip bone surface 1" and so on.

    Returns
    -------
    Markups
        At least one point. Notes name what was left alone: lists of another kind, points that were never
        placed, labels to ignore.

    Raises
    ------
    InputError
        If the file is not what Slicer writes, a label is none of our landmarks, has no side or comes
        twice, or nobody is named as reader.

    Notes
    -----
    As strict as Slicer's own reader, and stricter: units other than mm and points without a position are
    refused. A label without a side takes that of its list's name ("left landmarks").
    """
    one_of(axes, ("LPS", "RAS", "unknown"), "axes")
    check_date(when)
    if reader is not None:
        check_reader(reader)
    left_out = {label.casefold() for label in ignore}
    notes: list[str] = []
    unknown: list[str] = []
    found: dict[str, MarkedPoint] = {}
    touched: list[SurfacePoint] = []
    for markup, control in _placed_points(path, notes):
        label = control["label"]
        if label.casefold() in left_out:
            notes.append(f"markups: {label!r} left alone, as asked")
            continue
        on = surface_bone(label) if with_surface else None
        if on is not None:
            bone, side = on
            point = np.array(control["position"]) * _LPS_FROM[markup["coordinateSystem"]] + 0.0
            side = _side(path, label, f"{bone}_surface", side, markup)
            assert side is not None  # of a bone that has one
            touched.append(SurfacePoint(bone, side, point, label))
            continue
        name, side = read_label(label)
        if name is None:
            unknown.append(label)
            continue
        side = _side(path, label, name, side, markup)
        point = np.array(control["position"]) * _LPS_FROM[markup["coordinateSystem"]] + 0.0
        who = reader or _reader(path, label, markup, control)
        marked = MarkedPoint(name, side, point, who, when, sigma_mm)
        if marked.label in found:
            raise _refused(path, f"{marked.label} twice", "each landmark once", "Keep one of the two points.")
        found[marked.label] = marked
    if unknown:
        raise _refused(
            path,
            f"labels that are no landmark: {', '.join(map(repr, unknown[:12]))}",
            f"left or right, and one of {', '.join(LANDMARK_BONES)}"
            + (", femur_surface, hip_bone_surface" if with_surface else ""),
            "Rename the points in Slicer, or leave one out with --ignore-label.",
        )
    if not found and not touched:
        raise _refused(path, "no point to use", "at least one placed point", "Place points in Slicer.")
    if axes == "unknown":
        notes.append("markups: points taken in the coordinates of the bones' file, read as LPS")
    return Markups(tuple(found.values()), tuple(notes), tuple(touched))


def read_structures(path: Path, names: Iterable[str]) -> dict[tuple[str, Side | None], Array]:
    """Read lines that a person drew along structures, from a 3D Slicer markups file.

    Parameters
    ----------
    path : Path
        Each list of points or curve has the name of a structure, with a side or none: "left sciatic nerve".
    names : iterable of str
        Structures that are known.

    Returns
    -------
    dict of tuple to array of shape (N, 3), mm, patient LPS
        Points in the order of the file, by the structure's name and its side or ``None``.

    Raises
    ------
    InputError
        If the file is not what Slicer writes, or a list has no known name.
    """
    known = {name.replace("_", " "): name for name in names}
    found: dict[tuple[str, Side | None], list[Array]] = {}
    for markup, control in _placed_points(path, [], types=("Fiducial", "Curve", "Line")):
        title = " ".join(str(markup.get("name", "")).replace("_", " ").casefold().split())
        side = side_of(title)
        bare = " ".join(word for word in title.split() if word not in ("left", "right"))
        if bare not in known:
            raise _refused(path, f"list {title!r}", f"one of {list(known)}", "Rename the list in Slicer.")
        point = np.array(control["position"]) * _LPS_FROM[markup["coordinateSystem"]] + 0.0
        found.setdefault((known[bare], side), []).append(point)
    if not found:
        raise _refused(path, "no point to use", "at least one placed point", "Place points in Slicer.")
    return {key: np.array(points) for key, points in found.items()}


def markups_text(landmarks: Iterable[Landmark]) -> str:
    """Landmarks as the text of a ``.mrk.json`` file, which 3D Slicer opens.

    Parameters
    ----------
    landmarks : iterable of Landmark
        In patient LPS. Those that follow from a curve, a region or sections (the shaft's axis, say) are left
        out: nobody can read them as a point.

    Returns
    -------
    str
        One list of points for each side and one for the midline. The description of a point is its
        method, or its reader. Equal landmarks give equal bytes; nothing tells when it was written.
    """
    lists: dict[str, list[Landmark]] = {"right": [], "left": [], "none": []}
    for landmark in landmarks:
        if landmark.name in LANDMARK_BONES:
            lists[side_word(landmark.side)].append(landmark)
    whole = {"@schema": SCHEMA, "markups": [_node(side, marks) for side, marks in lists.items() if marks]}
    text = json.dumps(whole, indent=4, allow_nan=False, ensure_ascii=False) + "\n"
    return _ROWS.sub(lambda row: "[" + " ".join(row[1].split()) + "]", text)


@dataclass(frozen=True, slots=True, eq=False)
class PlaneMark:
    """A plane for 3D Slicer.

    Parameters
    ----------
    name, words : str
    point_mm : array of shape (3,), mm, patient LPS
        Middle of what is drawn of it.
    normal : array of shape (3,)
        Unit vector.
    size_mm : float
        Edge of the square that is drawn.
    """

    name: str
    words: str
    point_mm: Array
    normal: Array
    size_mm: float


def planes_text(planes: Iterable[PlaneMark]) -> str:
    """Planes as the text of a ``.mrk.json`` file, which 3D Slicer opens.

    Parameters
    ----------
    planes : iterable of PlaneMark

    Returns
    -------
    str

    Notes
    -----
    Slicer writes ``normal`` and ``center`` of a plane and never reads them: a plane is where ``baseToNode``
    and its control point put it. Of an LPS file it turns the first two rows of both matrices, so the identity
    of ``objectToBase`` has them negative, and ``baseToNode`` holds LPS directions as they are.
    """
    whole = {"@schema": SCHEMA, "markups": [_plane_node(one) for one in planes]}
    text = json.dumps(whole, indent=4, allow_nan=False, ensure_ascii=False) + "\n"
    return _ROWS.sub(lambda row: "[" + " ".join(row[1].split()) + "]", text)


def _plane_node(plane: PlaneMark) -> dict[str, Any]:
    """One plane, with the keys that Slicer reads."""
    across = np.linalg.svd(plane.normal[None])[2][1:]
    if np.cross(across[0], across[1]) @ plane.normal < 0:
        across = across[::-1]
    base_to_node = np.eye(4)
    base_to_node[:3] = np.column_stack([*across, plane.normal, plane.point_mm])
    half = plane.size_mm / 2
    place = [round(value, _DECIMALS) + 0.0 for value in plane.point_mm.tolist()]
    return {
        "type": "Plane",
        "name": plane.name,
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": True,
        "fixedNumberOfControlPoints": True,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": 1,
        "planeType": "PointNormal",
        "sizeMode": "absolute",
        "autoScalingFactor": 1.0,
        "size": [plane.size_mm, plane.size_mm, 0.0],
        "planeBounds": [-half, half, -half, half],
        "objectToBase": [-1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        "baseToNode": [round(value, 9) + 0.0 for value in base_to_node.ravel().tolist()],
        "controlPoints": [
            {
                "id": "1",
                "label": plane.name,
                "description": plane.words,
                "associatedNodeID": "",
                "position": place,
                "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
                "selected": True,
                "locked": True,
                "visibility": True,
                "positionStatus": "defined",
            }
        ],
        "measurements": [],
    }


def _node(side: str, landmarks: list[Landmark]) -> dict[str, Any]:
    """One list of points, with the keys that Slicer writes, in its order."""
    return {
        "type": "Fiducial",
        "name": f"{'midline' if side == 'none' else side} landmarks",
        "coordinateSystem": "LPS",
        "coordinateUnits": "mm",
        "locked": False,
        "fixedNumberOfControlPoints": False,
        "labelFormat": "%N-%d",
        "lastUsedControlPointNumber": len(landmarks),
        "controlPoints": [
            {
                "id": str(number),
                "label": label_of(landmark.name, landmark.side),
                "description": landmark.method,
                "associatedNodeID": "",
                "position": [round(value, _DECIMALS) + 0.0 for value in landmark.point_mm.tolist()],
                # Slicer turns the first two rows: this is the identity in its own RAS.
                "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
                "selected": True,
                "locked": False,
                "visibility": True,
                "positionStatus": "defined",
            }
            for number, landmark in enumerate(landmarks, start=1)
        ],
        "measurements": [],
    }


def _placed_points(
    path: Path, notes: list[str], types: Collection[str] = ("Fiducial",)
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each placed point with its list, both checked; what is passed over is added to the notes."""
    count = 0
    for number, markup in enumerate(_markups(path), start=1):
        title = markup.get("name") or f"markup {number}"
        if markup.get("type") not in _TYPES:
            raise _refused(path, f"type {markup.get('type')!r}", f"one of {', '.join(_TYPES)}", _AGAIN)
        if markup["type"] not in types:
            notes.append(f"markups: {markup['type']} {title!r} left alone, not a list of points")
            continue
        markup.setdefault("coordinateSystem", "LPS")  # as Slicer takes a file that does not say
        if markup["coordinateSystem"] not in ("LPS", "RAS"):
            raise _refused(
                path,
                f"coordinateSystem {markup['coordinateSystem']!r}",
                "LPS or RAS",
                "Save it again as LPS.",
            )
        units = markup.get("coordinateUnits", "mm")
        if (units[0] if isinstance(units, list) and units else units) != "mm":
            raise _refused(path, f"coordinateUnits {units!r}", "mm", "Save the points in mm.")
        controls = markup.get("controlPoints", [])
        if not isinstance(controls, list) or not all(isinstance(one, dict) for one in controls):
            raise _refused(path, f"controlPoints of {title!r} that are no list of points", "a list", _AGAIN)
        count += len(controls)
        if count > MAX_POINTS:
            raise _refused(path, f"{count:,} points", f"at most {MAX_POINTS:,}", "Save landmarks alone.")
        for control in controls:
            label = control.get("label")
            if not isinstance(label, str) or not 0 < len(label.strip()) <= 100:
                raise _refused(path, f"label {str(label)[:80]!r}", "a name", "Name every point in Slicer.")
            status = control.get("positionStatus", "defined")
            if status in ("undefined", "preview"):
                notes.append(f"markups: {label!r} left alone, it was never placed ({status})")
                continue
            if status != "defined":
                raise _refused(
                    path, f"positionStatus {status!r} of {label!r}", "undefined, preview or defined", _AGAIN
                )
            if not _is_point(control.get("position")):
                raise _refused(
                    path, f"position {control.get('position')!r} of {label!r}", "three numbers in mm", _AGAIN
                )
            yield markup, control


_AGAIN = "Save it again from Slicer's Markups module."


def _markups(path: Path) -> list[dict[str, Any]]:
    """The markups of a file that says it is one."""
    expected = "a 3D Slicer markups file (.mrk.json)"
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise _refused(path, f"more than {MAX_BYTES:,} bytes", "landmarks alone", "Save them alone.")
        whole = json.loads(raw.decode("utf-8-sig"), parse_constant=_no_number)
    except OSError as error:
        raise _refused(path, error.strerror or error, expected, "Check the path.") from error
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise _refused(path, f"text that is no JSON ({error})", expected, _AGAIN) from error
    schema = whole.get("@schema") if isinstance(whole, dict) else None
    if not isinstance(schema, str) or not _SCHEMA_RULE.match(schema):
        raise _refused(path, f"@schema {schema!r}", f"that of {expected}", _AGAIN)
    found = whole.get("markups")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _refused(path, "no list of markups", expected, _AGAIN)
    return found


def _no_number(word: str) -> float:
    """Refuse the words NaN and Infinity, which are no JSON."""
    raise ValueError(f"{word} is no number")


def _is_point(value: object) -> bool:
    """Whether a value is three finite numbers of a sensible size."""
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(one, int | float) and not isinstance(one, bool) for one in value)
        and all(abs(one) <= _MAX_COORDINATE_MM for one in value)  # false for NaN, too
    )


def _side(path: Path, label: str, name: str, side: Side | None, markup: Mapping[str, Any]) -> Side | None:
    """Side of a point, from its label or its list's name; none for the sacrum."""
    if LANDMARK_BONES.get(name) == "sacrum":
        if side is not None:
            raise _refused(path, f"a side for {label!r}", "none, it lies in the midline", "Rename the point.")
        return None
    of_list = side_of(str(markup.get("name", "")))
    if side is None and of_list is None:
        raise _refused(
            path, f"no side for {label!r}", "left or right", f"Rename the point, for example left_{name}."
        )
    return side or of_list


def _reader(path: Path, label: str, markup: Mapping[str, Any], control: Mapping[str, Any]) -> str:
    """Who marked a point, from its own description or that of its list."""
    own, of_list = (str(one.get("description") or "").strip() for one in (control, markup))
    who = own if own.startswith(READER_PREFIX) else of_list
    if not who:
        raise _refused(path, f"nobody who marked {label!r}", "a reader", "Say who with --reader NAME.")
    return who.removeprefix(READER_PREFIX)


def _refused(path: Path, got: object, expected: object, do: str) -> InputError:
    """An error about the file."""
    return InputError(complaint(path.name, got, expected, do))
