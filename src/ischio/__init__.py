"""ischio: find, explain and plan the treatment of ischiofemoral impingement.

For research only; not a medical device.

The public names are loaded when they are first used, so importing the package is quick.

Examples
--------
>>> import ischio
>>> ischio.Settings(axes="RAS").axes
'RAS'
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "_check": ("AnatomyError", "CannotMeasure", "FrameMismatch", "InputError", "IschioError", "OutputError"),
    "types": (
        *("Bone", "Frame", "Hip", "Landmark", "Measurement", "Pelvis", "Pose", "Region", "Side", "Study"),
        "Transform",
    ),
    "atlas": ("reconstruction",),
    "io.case": ("read_input",),
    "io.markups": ("read_markups",),
    "bones.surface": ("bones_from_input",),
    "motion": ("clearance", "pose_grid"),
    "study": ("Settings", "analyse", "load_dict", "to_dict", "write"),
    "report.html": ("render_report",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__"]
__all__ += list(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'ischio' has no attribute {name!r}")
    return getattr(import_module(f"ischio.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted({*globals(), *__all__})
