"""From a CT to a label map of hips, sacrum and lumbar vertebrae."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ischio._check import Array, InputError, complaint
from ischio.atlas.model import similarity, vertex_areas
from ischio.atlas.parts import part_model, pelvis_mean, pelvis_parts, socket, socket_of
from ischio.bones.exclude import marked_on, unseen
from ischio.bones.refine import sampled
from ischio.bones.segment.canals import sacral_canals
from ischio.bones.segment.doubts import (
    child_notes,
    cut_notes,
    missing_femora,
    missing_hip_note,
    small_bones,
    touched_note,
    without_prostheses,
    words_of,
)
from ischio.bones.segment.find import (
    THIN_HIGH_HU,
    THIN_LOW_HU,
    EdgeField,
    HipGuess,
    Placed,
    femur_turns,
    hip_guesses,
    knee_guess,
)
from ischio.bones.segment.fit import CUBE_MM, HIGH_HU, LOW_HU, Held, Laid, lay, loosen, without
from ischio.bones.segment.grid import coarse, fine, spacing_mm, upright, within_scan
from ischio.bones.segment.growth import open_plates
from ischio.bones.segment.heads import part_heads
from ischio.bones.segment.mask import BONE_HU, bone_mask, touched_cm2
from ischio.bones.segment.sacroiliac import parted
from ischio.bones.segment.spine import spine_in_view, with_vertebrae
from ischio.bones.segment.territory import FAR_MM, distance_field, territories
from ischio.types import Side, Volume

Progress = Callable[[str, float], None]
Key = tuple[str, Side | None]

MIN_EDGE = (
    0.78  # of a hip bone's seen surface on edges of bone: right ones have 0.87 and more, wrong ones to 0.7
)
MIN_EDGE_ALONE = 0.85  # of a femur without its hip bone
_CLEARLY = 0.03
MIN_EDGE_JOINED = 0.68  # of a bone whose place is known from a laid hip bone: right ones have 0.74 and more
MIN_SEEN = 0.06  # of a bone's surface
_LEAST_MM = 70.0  # of a bone, corner to corner: less tells nothing, and landmarks refuse a bone under 60
_MIN_OTHER = 0.3  # of a hip bone's surface is in view, then it is missed: a symphysis alone is no hip
_MIN_SACRUM = 0.2  # less tells nothing of it
_SMALLEST_SCAN_MM = 60.0  # a child's hip joint alone is as large
_WIDEST_SCAN_MM, _LONGEST_SCAN_MM = 1200.0, 2500.0  # the widest fields of view have 850; nobody is longer
_SCALES = (0.75, 1.3)
_CHILD_SCALES = (0.55, 0.7)
_SMALLEST = 0.5  # smaller is no child's whose hip is bone
MIN_EDGE_CHILD = 0.85  # of a child's hip bone: in a chest small ones reach 0.75
_CONDYLES_MM = 40.0  # of a femur's lower end
_HEAD_SIGMA_MM = 2.0
_SAME_SIZE = 0.07  # one person's femur and hip bone, against the means
_FIRST = ((12.0, 0, 3), (8.0, 0, 3))
_LAST = ((8.0, 10, 3), (6.0, 16, 4), (5.0, 25, 5))
_LOOSE_MM = 2.0  # a femur that goes further without the socket's hold goes astray, as beside a nail
_N_TRIED = 2
_MARGIN_MM = 14.0
_TAIL_MM = 24.0  # around the sacrum's laid tip, bone that is one with it is its own
_STIFF_MM = 2.0  # as far the model's shape alone may be off
_JOINT_MM = 4.0  # as near to another bone there may be cartilage
_FAT_HU = -30.0  # there the surface was drawn in rightly


@dataclass(frozen=True, slots=True, eq=False)
class Segmented:
    """Labels of bones, and what there is to say of them."""

    labels: Volume
    laid: dict[Key, Laid]
    notes: tuple[str, ...]


def segment_ct(scan: Volume, *, exclude: Volume | None = None, progress: Progress | None = None) -> Segmented:
    """Label hip bones, femora, sacrum and lumbar vertebrae in a CT.

    Parameters
    ----------
    scan : Volume
        In HU; any grid, one side or both, cut as it may be.
    exclude : Volume, optional
        Not 0 where voxels are not to be used: there bone is what the laid models say.
    progress : callable of (str, float), optional

    Returns
    -------
    Segmented

    Raises
    ------
    InputError
        If no adult hip or femur is found, or the scan's size is none that a person's has.
    """

    def tell(words: str, fraction: float) -> None:
        if progress is not None:
            progress(words, fraction)

    if scan.unit != "HU":
        raise InputError(
            complaint(
                "the scan",
                f"{scan.modality or 'values'} without Hounsfield units",
                "a CT",
                "Bones are found by themselves in a CT alone; for an MR mark points in it and pass "
                "--fit-points FILE.mrk.json, or pass labels or surfaces.",
            )
        )
    _check_extent(scan)
    scan = upright(scan)
    tell("looking for hips", 0.0)
    field = EdgeField(scan)
    grid = within_scan(coarse(scan, CUBE_MM, LOW_HU, HIGH_HU), scan)
    if exclude is not None:
        grid = unseen(grid, exclude)
    tell("laying the hips", 0.1)
    laid = _laid_hips(field, grid)
    if not laid:
        tell("looking for hips of thin bone", 0.3)
        faint = EdgeField(scan, low_hu=THIN_LOW_HU, high_hu=THIN_HIGH_HU)
        laid = _laid_hips(faint, grid)
    missing = _missing_hip(laid, grid)
    laid, notes = without_prostheses(laid, scan)
    if not laid and not notes:
        tell("looking for a knee", 0.35)
        laid = _laid_knee(field, grid)
    if not laid:
        tell("looking for a child's hips", 0.4)
        notes = notes or child_notes(_small_hips(field, grid))
        raise InputError(
            complaint(
                "the scan",
                "; ".join(("no hip bone of an adult", *notes)),
                "a CT of an adult's hip, pelvis or knee",
                "Check the scan and its orientation, or pass labels.",
            )
        )
    tell("laying the sacrum", 0.4)
    laid.update(_laid_sacrum(laid, grid))
    for side in Side:
        hip_bone, sacrum = laid.get(("hip_bone", side)), laid.get(("sacrum", None))
        if hip_bone is not None and sacrum is not None:
            laid["sacrum", None], laid["hip_bone", side] = parted(sacrum, hip_bone, scan, exclude)
    if missing is not None:
        notes += (missing_hip_note(missing.side),)
    notes += missing_femora(laid, scan) + small_bones(laid) + open_plates(laid, scan)
    stiff = dict(laid)
    for key in laid:
        others = [one for other, one in laid.items() if other != key]
        laid[key] = loosen(laid[key], without(grid, others, np.nan))
    tell("cutting out the bones", 0.5)
    points = np.concatenate([one.vertices_mm[one.seen] for one in laid.values()])
    volume = fine(scan, points.min(axis=0) - _MARGIN_MM, points.max(axis=0) + _MARGIN_MM)
    with ThreadPoolExecutor(max_workers=1) as pool:
        sacrum = laid.get(("sacrum", None))
        looked = None if sacrum is None else pool.submit(spine_in_view, scan, sacrum, volume)
        found, touching = _labelled(volume, laid, stiff, exclude, tell)
        spine = None if looked is None else looked.result()
    if spine is not None and ("sacrum", None) in found.laid:
        tell("telling lumbar vertebrae apart", 0.95)
        labels, said = with_vertebrae(found.labels, spine)
        found, notes = replace(found, labels=labels), (*notes, *said)
    for one in touching:  # what turned out to be a vertebra, or a process of the sacrum, is no stranger
        strange = one.touching & (found.labels.values[one.box] == 0)
        notes += touched_note(*one.key, touched_cm2(strange, spacing_mm(volume)))
    notes += cut_notes(found.labels, volume)
    return replace(found, notes=(*notes, *found.notes))


def _check_extent(scan: Volume) -> None:
    """Refuse what no scan of a person is: searched in millimetres it takes gigabytes, or shows nothing."""
    extent = spacing_mm(scan) * scan.values.shape
    _, across, longest = np.sort(extent)
    if longest < _SMALLEST_SCAN_MM or across > _WIDEST_SCAN_MM or longest > _LONGEST_SCAN_MM:
        raise InputError(
            complaint(
                "the scan",
                " x ".join(f"{mm:.0f}" for mm in extent) + " mm",
                f"{_SMALLEST_SCAN_MM:.0f} to {_LONGEST_SCAN_MM:.0f} mm, at most {_WIDEST_SCAN_MM:.0f} across",
                "Check the unit of its voxels' size: millimetres.",
            )
        )


def _laid_hips(field: EdgeField, grid: Volume) -> dict[Key, Laid]:
    """Hip bones and femora of both sides, which do not need each other."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(lambda side: _laid_hip(hip_guesses(field, side, _N_TRIED), grid), Side)
        laid = {key: one for hip in found for key, one in hip.items()}
    missing = _missing_hip(laid, grid)
    return laid if missing is None else laid | _laid_hip([missing], grid)


