"""Motion beside published results: order is the verdict, size is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ischio._check import Array
from ischio.atlas.reference_gaps import SEATED, reference_gaps
from ischio.evidence import evidence
from ischio.geometry.surface_gap import surface_gap
from ischio.io.markups import MarkedPoint
from ischio.landmarks import with_read_points
from ischio.motion.average_cycle import average_cycle
from ischio.motion.examinations import examine
from ischio.motion.gait import gait_gaps, peak_extension
from ischio.motion.joint import joint_of, rotation_of
from ischio.motion.limits import LimitPath, limits
from ischio.motion.pairs import CREST, GREATER, SPACE, Pair
from ischio.motion.pose_sets import pose_path
from ischio.motion.sweep import clearance
from ischio.types import Hip, Pelvis, Side
from ischio.validation.rows import Row, compared

_KIVLAN = "Kivlan 2017, 25 cadaver hips"
_KIVLAN_2016 = "Kivlan 2016, 23 cadaver hips"
_WANG = "Wang 2023, walking: healthy 15.1-50.2 mm, impingement 10.2-39.7 mm"
_READ: tuple[tuple[str, Side, str], ...] = (
    *(
        (f"{side.value.capitalize()} {theirs}", side, ours)
        for side in Side
        for theirs, ours in (("ASIS", "asis"), ("PSIS", "psis"), ("Pubic Tubercle (PT)", "pubic_tubercle"))
    ),
    ("Lateral Epicondyle (LEC)", Side.LEFT, "epicondyle_lateral"),
    ("Medial Epicondyle (MEC)", Side.LEFT, "epicondyle_medial"),
    ("Posterior Lateral Condyle (PLC)", Side.LEFT, "posterior_condyle_lateral"),
    ("Posterior Medial Condyle (PMC)", Side.LEFT, "posterior_condyle_medial"),
)
_ORDER = "order is the verdict (1: as published)"
_SHOWN = "other people, other zeros, other definition"
_AUDENAERT = "Audenaert 2020, 40,000 modelled people"


def _shown(quantity: str, truth: float, ours: float, unit: str, source: str, note: str = _SHOWN) -> Row:
    """A size beside a published one, without a verdict of its own."""
    return Row(quantity, truth, unit, source, ours, ours - truth, None, "shown", note)


def _ordered(quantity: str, holds: bool, source: str) -> Row:
    """An order or direction that was published."""
    return compared(quantity, 1.0, float(holds), 0.0, "order", source, _ORDER)


def people_rows() -> list[Row]:
    """The shape model's people in the poses of published experiments.

    Returns
    -------
    list of Row
    """
    known = reference_gaps()
    sweep = known["rotation_sweep", SPACE]
    turned_in, neutral, turned_out = (float(np.median(sweep[:, column])) for column in (0, 40, 100))
    rows = [
        _ordered(
            "26 people: space at IR 40 > neutral > ER 60", bool(turned_in > neutral > turned_out), _KIVLAN
        ),
        _shown("26 people: median space at IR 40", 43.0, float(turned_in), "mm", _KIVLAN),
        _shown("26 people: median space in neutral", 28.0, float(neutral), "mm", _KIVLAN),
        _shown("26 people: median space at ER 60", 14.0, float(turned_out), "mm", _KIVLAN),
    ]
    contact = known["adduction_er_extension", SPACE]
    touch = (contact <= 0).any(axis=1)
    first = np.where(touch, np.argmax(contact <= 0, axis=1), 0)[touch]
    rows += [
        _ordered(
            "26 people: most touch within ER 60 at extension 10, adduction 10",
            bool(touch.mean() > 0.5),
            _KIVLAN,
        ),
        _shown("26 people: share that touches", 84.0, float(100 * touch.mean()), "%", _KIVLAN),
        _shown("26 people: mean ER of first contact", 29.0, float(first.mean()), "deg", f"{_KIVLAN}, SD 20"),
    ]
    rows += _greater_trochanter_rows(known)
    wider = float(np.median(sweep[:, 30] - sweep[:, 40]))
    prone = "Johnson 2017: prone wider than supine by 3.15 (CI 1.4-4.8); angles not published"
    rows.append(_shown("26 people: widening by 10 degrees of internal rotation", 3.15, wider, "mm", prone))
    walking = known["gait_stride_1.0", SPACE]
    narrowest, widest = _ends(walking)
    closest = int(np.argmin(np.median(walking, axis=0)))
    walked = average_cycle(Side.LEFT).angles_deg[:, 0]
    late = walked[closest] < np.percentile(walked, 30)
    rows += [
        _ordered("26 people: the space in walking is least in extension", bool(late), _AUDENAERT),
        _shown("26 people: least space in walking, median", 15.1, narrowest, "mm", _WANG),
        _shown("26 people: largest space in walking, median", 50.2, widest, "mm", _WANG),
    ]
    longer, shorter = (np.median(known[f"gait_stride_{k}", SPACE].min(axis=1)) for k in (1.2, 0.8))
    rows.append(
        _ordered(
            "26 people: long strides narrow the least space, short ones widen it",
            bool(longer <= np.median(walking.min(axis=1)) <= shorter),
            "long-stride walking test",
        )
    )
    return rows


def _greater_trochanter_rows(known: Mapping[tuple[str, Pair], Array]) -> list[Row]:
    """Extension from flexion 90 in external rotation 60, until something of the femur meets the ischium.

    The plain share of hips in which the greater trochanter touches somewhere is not in the published order.
    It counts poses behind the first contact of the crest, which cannot be reached, and
    heads that stand out of the model's sockets by up to 26 mm. Without these two the order is as published.
    """
    rows, ended = [], {}
    for abduction, share, angle in ((30, 87.0, 47.0), (0, 39.0, 59.0)):
        for seat, words in (("", ""), (SEATED, ", heads in sockets")):
            name = f"26 people: greater trochanter on ischium, abduction {abduction}, ER 60{words}"
            path = f"kivlan_2016_{abduction}{seat}"
            first = {pair: _first_contact(known[path, pair]) for pair in (GREATER, CREST)}
            touches = np.isfinite(first[GREATER])
            rows.append(_shown(f"{name}: share", share, float(100 * touches.mean()), "%", _KIVLAN_2016))
            mean = float(90 - first[GREATER][touches].mean())
            rows.append(_shown(f"{name}: flexion at contact", angle, mean, "deg", _KIVLAN_2016))
            ends = touches & (first[GREATER] <= first[CREST])
            ended[abduction, seat] = float(ends.mean())
            what = f"{name}: share in which it is the first to touch"
            rows.append(_shown(what, share, 100 * ended[abduction, seat], "%", _KIVLAN_2016))
    share_30, share_0 = (float((known[f"kivlan_2016_{k}", GREATER] <= 0).any(axis=1).mean()) for k in (30, 0))
    rows.append(
        Row(
            "26 people: greater trochanter touches at all more often at abduction 30 than at 0",
            *(1.0, "order", _KIVLAN_2016, float(share_30 > share_0), float(share_30 > share_0) - 1, None),
            "pass" if share_30 > share_0 else "disagrees",
            "abduction opens every gap behind; this counts poses behind the first contact of the crest, "
            "which cannot be reached, and heads that stand out of the model's sockets: see the next row",
        )
    )
    n_30, n_0 = (round(26 * ended[abduction, SEATED]) for abduction in (30, 0))
    rows.append(
        replace(
            _ordered(
                "26 people, heads in sockets: greater trochanter ends extension more often at abduction 30",
                n_30 > n_0,
                _KIVLAN_2016,
            ),
            note=f"first contact of greater trochanter and crest along the path: {n_30} people against {n_0}",
        )
    )
    return rows


def _first_contact(gaps: Array) -> Array:
    """Degrees along a path at which each person first touches; infinite where none does."""
    touches = gaps <= 0
    out: Array = np.where(touches.any(axis=1), np.argmax(touches, axis=1), np.inf)
    return out


def _ends(gaps: Array) -> tuple[float, float]:
    """Medians over people of the least and the largest gap of each."""
    return float(np.median(gaps.min(axis=1))), float(np.median(gaps.max(axis=1)))


def relief_rows(pelvis: Pelvis, who: str) -> list[Row]:
    """The index case's examination on real bones: closing in neutral extension, opening with abduction.

    Parameters
    ----------
    pelvis : Pelvis
    who : str

    Returns
    -------
    list of Row
    """
    rows = []
    for hip in pelvis.hips:
        found = {one.path.name: one for one in examine(hip)[0] if one.pair == SPACE}
        neutral, apart = found["ifi_test_neutral"], found["ifi_test_abducted"]
        source = "index case: extension hurts, abduction relieves"
        name = f"{who}, {hip.side.value}"
        rows += [
            _ordered(f"{name}: the gap closes in neutral extension", neutral.change_mm < 0, source),
            _ordered(
                f"{name}: abduction opens the gap at extension 20",
                bool(apart.gap_mm[-1] > neutral.gap_mm[-1]),
                source,
            ),
        ]
        walk = gait_gaps(hip, average_cycle(hip.side)).gaps["stride_1.0"].gap_mm
        rows += [
            _shown(f"{name}: least space in walking", 15.1, float(walk.min()), "mm", _WANG),
            _shown(f"{name}: largest space in walking", 50.2, float(walk.max()), "mm", _WANG),
        ]
        rows += _demand_rows(hip, name)
        for abduction, angle in ((30, 47.0), (0, 59.0)):
            poses = pose_path([[90.0, -abduction, -60], [0, -abduction, -60]], zeros=("app", "pca"))
            gaps = clearance(hip, poses, pair=GREATER).gap_mm
            what = f"{name}: greater trochanter on ischium, abduction {abduction}, ER 60"
            if (gaps <= 0).any():
                at = 90.0 - int(np.argmax(gaps <= 0))
                rows.append(_shown(f"{what}: flexion at contact", angle, at, "deg", _KIVLAN_2016))
            else:
                rows.append(_shown(f"{what}: least gap", 0.0, float(gaps.min()), "mm", _KIVLAN_2016))
    return rows


def _demand_rows(hip: Hip, name: str) -> list[Row]:
    """What walking asks for beside the published peak extension."""
    demand = peak_extension(hip, average_cycle(hip.side))
    what = f"{name}: extension beyond standing-like in the average cycle"
    return [
        _shown(what, row.value, demand, "deg", f"{row.what}, {row.population}, SD {row.sd:g}: {row.source}")
        for row in map(evidence().figure, ("gait_extension_young", "gait_extension_old"))
        if row.value is not None and row.sd is not None
    ]


def solver_rows(pelvis: Pelvis, who: str) -> list[Row]:
    """Limits against a walk in steps of 0.01 degree, with the exact distance of all triangles.

    Parameters
    ----------
    pelvis : Pelvis
    who : str

    Returns
    -------
    list of Row
    """
    path = LimitPath("adduction", "adduction", ((0, 0, 0), (0, 45, 0)), "adduction")
    rows = []
    for hip in pelvis.hips:
        found = limits(hip, [path])[1][0]
        if found.angle_deg is None or found.speed_mm_per_deg is None:
            continue
        joint = joint_of(hip, "app", "pca")
        moving = joint.femoral(hip.region_triangles("lesser_trochanter"))
        fixed = joint.pelvic(hip.region_triangles("ischium"))

        angle = round(found.angle_deg - 0.3, 2)
        while angle < found.angle_deg + 0.3:
            turn = rotation_of(np.array([[0.0, angle, 0.0]]))[0]
            if surface_gap(moving @ turn.T + joint.centre_mm, fixed).gap_mm <= 0:
                break
            angle = round(angle + 0.01, 2)
        allowed = max(0.02 / found.speed_mm_per_deg, 0.05)
        rows.append(
            compared(
                f"{who}, {hip.side.value}: limit of adduction against a walk of 0.01 degree",
                *(angle, found.angle_deg, allowed, "deg", "exact distance of all triangles, pose by pose"),
            )
        )
    return rows


def end_to_end_rows(pelvis: Pelvis, other: Pelvis, who: str, what: str) -> list[Row]:
    """Limits of the same hips from other surfaces or frames: an error that the solver does not know.

    Parameters
    ----------
    pelvis, other : Pelvis
    who, what : str
        What was done to the second.

    Returns
    -------
    list of Row
    """
    paths = [
        LimitPath("adduction", "adduction", ((0, 0, 0), (0, 45, 0)), "adduction"),
        LimitPath("external", "external rotation", ((0, 0, 0), (0, 0, -90)), "external rotation"),
    ]
    rows = []
    for a, b in zip(pelvis.hips, other.hips, strict=True):
        for one, two in zip(limits(a, paths)[1][::3], limits(b, paths)[1][::3], strict=True):
            if one.angle_deg is None or two.angle_deg is None:
                continue
            rows.append(
                _shown(
                    f"{who}, {a.side.value}: limit of {one.path.words}, {what}",
                    *(one.angle_deg, two.angle_deg, "deg", "the same hip as supplied"),
                    note="end-to-end error: 1 mm of surface is about 3 degrees",
                )
            )
    return rows


def rater_rows(pelvis: Pelvis, readings: Mapping[str, Array], who: str) -> list[Row]:
    """Limits of the left hip in the frames of the raters' mean landmarks.

    Parameters
    ----------
    pelvis : Pelvis
    readings : mapping of str to array of shape (n, 3), mm, patient LPS
        Raters' names of landmarks of the left femur and the pelvis.
    who : str

    Returns
    -------
    list of Row
    """
    points = [
        MarkedPoint(ours, side, np.asarray(readings[theirs]).mean(axis=0), "raters")
        for theirs, side, ours in _READ
    ]
    read = with_read_points(pelvis, points).pelvis
    one, other = (Pelvis(side.left, None, None, {}, {}) for side in (pelvis, read))
    return end_to_end_rows(one, other, who, "frames of 5 raters' mean landmarks")
