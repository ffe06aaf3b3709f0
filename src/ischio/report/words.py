"""How values and names are written on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ischio._check import spoken

GAP_SENTENCE = "Bone-to-bone distance, unloaded, in the pose shown; it does not diagnose impingement."
MODEL_SENTENCE = "Shape-model reconstruction in model posture; not a patient."

_NAMES = {
    **{name: name.capitalize() for name in ("hernandez", "lee", "murphy", "reikeras", "tomczak")},
    "mckibbin": "McKibbin",
}
_DECIMALS = {"mm": 1, "deg": 1, "mm2": 0, "mm3": 0}
_UNITS = {"mm2": "mm²", "mm3": "mm³", "deg": "°", "1": ""}
_POSTURES = {"as_supplied": "as supplied", "model": "model posture"}
_ZEROS = {
    "isb": "ISB (ASIS and mid-PSIS plane)",
    "app": "APP (anterior pelvic plane vertical)",
    "standing": "standing (gravity)",
    "table": "lying on the table (gravity)",
    "tea": "TEA (epicondyles)",
    "pca": "PCA (posterior condyles)",
}
_OFFSETS = {
    "app_minus_isb_flexion": "Flexion in the APP zero less that in the ISB zero",
    "pca_minus_tea_rotation": "Internal rotation in the PCA zero less that in the TEA zero",
    "head_to_socket": "Head centre to acetabular centre",
}


def number(value: float, unit: str) -> str:
    """A value with its unit, in the unit's usual decimals.

    Examples
    --------
    >>> number(5.0612, "mm"), number(412.4, "mm2"), number(-0.01, "deg")
    ('5.1 mm', '412 mm²', '0.0°')
    """
    return _with_unit(rounded(value, unit), unit)


def rounded(value: float, unit: str) -> str:
    """A value in the unit's usual decimals, without the unit; never "-0"."""
    places = _DECIMALS.get(unit, 2)
    return f"{round(float(value), places) + 0.0:.{places}f}"


def spread(sigma: float | None, unit: str) -> str:
    """A standard deviation; small ones keep a digit that is not zero.

    Examples
    --------
    >>> spread(0.62, "mm"), spread(0.012, "mm"), spread(0.0, "mm"), spread(None, "mm")
    ('0.6 mm', '0.01 mm', '0.0 mm', 'unknown')
    """
    if sigma is None:
        return "unknown"
    places = _DECIMALS.get(unit, 2)
    if 0 < sigma < 0.5 * 10**-places:
        return _with_unit(f"{sigma:.1g}", unit)
    return number(sigma, unit)


def plain(name: str) -> str:
    """A name from the code in words; the side of what lies on the midline is not spoken.

    Examples
    --------
    >>> plain("ischiofemoral_space_3d"), plain("lesser_trochanter_tip"), plain("asis")
    ('ischiofemoral space, 3-D', 'lesser trochanter tip', 'ASIS')
    >>> plain("left alpha_angle"), plain("none pelvic_incidence")
    ('left alpha angle', 'pelvic incidence')
    """
    said = spoken(name.removeprefix("none ").replace("_3d", ", 3-D"))
    return " ".join(_NAMES.get(word, word) for word in said.split(" "))


def heading(name: str) -> str:
    """A name from the code in words, with a capital."""
    words = plain(name)
    return words[:1].upper() + words[1:]


def posture_words(posture: str | None) -> str:
    """A posture in words.

    Examples
    --------
    >>> posture_words("as_supplied"), posture_words(None)
    ('as supplied', 'any posture')
    """
    return "any posture" if posture is None else _POSTURES.get(posture, plain(posture))


def offset_name(name: str) -> str:
    """An offset in words.

    Examples
    --------
    >>> offset_name("head_to_socket")
    'Head centre to acetabular centre'
    """
    return _OFFSETS.get(name, heading(name))


def published(band: Mapping[str, Any], unit: str) -> str:
    """A published value: mean with standard deviation, middle with range, or range alone.

    Examples
    --------
    >>> published({"mean": 22.9, "sd": 7.0, "low": 10.3, "high": 55.0}, "mm")
    '22.9 ± 7.0'
    >>> published({"mean": 14.2, "sd": None, "low": 7.4, "high": 20.4}, "deg")
    '14.2 [7.4 to 20.4]'
    >>> published({"mean": None, "sd": None, "low": 25.0, "high": None}, "deg")
    'over 25.0'
    """
    low, high = (None if band[key] is None else rounded(band[key], unit) for key in ("low", "high"))
    if band["mean"] is not None:
        middle = rounded(band["mean"], unit)
        if band["sd"] is not None:
            return f"{middle} ± {rounded(band['sd'], unit)}"
        return f"{middle} [{low} to {high}]" if low is not None and high is not None else middle
    if high is None:
        return f"over {low}"
    return f"{low} to {high}" if low is not None else f"under {high}"


def source_short(band: Mapping[str, Any]) -> str:
    """Who published a value, in short; unverified figures carry an asterisk.

    Examples
    --------
    >>> source_short({"source": "Hartel et al. 2016, PLoS One 11:e0152284", "sex": "f", "mark": "V"})
    'Hartel 2016, women'
    """
    who = str(band["source"]).split(",")[0].replace(" et al.", "").replace(" of the method", "")
    return who + {"f": ", women", "m": ", men"}.get(band["sex"], "") + ("*" if band["mark"] == "K" else "")


def pose_row(pose: Mapping[str, Any]) -> tuple[str, ...]:
    """A pose in five cells: three angles and both zeros."""
    angles = (pose[name] for name in ("flexion_deg", "adduction_deg", "internal_rotation_deg"))
    zeros = (pose[name] for name in ("pelvic_zero", "rotation_zero"))
    return (*(number(angle, "deg") for angle in angles), *(_ZEROS[zero] for zero in zeros))


def shown(value: object) -> str:
    """A setting or detail as text, whatever it holds; a unit in a name goes behind its value.

    Examples
    --------
    >>> shown({"area_mm2": 431.26, "rms_mm": 0.2})
    'area: 431.3 mm²; rms: 0.2 mm'
    >>> shown({"axes": "LPS", "sides": ["left", "right"], "limit": None, "share": 0.25, "fast": True})
    'axes: LPS; sides: left, right; limit: none; share: 0.25; fast: yes'
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return "; ".join(_entry(str(key), entry) for key, entry in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(shown(entry) for entry in value) or "none"
    return str(value)


def _entry(name: str, value: object) -> str:
    """One named value."""
    stem, _, unit = name.rpartition("_")
    if stem and unit in _DECIMALS and isinstance(value, int | float):
        return f"{plain(stem)}: {_with_unit(shown(value), unit)}"
    return f"{plain(name)}: {shown(value)}"


def _with_unit(digits: str, unit: str) -> str:
    """Digits and unit; the degree sign follows without a space."""
    word = _UNITS.get(unit, unit)
    return f"{digits}{word}" if word in ("", "°") else f"{digits} {word}"
