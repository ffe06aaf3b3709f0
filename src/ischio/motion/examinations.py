"""Simulated examinations: the gap along the path of each, beside reference people in the same poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ischio._check import Array, CannotMeasure
from ischio.motion.pairs import BEHIND, CREST, FRONT, GREATER, PAIR_WORDS, SPACE, Pair, pair_gaps
from ischio.motion.pose_sets import pose_path
from ischio.types import Clearance, Hip, PoseSet

ZEROS = ("app", "pca")
LEVELS_MM = (0.0, 5.0, 10.0)
ROUNDING_MM = 0.05  # a change that is smaller is printed as none


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement of an examination.

    Parameters
    ----------
    examination : str
    name : str
        Unique among all paths.
    start_deg, end_deg : (flexion, adduction, internal rotation)
    moving : str
        The angle that runs, as a clinician says it: "extension", "external rotation", ...
    pairs : tuple of (str, str)
        Whose gap it is about; the first is the headline.
    words : str
        The movement in words.
    relief_of : str or None
        Movement that this one is compared with: the same movement in abduction.
    """

    examination: str
    name: str
    start_deg: tuple[float, float, float]
    end_deg: tuple[float, float, float]
    moving: str
    pairs: tuple[Pair, ...]
    words: str
    relief_of: str | None = None


MOVING = {
    "extension": (0, -1.0),
    "flexion": (0, 1.0),
    "adduction": (1, 1.0),
    "internal rotation": (2, 1.0),
    "external rotation": (2, -1.0),
    "rotation": (2, 1.0),
}
"""Column of the pose and sign of each moving angle."""

_BACK, _FRONT = (SPACE,), (FRONT,)
_POSTERIOR = (BEHIND, SPACE, CREST, GREATER)
EXAMINATIONS = {
    "ifi_test": "IFI test",
    "rotation_sweep": "Rotation sweep",
    "adduction_er_extension": "Adduction, external rotation and extension",
    "posterior_impingement": "Posterior impingement",
    "fadir": "FADIR",
    "faber": "FABER",
}


def _paths() -> tuple[Movement, ...]:
    """The paths of every examination, in the order of the report."""
    out = [
        Movement(
            "ifi_test",
            f"ifi_test_{name}",
            (0, adduction, 0),
            (-20, adduction, 0),
            "extension",
            _BACK,
            f"extension 0 to 20 degrees at {words}, rotation 0",
            relief_of,
        )
        for name, adduction, words, relief_of in (
            ("neutral", 0.0, "adduction 0", None),
            ("adducted", 10.0, "10 degrees of adduction", None),
            ("abducted", -20.0, "20 degrees of abduction", "ifi_test_neutral"),
        )
    ]
    out.append(
        Movement(
            *("rotation_sweep", "rotation_sweep", (0, 0, 40), (0, 0, -60), "external rotation", _BACK),
            "internal rotation 40 to external rotation 60 degrees at flexion 0, adduction 0",
        )
    )
    out.append(
        Movement(
            *("adduction_er_extension", "adduction_er_extension", (-10, 10, 0), (-10, 10, -60)),
            *("external rotation", (SPACE, CREST, GREATER)),
            "external rotation 0 to 60 degrees at 10 degrees of extension and 10 of adduction",
        )
    )
    for extension in (10.0, 20.0):
        for abduction in (10.0, 20.0):
            out.append(
                Movement(
                    "posterior_impingement",
                    f"posterior_impingement_{extension:.0f}_{abduction:.0f}",
                    (-extension, -abduction, 0),
                    (-extension, -abduction, -90),
                    "external rotation",
                    _POSTERIOR,
                    f"external rotation 0 to 90 degrees at {extension:.0f} degrees of extension and "
                    f"{abduction:.0f} of abduction",
                )
            )
    for adduction in (10.0, 20.0):
        out.append(
            Movement(
                *("fadir", f"fadir_{adduction:.0f}", (90, adduction, 0), (90, adduction, 60)),
                *("internal rotation", _FRONT),
                f"internal rotation 0 to 60 degrees at 90 degrees of flexion, {adduction:.0f} of adduction",
            )
        )
    for flexion, abduction in ((60.0, 30.0), (60.0, 45.0), (45.0, 30.0), (45.0, 45.0)):
        out.append(
            Movement(
                "faber",
                f"faber_{flexion:.0f}_{abduction:.0f}",
                (flexion, -abduction, -45.0),
                (flexion, -abduction, -60.0),
                "external rotation",
                (GREATER, BEHIND),
                f"external rotation 45 to 60 degrees at {flexion:.0f} degrees of flexion and "
                f"{abduction:.0f} of abduction",
            )
        )
    return tuple(out)