def _missing_hip(laid: dict[Key, Laid], grid: Volume) -> HipGuess | None:
    """Where the other hip bone should be seen if one is laid alone."""
    sides = [side for side in Side if ("hip_bone", side) in laid]
    if len(sides) != 1:
        return None
    found, wanted = sides[0], sides[0].other
    start, points = _from_pelvis(laid, [("hip_bone", found)], ("hip_bone", wanted))
    is_in_view = np.isfinite(sampled(grid, points, order=0)).mean() > _MIN_OTHER
    return HipGuess(wanted, 0.0, start, start) if is_in_view else None


def _laid_hip(guesses: list[HipGuess], grid: Volume) -> dict[Key, Laid]:
    """Hip bone and femur of one side, as far as they are there."""
    best: dict[Key, Laid] = {}
    for guess in guesses:
        side = guess.side
        hip_bone = lay(part_model("hip_bone", side), guess.hip_bone, grid)
        if not _is_there(hip_bone):
            continue
        found: dict[Key, Laid] = {("hip_bone", side): hip_bone}
        femur = _laid_femur(side, guess, loosen(hip_bone, grid), grid)
        if femur is not None:
            found["femur", side] = femur
        if _worth(found) > _worth(best):
            best = found
    return best


def _small_hips(field: EdgeField, grid: Volume) -> list[Laid]:
    """Hip bones too small for an adult's, where no adult's are."""
    guesses = [one for side in Side for one in hip_guesses(field, side, 1, scales=_CHILD_SCALES)]
    laid = [lay(part_model("hip_bone", guess.side), guess.hip_bone, grid) for guess in guesses]
    return [
        one
        for one in laid
        if one.edge_fraction >= MIN_EDGE_CHILD and one.seen_fraction >= MIN_SEEN and one.scale > _SMALLEST
    ]


