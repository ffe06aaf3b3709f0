"""From bones to a study, under settings that go out with the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ischio._check import AnatomyError, complaint, one_of
from ischio.bones.exclude import Excluded
from ischio.io.markups import MarkedPoint
from ischio.types import Bone, Side, Study, Volume

Progress = Callable[[str, float], None]
"""Called with what is being done, in words, and the fraction done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for.

    Parameters
    ----------
    axes : str
        Of the input: "LPS", "RAS" or "unknown".
    sides : tuple of Side
    sex : str or None
        "f" or "m".
    age_years : float or None
    posture : str
        "as_supplied", or "model" for people of the shape model.
    case_id : str
        Letters, digits, dot, dash and underscore; never taken from a folder or a name.

    Examples
    --------
    >>> Settings(sex="f").axes
    'LPS'
    """

    axes: str = "LPS"
    sides: tuple[Side, ...] = (Side.RIGHT, Side.LEFT)
    sex: str | None = None
    age_years: float | None = None
    posture: str = "as_supplied"
    case_id: str = "case"

    def __post_init__(self) -> None:
        one_of(self.axes, ("LPS", "RAS", "unknown"), "axes")
        one_of(self.sex, ("f", "m", None), "sex")
        one_of(self.posture, ("as_supplied", "model"), "posture")
        if not self.sides or not all(isinstance(side, Side) for side in self.sides):
            raise ValueError(complaint("sides", self.sides, "one Side or both", "Name at least one."))
        if self.age_years is not None and not 0 <= self.age_years <= 130:
            raise ValueError(complaint("age", self.age_years, "0 to 130 years", "Give the age in years."))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", self.case_id):
            raise ValueError(
                complaint(
                    "case id",
                    repr(self.case_id),
                    "1 to 64 letters, digits, dots, dashes or underscores",
                    "Choose a pseudonym that fits.",
                )
            )


def analyse(
    bones: tuple[Bone, ...],
    settings: Settings,
    *,
    notes: Iterable[str] = (),
    record: Mapping[str, Any] | None = None,
    marked: Iterable[MarkedPoint] = (),
    scan: Volume | None = None,
    exclude: Excluded | None = None,
    progress: Progress | None = None,
) -> Study:
    """Find landmarks and regions on bones and take every measure.

    Parameters
    ----------
    bones : tuple of Bone
        Cleaned surfaces, as ``bones_from_input`` returns them.
    settings : Settings
    notes : iterable of str
        What was said while reading, carried into the result.
    record : mapping, optional
        The clinical record as ``record.summary_dict`` gives it, carried into the result.
    marked : iterable of MarkedPoint
        Landmarks that a person read, as ``read_markups`` returns them; they take the place of found ones,
        which are kept beside them.
    scan : Volume, optional
        The scan the bones were taken from: a CT shows metal and where the field of view ends.
    exclude : Excluded, optional
        Voxels of the scan that were not used: what stands on bone there is voided or in doubt.
    progress : callable, optional
        ``progress(words, fraction)``.

    Returns
    -------
    Study
        With what quality control found, and its doubts carried to the measurements.

    Raises
    ------
    AnatomyError
        If the bones contradict their names, the declared axes or each other, or a marked point is not on
        its bone.
    """
    from ischio.bones.quality import METAL_KINDS, bone_findings
    from ischio.landmarks import find_pelvis, with_read_points
    from ischio.measures import run, with_bands
    from ischio.study.doubt import carried, hip_findings
    from ischio.study.left_out import excluded_findings, without_excluded

    tell = progress or _silent
    with ThreadPoolExecutor(max_workers=1) as pool:  # neither needs the other
        checked = pool.submit(bone_findings, bones, scan=scan)
        try:
            pelvis, warnings = find_pelvis(
                bones, axes=settings.axes, sides=settings.sides, posture=settings.posture, progress=tell
            )
        except AnatomyError as error:
            metal = [one.words for one in checked.result() if one.kind in METAL_KINDS]
            if not metal:
                raise
            # Streaks and implants deform surfaces until they contradict their names: the likely reason.
            raise AnatomyError(f"{error} Seen on the scan: {'; '.join(metal)}.") from error
        seen = checked.result()
    marked = tuple(marked)
    wanted = [point for point in marked if point.side is None or point.side in settings.sides]
    if wanted:
        read = with_read_points(pelvis, wanted, warnings=warnings)
        pelvis, warnings = read.pelvis, read.warnings
        notes = (*notes, *read.notes)
    if len(wanted) < len(marked):
        notes = (*notes, f"markups: {len(marked) - len(wanted)} of the other side left alone")
    tell("measuring", 0.0)
    measurements = run(pelvis, settings.sides)
    findings = (*seen, *hip_findings(pelvis))
    if exclude is not None:
        findings = (*findings, *excluded_findings(bones, pelvis, exclude))
    measurements, quality = carried(measurements, pelvis, findings)
    if exclude is not None:
        measurements = without_excluded(measurements, exclude)
    measurements = with_bands(measurements, pelvis, sex=settings.sex, age_years=settings.age_years)
    tell("measuring", 1.0)
    return Study(
        case_id=settings.case_id,
        pelvis=pelvis,
        bones=bones,
        measurements=measurements,
        settings={
            "axes": settings.axes,
            "sides": [side.value for side in Side if side in settings.sides],
            "sex": settings.sex,
            "age_years": settings.age_years,
            "posture": settings.posture,
            **({} if exclude is None else {"exclude": exclude.provenance}),
        },
        notes=tuple(notes),
        warnings=tuple(warnings),
        record=record,
        quality=quality,
    )


def _silent(_words: str, _fraction: float) -> None:
    """Say nothing of the progress."""
