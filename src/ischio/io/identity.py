"""Names of files and labels as results may hold them: those that could name a person are numbered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ischio.io import names

# Words of anatomy, of programs and of formats. A name made of these alone names nobody.
_WORDS = frozenset(
    "os bone bones hemi with without no and of the new old copy final mesh meshes surface model smooth "
    "smoothed decimated reduced segment segments segmentation segmentations seg mask masks label labels "
    "labelmap map result results output example test tests dataset scan series image volume ct mr mri pet "
    "t1 t2 pd fs dixon water in out phase lps ras raw total totalsegmentator v1 v2 ml merged combined all "
    "file files landmarks markups notes readme scans study studies dicom data patient case background "
    "nii gz nrrd mha mhd dcm ply stl obj vtp json txt csv html xml yaml zip label "
    "spleen kidney gallbladder liver stomach aorta inferior superior vena cava portal splenic pancreas "
    "adrenal gland lung upper middle lower lobe esophagus trachea thyroid small bowel duodenum colon urinary "
    "seminal heart atrium ventricle atrial appendage myocardium pulmonary brachiocephalic trunk subclavian "
    "carotid common iliac artery cord brain face costal cartilages maximus medius minimus erector sphincter "
    "quadratus femoris obturator internus externus piriformis hamstring hamstrings adductor magnus longus "
    "brevis gracilis sartorius rectus vastus lateralis medialis intermedius biceps semitendinosus "
    "semimembranosus gemellus pectineus tensor fasciae latae sciatic nerve tumor tumour lesion cyst "
    "proximal distal lateral medial anterior posterior cortical cortex trabecular shaft".split()
)
_KNOWN = _WORDS | frozenset(names.SIDE_WORDS) | names.bone_words()
_VERTEBRA = re.compile(r"[ctls]\d{1,2}|s[ct]l?\d?")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^A-Za-z\d]+")  # of FemurLeft, mesh3
_LONGEST_NUMBER = 2  # digits; longer ones may be dates or numbers of patients


def names_nobody(text: str) -> bool:
    """Whether a name is made of known words and small numbers alone.

    Parameters
    ----------
    text : str

    Examples
    --------
    >>> [names_nobody(text) for text in ("Femur_L.ply", "mesh 3.stl", "Meier_femur.ply", "19640229.nii")]
    [True, True, False, False]
    """
    parts: list[str] = []
    for word in re.split(r"[\W_]+", text):
        is_known = not word or _is_known(word.lower())
        parts += [word] if is_known else _PART.findall(word)
    strange = [part for part in parts if part and not _is_known(part.lower())]
    return len(strange) <= 1 and all(len(part) == 1 and part.isascii() for part in strange)


def _is_known(word: str) -> bool:
    """Whether a lower-case word names nobody."""
    if word.isdigit():
        return len(word) <= _LONGEST_NUMBER
    return word in _KNOWN or names.is_glued(word) or _VERTEBRA.fullmatch(word) is not None


def aliases(files: Iterable[str]) -> dict[str, str]:
    """A number in place of every file name that could name a person.

    Parameters
    ----------
    files : iterable of str
        In the order in which they are numbered.

    Examples
    --------
    >>> aliases(["femur_left.ply", "Meier.ply"])
    {'Meier.ply': 'file 2.ply', 'Meier': 'file 2'}
    """
    out: dict[str, str] = {}
    for n, name in enumerate(dict.fromkeys(files), start=1):
        if names_nobody(name):
            continue
        suffixes = "".join(part for part in Path(name).suffixes if names_nobody(part))
        out[name] = f"file {n}{suffixes}"
        bare = name.removesuffix(suffixes) if suffixes else name
        if len(bare) > 3:
            out.setdefault(bare, f"file {n}")
    return out


def without_names(text: str, replacements: dict[str, str]) -> str:
    """A text with every name that has an alias replaced, the longest first.

    Parameters
    ----------
    text : str
    replacements : dict of str to str
        As ``aliases`` gives them.

    Examples
    --------
    >>> without_names("left alone: Meier.ply", {"Meier.ply": "file 2.ply"})
    'left alone: file 2.ply'
    """
    if not replacements:
        return text
    longest_first = sorted(replacements, key=len, reverse=True)
    any_of = "|".join(map(re.escape, longest_first))
    return re.sub(rf"(?<![^\W_])(?:{any_of})(?![^\W_])", lambda found: replacements[found[0]], text)