def _laid_knee(field: EdgeField, grid: Volume) -> dict[Key, Laid]:
    """The femur of a knee. One knee fits both models nearly alike: the better one must be clearly better."""
    found = {side: lay(part_model("femur", side), knee_guess(field, side), grid) for side in Side}
    better = max(Side, key=lambda side: found[side].edge_fraction)
    margin = 2 * found[better].edge_fraction - sum(one.edge_fraction for one in found.values())
    is_clear = _is_there(found[better], MIN_EDGE_ALONE) and _has_condyles(found[better]) and margin > _CLEARLY
    return {("femur", better): found[better]} if is_clear else {}


def _has_condyles(femur: Laid) -> bool:
    """Whether a femur's lower end is in view: a shaft alone looks like any tube."""
    height = femur.model.mean_mm[:, 2] - femur.model.mean_mm[:, 2].min()
    return bool(femur.seen[height < _CONDYLES_MM].mean() > 0.5)


def _laid_femur(side: Side, guess: HipGuess, hip_bone: Laid, grid: Volume) -> Laid | None:
    """The femur whose head lies in a laid hip bone's socket."""
    cup = socket_of("hip_bone", side, hip_bone.vertices_mm)
    head = socket(side)[1]
    rest = without(grid, [hip_bone])
    held = Held(head, cup, _HEAD_SIGMA_MM, hip_bone.scale, _SAME_SIZE)
    model = part_model("femur", side)
    tried: list[tuple[float, int, Placed]] = []
    for turn in (guess.femur.rotation, *femur_turns(side)):
        start = Placed(hip_bone.scale, turn, cup - hip_bone.scale * turn @ head)
        first = lay(model, start, rest, rounds=_FIRST, held=held, n_points=500)
        tried.append((-first.edge_fraction, len(tried), start))
    femur = lay(model, min(tried)[2], rest, held=held)
    if not _is_there(femur, MIN_EDGE_JOINED):
        return None
    # The socket's surface held the head so far. Where cartilage is gone it may lie in the head itself.
    start = Placed(*similarity(model.mean_mm, femur.vertices_mm, vertex_areas(model.mean_mm, model.faces)))
    free = lay(model, start, without(grid, [hip_bone], np.nan), rounds=_LAST, held=held)
    moved = np.linalg.norm(free.vertices_mm - femur.vertices_mm, axis=1)[femur.seen]
    return (
        replace(femur, vertices_mm=free.vertices_mm, scale=free.scale) if moved.mean() < _LOOSE_MM else femur
    )


