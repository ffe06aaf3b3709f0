"""Run the software against outside truth and make one table of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ischio.atlas import reconstruction
from ischio.types import Side
from ischio.validation import (
    coverage,
    invariance,
    judgement,
    medians,
    motion,
    mr,
    people,
    plan,
    scans,
    segmentation,
    versions,
)
from ischio.validation.left_out import left_out_rows
from ischio.validation.merged import merged_row
from ischio.validation.rows import Row, skipped, to_dict, to_markdown, to_text

__all__ = ["Row", "run", "to_dict", "to_markdown", "to_text"]

DEMO_PERSON = 18
INTERVAL_SEED = 20261128


def run(
    data: Path | None,
    *,
    orientations: int = 12,
    left_out: int = 2,
    every_ct: bool = False,
    progress: Callable[[str, float], None],
) -> list[Row]:
    """Compare the software with outside truth.

    Parameters
    ----------
    data : Path or None
        Folder of reference data with a folder ``bones``; rows that need it are skipped without.
    orientations : int
        Random directions tried for each of two people.
    left_out : int
        How many of the 26 people are searched with a shape model that does not know them.
    every_ct : bool
        Whether bones are found in every CT of the folder, and in CT made of everybody in it: an hour more.
    progress : callable
        ``progress(words, fraction)``.

    Returns
    -------
    list of Row
    """
    rows = invariance.orientation_rows(
        reconstruction(DEMO_PERSON), f"shape model's person {DEMO_PERSON}", orientations, progress
    )
    model = people.model_people(progress)
    rows += people.model_rows(model)
    rows += versions.version_rows((hip for one in model for hip in one.hips), "shape model", progress)
    found = medians.values_by_person({f"person {k}": one for k, one in enumerate(model)})
    rows += medians.median_rows(found, "shape model", progress)
    rows += medians.value_rows(found, "shape model", each=False)
    rows += left_out_rows(left_out, progress)
    rows += coverage.coverage_rows(coverage.PEOPLE, INTERVAL_SEED, progress)
    rows += judgement.judgement_rows()
    rows += segmentation.model_rows(progress)
    progress("the shape model's people in motion", 0.0)
    rows += motion.people_rows()
    progress("the shape model's people under the burr", 0.0)
    rows += plan.index_case_rows()
    rows += plan.hapa_rows((hip for one in model for hip in one.hips), "shape model")
    folder = data / "bones" / people.RATED if data is not None else None
    if folder is None or not folder.is_dir():
        rows.append(
            skipped(
                "people with raters, random directions, meshes", "mm", "reference data", "no --data folder"
            )
        )
        return rows
    rows += people.rater_rows(folder, progress)
    bones = people.read_person(folder)
    if every_ct:
        rows += segmentation.every_row(folder.parent, progress)
    else:
        rows += segmentation.person_rows(people.RATED, bones, progress)
    rows += mr.made_rows(people.RATED, bones, Side.LEFT, progress)
    rows += scans.scan_rows(folder.parent.parent, progress, tuple(scans.SCANS) if every_ct else scans.FEW)
    rows.append(merged_row(rows))
    rows += invariance.orientation_rows(bones, people.RATED, orientations, progress)
    real = {
        path.name: people.assessed(people.read_person(path))
        for path in sorted(folder.parent.iterdir())
        if path.is_dir()
    }
    rows += [row for who, one in real.items() for row in people.symmetry_rows(one, who)]
    one_by_one = (hip for one in real.values() for hip in one.hips)
    rows += versions.version_rows(one_by_one, "people with scans", progress)
    rows += medians.value_rows(medians.values_by_person(real), "people with scans", each=True)
    progress("people with scans under the burr", 0.0)
    rows += plan.hapa_rows((hip for one in real.values() for hip in one.hips), "people with scans")
    progress(f"{people.RATED} in motion", 0.0)
    whole = people.assessed(bones)
    rows += motion.relief_rows(whole, people.RATED) + motion.solver_rows(whole, people.RATED)
    thinned = people.assessed(invariance.thinned(bones))
    rows += motion.end_to_end_rows(whole, thinned, people.RATED, "thinned mesh")
    rows += motion.rater_rows(whole, people.rater_points(folder), people.RATED)
    for other in sorted(path for path in folder.parent.iterdir() if path.is_dir()):
        rows += invariance.mesh_rows(people.read_person(other), other.name, progress)
    return rows
