"""Published values of people, and a measurement beside them: compared in words, never judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ischio.types import Measurement, Pelvis, Pose, Side

STANDING_TOLERANCE_DEG = 5.0
"""How far a pose may be from standing-like for a band of a gap."""
FILM_TOLERANCE_DEG = 2.0
"""How far a value in the scanner's directions may be from that in the pelvis's for bands of films."""
ADULT_YEARS = 18.0

_MARKS = {
    "V": "seen in a public abstract or table",
    "V2": "seen in a secondary page",
    "D": "derived from published figures",
    "K": "from established knowledge, unverified",
}


@dataclass(frozen=True, slots=True)
class Band:
    """What one source says of one measure.

    Parameters
    ----------
    measure : str
    source, population : str
    n : int or None
        Hips, femora or people, as the population says.
    sex : str or None
        "f" or "m"; None for both together.
    mean, sd : float or None
    low, high : float or None
        Ends of a range.
    range_is : str
        What the range is: "normal range of the source", "middle half", "two standard deviations" ...
    mark : str
        "V", "V2", "D" or "K": how the figure is known.
    modality : str
        What it was measured on; values of different ones are not mixed.
    ages : (float, float) or None
        Years that the source covers, where it says so; adults otherwise.
    per_year : float
        Growth of the mean with age, for children.
    pose : str
        "" for what no pose changes; "standing-like" for gaps; "film" for angles that follow the pelvis's
        own tilt.
    note : str
    """

    measure: str
    source: str
    population: str
    n: int | None = None
    sex: str | None = None
    mean: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    range_is: str = ""
    mark: str = "V"
    modality: str = "CT"
    ages: tuple[float, float] | None = None
    per_year: float = 0.0
    pose: str = ""
    note: str = ""


_HARTEL = "Hartel et al. 2016, PLoS One 11:e0152284"
_FOUR_METHODS = "Four methods compared, 100 hip-preservation patients"
_SCHMARANZER = "Schmaranzer et al. 2019, Clin Orthop"
_SCHRODER = "Schroder et al. 2015, J Hip Preserv Surg 2:410-416"
_WAISBROD = "Waisbrod et al. 2017, J Hip Preserv Surg 4:153-158"
_AUDENAERT = "Audenaert et al. 2020, J Hip Preserv Surg 7:677-687"
_CHILDREN = "Skeletal Radiol 2021, doi 10.1007/s00256-021-03872-y"
_DRY = "J Exp Orthop 2023, doi 10.1186/s40634-023-00679-9"
_DANDACHLI = "Dandachli et al. 2011, Skeletal Radiol 40:877-883"
_AXIAL = "ischiofemoral_space_axial"
_OUT = "patients of a hip clinic"
_NORMAL = "normal range of the source"
_HALF = "middle half"
_STANDING = "standing-like"

BANDS: tuple[Band, ...] = (
    Band(
        "femoral_version_isthmus_3d",
        _HARTEL,
        "femora of adults, 3-D",
        n=1070,
        mean=14.2,
        low=7.4,
        high=20.4,
        range_is=_HALF,
        note="median, not mean",
    ),
    Band(
        "femoral_version_isthmus_3d", _HARTEL, "femora of women, 3-D", sex="f", mean=16.4, note="median alone"
    ),
    Band(
        "femoral_version_isthmus_3d", _HARTEL, "femora of men, 3-D", sex="m", mean=12.1, note="median alone"
    ),
    Band("femoral_version_murphy", _FOUR_METHODS, _OUT, n=100, mean=23.2, sd=11.2),
    Band("femoral_version_murphy", _DRY, "dry femora", n=102, mean=8.12, sd=7.3, note="2-D"),
    Band("femoral_version_murphy", _SCHMARANZER, _OUT, n=52, mean=28.0, sd=13.0, mark="K", modality="MRI"),
    Band("femoral_version_lee", _FOUR_METHODS, _OUT, n=100, mean=3.4, sd=9.6),
    Band("femoral_version_lee", _SCHMARANZER, _OUT, n=52, mean=11.0, sd=11.0, mark="K", modality="MRI"),
    Band("femoral_version_reikeras", _SCHMARANZER, _OUT, n=52, mean=15.0, sd=11.0, mark="K", modality="MRI"),
    Band(
        "femoral_version_reikeras",
        "Usual range of the method",
        "adults",
        low=8.0,
        high=18.0,
        range_is=_NORMAL,
        mark="K",
    ),
    Band(
        "femoral_version_hernandez",
        "Usual range of the method",
        "adults",
        low=10.0,
        high=20.0,
        range_is=_NORMAL,
        mark="K",
    ),
    Band("femoral_version_tomczak", _SCHMARANZER, _OUT, n=52, mean=25.0, sd=12.0, mark="K", modality="MRI"),
    Band(
        "femoral_version_tomczak",
        "Usual range of the method",
        "adults",
        low=15.0,
        high=30.0,
        range_is=_NORMAL,
        mark="K",
    ),
    Band(
        "neck_shaft_angle",
        _HARTEL,
        "femora of adults, 3-D",
        n=1070,
        mean=122.2,
        low=117.9,
        high=125.6,
        range_is=_HALF,
        note="median, not mean",
    ),
    Band("neck_shaft_angle", _HARTEL, "femora of women, 3-D", sex="f", mean=123.0, note="median alone"),
    Band("neck_shaft_angle", _HARTEL, "femora of men, 3-D", sex="m", mean=121.5, note="median alone"),
    Band(
        "lesser_trochanter_version",
        _SCHRODER,
        "hips without symptoms",
        n=250,
        mean=-24.0,
        sd=11.5,
        modality="MRI",
    ),
    Band("lesser_trochanter_version", _WAISBROD, "femora", n=97, mean=-16.0, sd=11.3),
    Band(
        "neck_lesser_trochanter_angle",
        _SCHRODER,
        "hips without symptoms",
        n=250,
        mean=38.4,
        sd=9.6,
        modality="MRI",
        note="neck drawn on slices",
    ),
    Band(
        "neck_lesser_trochanter_angle",
        _WAISBROD,
        "femora",
        n=97,
        mean=37.2,
        sd=8.7,
        note="neck drawn on slices",
    ),
    Band(
        "acetabular_version_central",
        "CT series of 404 people",
        "women",
        sex="f",
        mean=19.31,
        sd=5.04,
        ages=(16, 40),
        pose="film",
    ),
    Band(
        "acetabular_version_central",
        "CT series of 404 people",
        "men",
        sex="m",
        mean=16.46,
        sd=4.42,
        ages=(16, 40),
        pose="film",
    ),
    Band(
        "acetabular_version_central",
        _DANDACHLI,
        "hips after correction of tilt",
        n=34,
        mean=19.0,
        note="mean alone",
    ),
    Band(
        "acetabular_version_cranial",
        _DANDACHLI,
        "hips after correction of tilt",
        n=34,
        mean=15.7,
        note="mean alone; their cranial slice",
    ),
    Band(
        "acetabular_version_cranial",
        "Usual range at one o'clock",
        "adults",
        low=5.0,
        high=10.0,
        range_is=_NORMAL,
        mark="K",
    ),
    Band(
        "lateral_centre_edge_angle",
        "Tannast et al. 2015, Clin Orthop 473:1234",
        "hips without disease",
        low=23.0,
        high=33.0,
        range_is=_NORMAL,
        modality="film",
        pose="film",
    ),
    Band(
        "lateral_centre_edge_angle",
        "Jacobsen, Copenhagen population",
        "adults, 4151 films",
        n=4151,
        mean=35.0,
        sd=7.0,
        modality="film",
        pose="film",
    ),
    Band(
        "anterior_centre_edge_angle",
        "Usual limit",
        "adults",
        low=25.0,
        range_is=_NORMAL,
        mark="K",
        modality="film",
        pose="film",
    ),
    Band(
        "mckibbin_index",
        "Tonnis and Heinecke 1999, J Bone Joint Surg Am 81:1747",
        "adults",
        low=30.0,
        high=40.0,
        range_is=_NORMAL,
        mark="K",
    ),
    Band(
        "pelvic_incidence",
        "Mac-Thiong et al. 2011, Eur Spine J, doi 10.1007/s00586-011-1923-2",
        "adults without symptoms",
        n=709,
        mean=53.0,
        sd=10.5,
        low=32.0,
        high=74.0,
        range_is="two standard deviations",
        mark="D",
        modality="film",
    ),
    Band(
        "pelvic_incidence",
        "Boulay et al. 2006, doi 10.1007/s00586-005-0984-5",
        "adults",
        n=149,
        low=44.0,
        high=62.0,
        range_is="between low and high of the source",
        modality="film",
    ),
    Band(
        _AXIAL, _AUDENAERT, "virtual women", sex="f", mean=22.2, sd=4.3, modality="bone model", pose=_STANDING
    ),
    Band(
        _AXIAL, _AUDENAERT, "virtual men", sex="m", mean=29.1, sd=4.1, modality="bone model", pose=_STANDING
    ),
    Band(
        _AXIAL,
        _SCHRODER,
        "hips without symptoms",
        n=250,
        mean=22.9,
        sd=7.0,
        low=10.3,
        high=55.0,
        range_is="smallest and largest",
        modality="MRI",
        pose=_STANDING,
    ),
    Band(
        _AXIAL,
        "Br J Radiol 2020, doi 10.1259/bjr.20190556",
        "adults",
        n=137,
        mean=20.88,
        sd=5.96,
        modality="MRI",
        pose=_STANDING,
    ),
    Band(
        _AXIAL,
        "Singer et al. 2015, Skeletal Radiol (pooled)",
        "hips without impingement",
        n=140,
        mean=26.01,
        sd=7.98,
        modality="MRI",
        pose=_STANDING,
    ),
    Band(
        _AXIAL,
        _CHILDREN,
        "children",
        n=360,
        mean=3.451,
        sd=7.24,
        ages=(1, 18),
        per_year=1.178,
        pose=_STANDING,
        note="mean at this age",
    ),
)
"""Every figure with its source. Cut-offs between ill and well are no bands and are not here."""


def is_standing_like(poses: Iterable[Pose]) -> bool:
    """Whether bones lie within ``STANDING_TOLERANCE_DEG`` of standing-like.

    Examples
    --------
    >>> is_standing_like([Pose(3.0, 1.0, -4.0, "app", "pca")]), is_standing_like([])
    (True, False)
    """
    pose = next((one for one in poses if (one.pelvic_zero, one.rotation_zero) == ("app", "pca")), None)
    if pose is None:
        return False
    angles = (pose.flexion_deg, pose.adduction_deg, pose.internal_rotation_deg)
    return all(abs(angle) <= STANDING_TOLERANCE_DEG for angle in angles)


def with_bands(
    rows: Iterable[Measurement], pelvis: Pelvis, *, sex: str | None, age_years: float | None
) -> tuple[Measurement, ...]:
    """Measurements with every published band that there is, or why it is not shown.

    Parameters
    ----------
    rows : iterable of Measurement
    pelvis : Pelvis
        Tells the poses.
    sex : str or None
        "f" or "m"; without it the bands of both are shown.
    age_years : float or None

    Returns
    -------
    tuple of Measurement
        In order. ``comparisons`` holds a mapping for each band with ``shown``, ``words`` and every figure.
    """
    return tuple(
        row if row.value is None else replace(row, comparisons=tuple(_beside(row, pelvis, sex, age_years)))
        for row in rows
    )


def _beside(
    row: Measurement, pelvis: Pelvis, sex: str | None, age_years: float | None
) -> Iterable[Mapping[str, Any]]:
    """Each band of a measure beside its value."""
    for band in BANDS:
        if band.measure != row.name or (sex is not None and band.sex not in (None, sex)):
            continue
        why_not = _not_comparable(row, band, pelvis, age_years)
        mean = band.mean
        if mean is not None and band.per_year and age_years is not None:
            mean = mean + band.per_year * age_years
        yield {
            "source": band.source,
            "population": band.population,
            "n": band.n,
            "sex": band.sex,
            "ages": None if band.ages is None else list(band.ages),
            "mean": mean,
            "sd": band.sd,
            "low": band.low,
            "high": band.high,
            "range_is": band.range_is,
            "modality": band.modality,
            "mark": band.mark,
            "mark_means": _MARKS[band.mark],
            "note": band.note,
            "shown": why_not is None,
            "words": why_not or _words(row, band, mean),
        }


def _not_comparable(row: Measurement, band: Band, pelvis: Pelvis, age_years: float | None) -> str | None:
    """Why a band cannot stand beside a value, or None."""
    if band.per_year and age_years is None:
        return "not compared: it is for children, and no age is known"
    if age_years is not None:
        low, high = band.ages or (ADULT_YEARS, 150.0)
        if not low <= age_years <= high:
            covered = f"{low:g} to {high:g} years" if band.ages else "adults"
            return f"not compared: the source is of {covered}"
    if band.pose == _STANDING:
        if row.posture == "model":
            return "not compared: the model's posture is no posture of a person"
        hip = None if row.side is None else getattr(pelvis, Side(row.side).value)
        if hip is None or not is_standing_like(hip.poses):
            limit = f"{STANDING_TOLERANCE_DEG:g} degrees"
            return f"not compared: the bones do not lie within {limit} of standing-like"
    if band.pose == "film":
        supplied = row.detail.get("as_supplied_deg")
        if row.value is None or supplied is None:
            return "not compared: the source follows the pelvis's own tilt, which is not known here"
        if abs(supplied - row.value) > FILM_TOLERANCE_DEG:
            there = f"{supplied:.1f} degrees"
            return f"not compared: the source follows the pelvis's own tilt, in which this is {there}"
    return None


def _words(row: Measurement, band: Band, mean: float | None) -> str:
    """Where a value lies, in words."""
    assert row.value is not None  # rows without a value have no bands
    out = []
    if mean is not None and band.sd is not None:
        z = (row.value - mean) / band.sd
        side = "above" if z >= 0 else "below"
        out.append(f"{abs(z):.1f} SD {side} the mean")
    elif mean is not None:
        middle = "median" if "median" in band.note else "mean"
        out.append(f"{abs(row.value - mean):.1f} {'above' if row.value >= mean else 'below'} the {middle}")
    if band.low is not None or band.high is not None:
        if band.low is not None and row.value < band.low:
            where = "below"
        elif band.high is not None and row.value > band.high:
            where = "above"
        else:
            where = "within"
        out.append(f"{where} the {band.range_is}")
    return "; ".join(out)
