"""Attachment lost at three depths, beside what was measured on cadavers: shown as it comes out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ischio._check import CannotMeasure
from ischio.plan.cuts import parallel_plane_at_depth
from ischio.plan.footprint import footprint, lost
from ischio.plan.one_to_one import HAPA_PERCENT, HAPA_SOURCE, one_to_one
from ischio.plan.site import prepare, resect
from ischio.types import Hip
from ischio.validation.rows import Row, compared, skipped

LEAST_FEMORA = 6


def attachment_lost_percent(hip: Hip) -> dict[float, tuple[float, float, float]]:
    """Share of the iliopsoas's attachment that a cut parallel to the posterior cortex takes.

    Parameters
    ----------
    hip : Hip

    Returns
    -------
    dict of float to (float, float, float)
        By depth: of both patches, of psoas and of iliacus, in percent.

    Raises
    ------
    CannotMeasure
        If a landmark or frame is missing that the cut needs.
    """
    site = prepare(hip)
    where = footprint(site)
    out = {}
    for depth in HAPA_PERCENT:
        share = lost(where, site, resect(site, parallel_plane_at_depth(site, depth).tool))
        out[depth] = (
            100 * share.iliopsoas_fraction,
            100 * share.psoas_fraction,
            100 * share.iliacus_fraction,
        )
    return out


def hapa_rows(hips: Iterable[Hip], who: str) -> list[Row]:
    """One row for each depth: mean over femora beside the published mean.

    Parameters
    ----------
    hips : iterable of Hip
        Those without a femur or what the cut needs are left out.
    who : str

    Returns
    -------
    list of Row
        Not judged: the template is frozen, and the study's people are other ones.
    """
    found = []
    for hip in hips:
        try:
            found.append(attachment_lost_percent(hip))
        except CannotMeasure:
            continue
    quantity = f"iliopsoas attachment lost, {who}"
    if len(found) < LEAST_FEMORA:
        return [skipped(quantity, "%", HAPA_SOURCE, f"{len(found)} femora, fewer than {LEAST_FEMORA}")]
    rows = []
    for depth, (mean, spread) in HAPA_PERCENT.items():
        whole, psoas, iliacus = np.array([one[depth] for one in found]).T
        ours = float(whole.mean())
        rows.append(
            Row(
                f"{quantity}, {depth:g} mm deep",
                mean,
                "%",
                HAPA_SOURCE,
                ours,
                ours - mean,
                None,
                "shown",
                f"published SD {spread:g}; ours {whole.std(ddof=1):.0f} over {len(found)} femora, "
                f"{whole.min():.0f} to {whole.max():.0f}; of psoas {psoas.mean():.0f}, of iliacus "
                f"{iliacus.mean():.0f}; frozen template",
            )
        )
    return rows


_INDEX = {"right": (4.0, 13.0, 66.0), "left": (7.0, 10.0, 50.0)}
_INDEX_SOURCE = "Farrell 2022: stated spaces, 17 mm wanted; derived by arithmetic from Hapa 2018"
_WHOLE_PERCENT = 0.5  # the derived figures are whole percents


def index_case_rows() -> list[Row]:
    """Depth and attachment of the published case, if clearance grew one to one with depth.

    Returns
    -------
    list of Row
        What a simulation says instead stands in the plans of bones; the case's own bones are not published.
    """
    rows = []
    for side, (space, depth, percent) in _INDEX.items():
        ours = one_to_one(space, 17.0)
        note = f"space {space:g} mm as stated; one to one, no simulation: its bones are not published"
        what = f"published case, {side}: depth for 17 mm"
        rows.append(compared(what, depth, ours["depth_mm"], 1e-9, "mm", _INDEX_SOURCE, note))
        what = f"published case, {side}: attachment lost"
        lost_percent = 100 * ours["attachment_lost_fraction"]
        rows.append(compared(what, percent, lost_percent, _WHOLE_PERCENT, "%", _INDEX_SOURCE, note))
    return rows
