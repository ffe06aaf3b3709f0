"""Every measure over many people, beside the published sources of that measure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from ischio.evidence import evidence
from ischio.evidence.rows import Band
from ischio.measures import REGISTRY, run
from ischio.types import Pelvis, Side
from ischio.validation.rows import Row, compared

FAR_SD = 2.0
"""A value farther than this from every source is listed by its person."""
_MIDDLE_HALF = "middle half"

Found = dict[str, dict[str, float]]


def values_by_person(people: Mapping[str, Pelvis]) -> Found:
    """Every value of every person: by measure, then by "person side"."""
    found: Found = {}
    for who, pelvis in people.items():
        for row in run(pelvis, tuple(Side)):
            if row.value is not None:
                side = "" if row.side is None else f" {Side(row.side).value}"
                found.setdefault(row.name, {})[f"{who}{side}"] = row.value
    return found


def sources_of(name: str) -> list[tuple[Band, float, float]]:
    """Sources of a measure with a spread, and the range of each: mean and one SD, or the middle half.

    Bands of gaps are left out: no published value holds in the model's posture. Those of children too.
    """
    out = []
    for band in evidence().bands:
        if band.measure != name or band.pose == "standing-like" or band.per_year:
            continue
        if band.mean is not None and band.sd:
            out.append((band, band.mean - band.sd, band.mean + band.sd))
        elif band.range_is == _MIDDLE_HALF and band.low is not None and band.high is not None:
            out.append((band, band.low, band.high))
    return out


def median_rows(found: Found, who: str, tell: Callable[[str, float], None]) -> list[Row]:
    """The median of every measure within the spread of a published source, and beside each source.

    Parameters
    ----------
    found : dict
        From ``values_by_person``.
    who : str
    tell : callable

    Returns
    -------
    list of Row
        One judged row for each measure that has a verified source: the median against the nearest one, within
        a standard deviation or the middle half; women and men of a source are one population, half of each,
        since nobody recorded these people's sex. Sources differ by more than their spreads, so no median can
        lie within all of them: the row says within how many it lies. Every source is shown besides as it was
        published, and one that lies farther off says why.
    """
    tell("medians of all measures", 0.0)
    medians = {name: float(np.median(list(values.values()))) for name, values in found.items()}
    rows: list[Row] = []
    for name, median in medians.items():
        sources = sources_of(name)
        verified = _of_both_sexes([one for one in sources if one[0].mark in ("V", "D")])
        if verified:
            parts = [abs(median - middle) / half for _, middle, half in verified]
            words, middle, half = verified[int(np.argmin(parts))]
            span = list(found[name].values())
            count = f"within {sum(part <= 1 for part in parts)} of {len(parts)} verified sources"
            note = f"{count}; from {min(span):.1f} to {max(span):.1f} in {len(span)}"
            what = f"{who}: {name}, median within the nearest source"
            rows.append(compared(what, middle, median, half, "deg", words, note))
        for band, low, high in sources:
            middle = (low + high) / 2
            line = compared(
                f"{who}: {name}, median",
                middle,
                median,
                (high - low) / 2,
                "deg",
                _words(band),
                _why(band, medians),
            )
            if band.sd:
                line = replace(
                    line, note="; ".join(filter(None, (f"{_off(median, band):+.1f} SD", line.note)))
                )
            rows.append(replace(line, verdict="shown"))
    tell("medians of all measures", 1.0)
    return rows


def _of_both_sexes(sources: list[tuple[Band, float, float]]) -> list[tuple[str, float, float]]:
    """Words, middle and half range of each source; women and men of one are put together, half of each."""
    by_source: dict[str, list[tuple[Band, float, float]]] = {}
    for one in sources:
        by_source.setdefault(one[0].source, []).append(one)
    out = []
    for of_source in by_source.values():
        middles = [(low + high) / 2 for _, low, high in of_source]
        halves = [(high - low) / 2 for _, low, high in of_source]
        words = "; ".join(_words(band) for band, _, _ in of_source)
        # The variance of a mixture: that within its parts and that between their means.
        half = float(np.sqrt(np.mean(np.square(halves)) + np.var(middles)))
        out.append((words, float(np.mean(middles)), half))
    return out


def value_rows(found: Found, who: str, *, each: bool) -> list[Row]:
    """Every measure of many people in one row, and who lies far from every source.

    Parameters
    ----------
    found : dict
        From ``values_by_person``.
    who : str
    each : bool
        Whether every value is listed, or only those that lie far off.

    Returns
    -------
    list of Row
        Shown, not judged: "ours" is the median.
    """
    units = {one.name: one.unit for one in REGISTRY}
    rows = []
    for name, values in found.items():
        far = far_off(name, values)
        parts = [_range(list(values.values()), units[name])]
        if each:
            parts.append(
                ", ".join(f"{person} {_said(value, units[name])}" for person, value in values.items())
            )
        if far:
            parts.append(f"beyond {FAR_SD:g} SD of every source: {', '.join(far)}")
        median = float(np.median(list(values.values())))
        source = "each person's own surface" if each else "shape model"
        what = f"{who}: {name}, all values"
        rows.append(Row(what, None, units[name], source, median, None, None, "shown", "; ".join(parts)))
    return rows


def far_off(name: str, values: Mapping[str, float]) -> list[str]:
    """Who lies beyond ``FAR_SD`` of every verified source of a measure, and how far off the nearest."""
    bands = [band for band, _, _ in sources_of(name) if band.sd and band.mark in ("V", "D")]
    out = []
    for person, value in values.items():
        nearest = min((_off(value, band) for band in bands), key=abs, default=0.0)
        if abs(nearest) > FAR_SD:
            out.append(f"{person} ({nearest:+.1f})")
    return out


def _off(value: float, band: Band) -> float:
    """Distance from the mean of a source in its standard deviations."""
    assert band.mean is not None  # asked for before
    assert band.sd
    return (value - band.mean) / band.sd


def _words(band: Band) -> str:
    """A source with its people."""
    sex = {"f": ", women", "m": ", men"}.get(band.sex or "", "")
    unverified = ", unverified" if band.mark == "K" else ""
    people = band.population if band.population in ("women", "men") else f"{band.population}{sex}"
    return f"{band.source}: {people}{unverified}"


def _said(value: float, unit: str) -> str:
    """A value in a note."""
    return f"{value:.2f}" if unit == "1" else f"{value:.1f}"


def _range(values: Iterable[float], unit: str) -> str:
    """Least and largest value."""
    values = list(values)
    return f"{_said(min(values), unit)} to {_said(max(values), unit)} in {len(values)}"


def _why(band: Band, medians: Mapping[str, float]) -> str:
    """Why a median may lie off one source, where its own paper or another tells."""
    why = _REASONS.get((band.measure, band.source, band.sex))
    return "" if why is None else why(medians)


def _waisbrod(medians: Mapping[str, float]) -> str:
    expected = 31 + 0.74 * medians["lesser_trochanter_version"]
    return (
        "its femora are more anteverted, 20 in the mean: its own regression, version = 31 + 0.74 x "
        f"trochanter, gives {expected:.1f} for a neck over our median, and Reikeras's method reads "
        f"{medians.get('femoral_version_reikeras', float('nan')):.1f}"
    )


def _dry(medians: Mapping[str, float]) -> str:
    return (
        "five 3-D methods read 8.2 to 13.2 on the same dry femora and ours in 3-D "
        f"{medians.get('femoral_version_isthmus_3d', float('nan')):.1f}, so the femora are alike; its Murphy "
        "reads no more than its 3-D methods, where every other source reads some 10 more"
    )


def _tilted(_medians: Mapping[str, float]) -> str:
    return (
        "its people lay as on the table, ours have the anterior pelvic plane upright: 5 degrees of tilt "
        "change this version by 2.5 to 5 (93 hips, Hip Int 2013;23:87-92); how the model's people would "
        "lie on a table nobody knows, so it cannot be measured as there"
    )


_REASONS: dict[tuple[str, str, str | None], Callable[[Mapping[str, float]], str]] = {
    (
        "lesser_trochanter_version",
        "Waisbrod et al. 2017, J Hip Preserv Surg 4:153-158",
        None,
    ): _waisbrod,
    ("femoral_version_murphy", "J Exp Orthop 2023, doi 10.1186/s40634-023-00679-9", None): _dry,
    ("acetabular_version_central", "CT series of 404 people", "m"): _tilted,
    ("acetabular_version_central", "CT series of 404 people", "f"): _tilted,
}