PATHS = _paths()


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What the same path gave in reference people.

    Parameters
    ----------
    people : str
        Who they are.
    gap_mm : array of shape (K, P), mm
        One row a person, one column a pose of the path.
    """

    people: str
    gap_mm: Array


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Where a path first comes down to a clearance, at whole degrees; ``None``: nowhere on it."""

    clearance_mm: float
    angle_deg: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One pair's gap along one path of an examination.

    Parameters
    ----------
    path : Movement
    pair : (str, str)
    angle_deg : array of shape (P,)
        Of the moving angle, in its own direction (extension is positive here).
    gap_mm, error_mm : arrays of shape (P,), mm
        Negative: overlap.
    narrowest : int
        Pose with the smallest gap; from the first contact on, poses cannot be reached.
    change_mm : float
        From the first to the last pose; the bones are taken to pass through each other.
    levels : tuple of Level
    sub_part : str
        Of the fixed bone, nearest in the narrowest pose that can be reached.
    percentile : float or None
        Of that pose's gap among reference people: share of them with a smaller one, ties half, in percent.
    n_reference, n_touching : int or None
        Reference people, and how many of them touch somewhere on the path.
    words : str
        One sentence.
    """

    path: Movement
    pair: Pair
    angle_deg: Array
    gap_mm: Array
    error_mm: Array
    narrowest: int
    change_mm: float
    levels: tuple[Level, ...]
    sub_part: str
    percentile: float | None
    n_reference: int | None
    n_touching: int | None
    words: str


def all_poses() -> tuple[PoseSet, dict[str, slice]]:
    """The poses of every path in one set, and which of them belong to each path."""
    pieces = [pose_path([path.start_deg, path.end_deg]).angles_deg for path in PATHS]
    ends = np.cumsum([len(piece) for piece in pieces])
    spans = {
        path.name: slice(int(end) - len(piece), int(end))
        for path, piece, end in zip(PATHS, pieces, ends, strict=True)
    }
    return PoseSet("examinations", np.concatenate(pieces), *ZEROS), spans


def gaps_of_paths(hip: Hip, *, jobs: int = 1) -> tuple[dict[tuple[str, Pair], Clearance], dict[Pair, str]]:
    """Gaps along every path, for the pairs it is about.

    Parameters
    ----------
    hip : Hip
    jobs : int

    Returns
    -------
    gaps : dict of (path name, pair) to Clearance
    reasons : dict of pair to str
        Why a pair has none.
    """
    gaps: dict[tuple[str, Pair], Clearance] = {}
    reasons: dict[Pair, str] = {}
    for pair in dict.fromkeys(pair for path in PATHS for pair in path.pairs):
        wanted = [path for path in PATHS if pair in path.pairs]
        pieces = [pose_path([path.start_deg, path.end_deg]).angles_deg for path in wanted]
        together = PoseSet("examinations", np.concatenate(pieces), *ZEROS)
        try:
            found, _ = pair_gaps(hip, together, (pair,), jobs=jobs)
        except CannotMeasure as refusal:
            reasons[pair] = str(refusal)
            continue
        start = 0
        for path, piece in zip(wanted, pieces, strict=True):
            gaps[path.name, pair] = cut(found[pair], slice(start, start + len(piece)), path.name)
            start += len(piece)
    return gaps, reasons


def cut(found: Clearance, rows: slice, name: str) -> Clearance:
    """Some poses of a clearance, in order, as a path."""
    poses = found.poses
    part = PoseSet(name, poses.angles_deg[rows], poses.pelvic_zero, poses.rotation_zero, "path")
    return Clearance(
        *(found.side, found.pair, part, found.gap_mm[rows], found.on_femur_mm[rows]),
        *(found.on_hip_bone_mm[rows], found.sub_part[rows], found.sub_parts, found.joint),
        found.error_mm[rows],
    )


def examine(
    hip: Hip, reference: Mapping[tuple[str, Pair], Reference] | None = None, *, jobs: int = 1
) -> tuple[tuple[Finding, ...], dict[str, str]]:
    """Run every examination on a hip.

    Parameters
    ----------
    hip : Hip
    reference : mapping of (path name, pair) to Reference, optional
        Reference people in the same poses.
    jobs : int
        Threads; the result does not depend on it.

    Returns
    -------
    findings : tuple of Finding
        In the order of ``PATHS`` and of their pairs.
    reasons : dict of str to str
        By path name, why it has no finding.

    Examples
    --------
    >>> from ischio import phantoms
    >>> from ischio.types import Side
    >>> findings, reasons = examine(phantoms.hip(Side.LEFT))
    >>> findings[0].path.name, round(findings[0].gap_mm[0].item(), 3)
    ('ifi_test_neutral', 12.0)
    """
    gaps, lacking = gaps_of_paths(hip, jobs=jobs)
    findings, reasons = [], {}
    for path in PATHS:
        if not any((path.name, pair) in gaps for pair in path.pairs):
            reasons[path.name] = "; ".join(dict.fromkeys(lacking[pair] for pair in path.pairs))
        for pair in path.pairs:
            if (path.name, pair) in gaps:
                relief = gaps.get((path.relief_of, pair)) if path.relief_of else None
                known = (reference or {}).get((path.name, pair))
                findings.append(finding(path, gaps[path.name, pair], known, relief))
    return tuple(findings), reasons


def finding(
    path: Movement, found: Clearance, reference: Reference | None, relief: Clearance | None
) -> Finding:
    """What there is to say of one pair along one path.

    Parameters
    ----------
    path : Movement
    found : Clearance
        Along the path.
    reference : Reference or None
    relief : Clearance or None
        The same movement without abduction, for the sentence on relief.

    Returns
    -------
    Finding
    """
    gap = found.gap_mm
    column, sign = MOVING[path.moving]
    angle = np.round(sign * found.poses.angles_deg[:, column], 9) + 0.0
    levels = tuple(Level(level, _first(angle, gap <= level)) for level in LEVELS_MM)
    touches = gap <= 0
    # Behind the first contact the path cannot be walked: that pose is its narrowest.
    narrowest = int(np.argmax(touches)) if touches.any() else int(np.argmin(gap))
    percentile = n_reference = n_touching = None
    if reference is not None:
        others = reference.gap_mm
        n_reference = len(others)
        n_touching = int((others.min(axis=1) <= 0).sum())
        percentile = percentile_of(gap[narrowest], others[:, narrowest])
    change = float(gap[-1] - gap[0])
    words = _sentence(path, found, angle, narrowest, change, reference, percentile, n_touching, relief)
    return Finding(
        *(path, found.pair, angle, gap, found.error_mm, narrowest, change, levels),
        found.sub_parts[int(found.sub_part[narrowest])],
        *(percentile, n_reference, n_touching, words),
    )


def percentile_of(value: float, others: Array) -> float:
    """Share of others below a value, those that equal it half, in percent; all contact is equal.

    Examples
    --------
    >>> percentile_of(3.0, np.array([1.0, 3.0, 5.0, 7.0]))
    37.5
    >>> percentile_of(-2.0, np.array([-5.0, -1.0, 4.0, 6.0]))
    25.0
    """
    value, others = max(value, 0.0), np.maximum(others, 0.0)
    return float(100 * ((others < value).mean() + (others == value).mean() / 2))


def _first(angle: Array, is_down: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float | None:
    """First angle at which something holds."""
    return float(angle[int(np.argmax(is_down))]) if is_down.any() else None


def _sentence(
    path: Movement,
    found: Clearance,
    angle: Array,
    narrowest: int,
    change: float,
    reference: Reference | None,
    percentile: float | None,
    n_touching: int | None,
    relief: Clearance | None,
) -> str:
    """One sentence a clinician would write: what happened to the gap, where, and how common that is."""
    gap = found.gap_mm
    what = PAIR_WORDS[found.pair]
    part = found.sub_parts[int(found.sub_part[narrowest])]
    place = f" at the ischial {part}" if found.pair[1] == "ischium" else ""
    words = f"{EXAMINATIONS[path.examination]}, {path.words}: the gap of {what} "
    at = f"{angle[narrowest]:.0f} degrees of {path.moving}"
    if path.moving == "external rotation" and angle[narrowest] < 0:
        at = f"{-angle[narrowest]:.0f} degrees of internal rotation"
    if gap[narrowest] <= 0:
        words += f"is {max(gap[0], 0):.1f} mm at the start and closes to bone contact at {at}{place}"
        if narrowest == 0:
            words = words.replace("is 0.0 mm at the start and closes to bone", "is bone", 1)
    else:
        trend = "closes" if change < -ROUNDING_MM else "opens" if change > ROUNDING_MM else "goes"
        words += f"{trend} from {gap[0]:.1f} to {gap[-1]:.1f} mm"
        if narrowest not in (0, len(gap) - 1):
            words += f", narrowest {gap[narrowest]:.1f} mm at {at}"
        words += place
    if relief is not None:
        more = max(gap[-1], 0.0) - max(relief.gap_mm[-1], 0.0)
        side = "wider" if more >= 0 else "narrower"
        words += f", and at the end is {abs(more):.1f} mm {side} than without abduction"
    if reference is not None and percentile is not None:
        words += (
            f"; percentile {percentile:.0f} among {len(reference.gap_mm)} {reference.people} in the same "
            f"pose, of whom {n_touching} touch on this path"
        )
    return words + "."


def headline(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The first pair of each path."""
    return tuple(one for one in findings if one.pair == one.path.pairs[0])