def _worth(found: dict[Key, Laid]) -> float:
    """How much surface is explained."""
    return sum(one.edge_fraction * one.seen_fraction for one in found.values())


def _is_there(one: Laid, least: float = MIN_EDGE) -> bool:
    """Whether a laid model shows a bone."""
    low, high = _SCALES
    return one.edge_fraction >= least and one.seen_fraction >= MIN_SEEN and low < one.scale < high


def _from_pelvis(laid: dict[Key, Laid], keys: list[Key], wanted: Key) -> tuple[Placed, Array]:
    """Where a bone of the mean pelvis lies beside bones that are laid, and its vertices there."""
    parts, mean = pelvis_parts(), pelvis_mean()
    source = np.concatenate([mean[parts[key].vertices] for key in keys])
    target = np.concatenate([laid[key].vertices_mm for key in keys])
    scale, rotation, offset = similarity(source, target, np.ones(len(source)))
    model = part_model(*wanted)
    placed = scale * mean[parts[wanted].vertices] @ rotation.T + offset
    return Placed(*similarity(model.mean_mm, placed, vertex_areas(model.mean_mm, model.faces))), placed


def _laid_sacrum(laid: dict[Key, Laid], grid: Volume) -> dict[Key, Laid]:
    """The sacrum, from where it lies between the hip bones of the mean pelvis."""
    keys = [key for key in laid if key[0] == "hip_bone"]
    if not keys:
        return {}
    model, (start, _) = part_model("sacrum", None), _from_pelvis(laid, keys, ("sacrum", None))
    rounds = ((10.0, 2, 4), (8.0, 6, 4), (6.0, 12, 5), (5.0, 25, 5))
    # The inner edge of an ilium's cortex is steeper than the sacrum's own edge beside it.
    sacrum = lay(model, start, without(grid, [laid[key] for key in keys], np.nan), rounds=rounds)
    is_there = _is_there(sacrum, MIN_EDGE_JOINED) and sacrum.seen_fraction >= _MIN_SACRUM
    return {("sacrum", None): sacrum} if is_there else {}


