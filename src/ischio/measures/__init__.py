"""Published measures of a hip or a pelvis, one file each; a file in this folder is in the registry."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ischio.measures._bands import with_bands
from ischio.measures._conversion import Converted, convert_version, version_difference
from ischio.measures._registry import UNIT_POWERS, Measure, Reading, measure, registered, run, take
from ischio.measures._surface import HALF_MM, SURFACE_MM

__all__ = [
    "HALF_MM",
    "REGISTRY",
    "SURFACE_MM",
    "UNIT_POWERS",
    "Converted",
    "Measure",
    "Reading",
    "convert_version",
    "index_case_in_volume",
    "measure",
    "run",
    "take",
    "version_difference",
    "with_bands",
]

# Stands on a registered measure, so it comes behind the others.
from ischio.measures._in_volume import index_case_in_volume

for _name in sorted(module.name for module in iter_modules(__path__)):
    import_module(f"{__name__}.{_name}")

REGISTRY: tuple[Measure, ...] = registered()
