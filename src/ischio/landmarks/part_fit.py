"""The model laid anew over one part of a bone: what is found there must not hang on where the rest is cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array
from ischio.landmarks.findings import MAX_COEFFICIENT
from ischio.landmarks.grain import steady_sample
from ischio.landmarks.registration import ModelFit, fit_shape
from ischio.types import Bone

_MODES = (20, 20, 20, 20)
_N_SAMPLES = 2000


def laid_over_part(
    bone: Bone, fit: ModelFit, place_mm: Array, reach_mm: float, cover: NDArray[np.int64]
) -> ModelFit:
    """Lay the model over what lies within reach of a place.

    Parameters
    ----------
    bone : Bone
    fit : ModelFit
        The model laid over all of it.
    place_mm : array of shape (3,), mm
    reach_mm : float
    cover : int array
        Vertices of the model that must lie on the part.

    Returns
    -------
    ModelFit
        ``fit`` itself where the part leads away from all bones known.
    """
    triangles = bone.triangles_mm
    near = np.linalg.norm(bone.middles_mm - place_mm, axis=1) < reach_mm
    if not near.any():
        return fit
    points, normals = steady_sample(bone, triangles[near], _N_SAMPLES)
    part = fit_shape(fit, points, normals, cover, _MODES)
    return fit if np.abs(part.coefficients).max() > MAX_COEFFICIENT else part