def _labelled(
    volume: Volume, laid: dict[Key, Laid], stiff: dict[Key, Laid], exclude: Volume | None, tell: Progress
) -> tuple[Segmented, list[_CutOut]]:
    """The label map on the grid of a volume, from models as laid at last and before they were loosened."""
    from scipy.ndimage import gaussian_filter

    spacing = spacing_mm(volume)
    with ThreadPoolExecutor(max_workers=2) as pool:
        fields = list(pool.map(partial(_field, grid=volume), laid.values()))
    tell("telling touching bones apart", 0.6)
    owner = territories(volume.values, fields, spacing)
    part_heads(owner, laid, dict(zip(laid, fields, strict=True)), volume)
    smooth = gaussian_filter(volume.values, 0.4 / spacing)
    hidden = None if exclude is None else marked_on(exclude, volume)
    labels = np.zeros(volume.values.shape, dtype=np.uint8)
    names: dict[int, str] = {}
    notes: tuple[str, ...] = ()
    cut_outs: list[_CutOut] = []

    def cut_out(number: int, key: Key) -> _CutOut:
        field, is_sacrum = fields[number - 1], key[0] == "sacrum"
        box = _box(field < (FAR_MM if is_sacrum else 8.0))
        if is_sacrum:  # its tail goes on below
            more = int(np.ceil((_TAIL_MM - FAR_MM) / spacing[2]))
            box = (*box[:2], slice(max(0, box[2].start - more), box[2].stop))
        before = _field(stiff[key], volume)[box]
        # Where an edge inside the bone drew the surface in, the model's shape is nearer to the truth.
        inner = np.where(smooth[box] > _FAT_HU, np.minimum(field[box], before + _STIFF_MM), field[box])
        is_joint = np.any([other[box] < _JOINT_MM for other in fields if other is not field], axis=0)
        is_joint = np.broadcast_to(is_joint, inner.shape)
        is_own = owner[box] == number
        bone = bone_mask(smooth[box], inner, is_own, is_joint, spacing, by_slice=not is_sacrum, stiff=before)
        return _CutOut(key, box, bone.voxels, is_own & (inner < 0.0), bone.touching)

    with ThreadPoolExecutor(max_workers=2) as pool:
        found = pool.map(cut_out, count(1), laid)
        for number, one in enumerate(found, start=1):
            (name, side), box, mask, modelled, _ = one
            tell(f"filling the {name.replace('_', ' ')}", 0.7 + 0.05 * number)
            if name == "sacrum":  # laid last: the others are labelled
                part = replace(volume, values=volume.values[box], patient_from_voxel=_moved(volume, box))
                is_other = labels[box] > 0
                field = fields[number - 1][box]
                mask &= ~sacral_canals(part, smooth[box], field, laid[name, side], is_other)
                mask |= _tail(part, smooth[box], mask, laid[name, side]) & ~is_other
            if hidden is not None:
                mask = np.where(hidden[box], modelled, mask)
            if _size_mm(mask, spacing) < _LEAST_MM:
                notes += (f"{words_of(name, side)}: left out, too little of it is in view",)
                continue
            labels[box][mask] = number
            cut_outs.append(one)
            names[number] = name if side is None else f"{name}_{side.value}"
    if not names:
        got, expected = "; ".join(notes), f"at least {_LEAST_MM:.0f} mm of a bone"
        raise InputError(complaint("the scan", got, expected, "Extend the field of view, or pass labels."))
    out = replace(volume, values=labels, modality="labels", unit="1", names=names)
    kept = {key: one for number, (key, one) in enumerate(laid.items(), start=1) if number in names}
    return Segmented(out, kept, notes), cut_outs


def _size_mm(mask: NDArray[np.bool_], spacing: Array) -> float:
    """A bone's size, corner to corner."""
    return float(np.linalg.norm([s.stop - s.start for s in _box(mask)] * spacing)) if mask.any() else 0.0


class _CutOut(NamedTuple):
    """Where a bone lies, its voxels there, those that the laid model alone says, and what touches it."""

    key: Key
    box: tuple[slice, slice, slice]
    mask: NDArray[np.bool_]
    modelled: NDArray[np.bool_]
    touching: NDArray[np.bool_]


def _field(laid: Laid, grid: Volume) -> NDArray[np.float32]:
    """Distance from a laid model."""
    return distance_field(laid.vertices_mm, laid.model.faces, grid)


def _tail(
    part: Volume, values: NDArray[np.float32], sacrum: NDArray[np.bool_], laid: Laid
) -> NDArray[np.bool_]:
    """Bone that goes on beyond the sacrum's laid tip: tips differ most, and a coccyx may be one with it."""
    from scipy.ndimage import binary_propagation

    tip = laid.vertices_mm[np.argmin(laid.vertices_mm[:, 2])]
    back = np.linalg.inv(part.patient_from_voxel)
    voxel, size = back[:3, :3] @ tip + back[:3, 3], spacing_mm(part)
    index = np.ogrid[tuple(slice(n) for n in sacrum.shape)]
    i, j, k = (step * (n - at) for step, n, at in zip(size, index, voxel, strict=True))
    near = i**2 + j**2 + k**2 < _TAIL_MM**2
    out: NDArray[np.bool_] = binary_propagation(sacrum, mask=sacrum | ((values > BONE_HU) & near))
    return out


def _moved(volume: Volume, box: tuple[slice, slice, slice]) -> Array:
    """Affine of a part of a volume."""
    out: Array = volume.patient_from_voxel.copy()
    out[:3, 3] += out[:3, :3] @ [one.start for one in box]
    return out


def _box(mask: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """Smallest box around a mask."""
    from scipy.ndimage import find_objects

    found: tuple[slice, slice, slice] = find_objects(mask.astype(np.uint8))[0]
    return found
