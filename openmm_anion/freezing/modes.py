"""Names of the frozen motions: any subset of translation, rotation and vibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from openmm_anion.errors import InputError
from openmm_anion.shape import Shape

Rotation = Literal["eckart", "angular-momentum"]

MODES = ("", "T", "R", "V", "TR", "TV", "RV", "TRV")
"""All eight combinations; the empty one is the free crystal."""

ROTATIONS: tuple[Rotation, ...] = ("eckart", "angular-momentum")
"""The definitions of frozen rotation."""


def parse_modes(text: str) -> str:
    """Return the frozen motions in the canonical order T, R, V.

    Parameters
    ----------
    text : str
        Letters in any order and case; ``""`` or ``"free"`` for none.

    Returns
    -------
    str
        Such as "TR"; "" for none.

    Raises
    ------
    InputError
        If a letter is not T, R or V, or stands twice.

    Examples
    --------
    >>> parse_modes("rt")
    'TR'
    """
    letters = "" if text.strip().lower() == "free" else text.strip().upper()
    for letter in letters:
        if letter not in "TRV":
            raise InputError(
                f"unknown mode letter {letter!r} in {text!r}; use T (translation), R (rotation), V "
                "(vibration), "
                "any combination of them, or 'free'"
            )
        if letters.count(letter) > 1:
            raise InputError(f"mode letter {letter!r} stands twice in {text!r}; give each letter once")
    return "".join(letter for letter in "TRV" if letter in letters)


def mode_name(modes: str) -> str:
    """Return the name used in tables and folders: the letters, or ``"free"``.

    Parameters
    ----------
    modes : str
        Canonical modes, see `parse_modes`.

    Returns
    -------
    str
        As `parse_modes` takes it.

    Examples
    --------
    >>> mode_name("TR"), mode_name("")
    ('TR', 'free')
    """
    return modes or "free"


def parse_rotation(text: str) -> Rotation:
    """Return the definition of frozen rotation, or explain which there are.

    Parameters
    ----------
    text : str
        ``"eckart"``: the orientation itself is held, ``sum m_i d_i x (x_i - c) = 0`` with the
        reference shape d (C. Eckart, Phys. Rev. 47, 552 (1935), doi:10.1103/PhysRev.47.552).
        ``"angular-momentum"``: the angular momentum of each anion about its centre is zero,
        ``sum m_i (x_i - c) x (v_i - v_c) = 0`` (J. Yang et al., arXiv:2404.15517); the orientation can creep
        through changes of the shape.

    Returns
    -------
    str
        The same.

    Raises
    ------
    InputError
        If it is another.

    Examples
    --------
    >>> parse_rotation("eckart")
    'eckart'
    """
    for known in ROTATIONS:
        if text == known:
            return known
    raise InputError(f"unknown definition of frozen rotation {text!r}; known: {', '.join(ROTATIONS)}")


def mode_names(modes: Iterable[str], rotations: Sequence[Rotation]) -> tuple[str, ...]:
    """Return a name for every combination of mode and definition of frozen rotation that is another run.

    With one definition these are the names of the modes. With several, those in which the definition makes a
    difference (R and TR, see `holds_orientation`) stand once for each; ``"eckart"`` keeps the plain name.

    Parameters
    ----------
    modes : iterable of str
        Letters in canonical order, or ``"free"``.
    rotations : sequence of {"eckart", "angular-momentum"}
        The definitions.

    Returns
    -------
    tuple of str
        In the order of the modes.

    Examples
    --------
    >>> mode_names(["free", "T", "R", "RV"], ["eckart", "angular-momentum"])
    ('free', 'T', 'R', 'R-angular-momentum', 'RV')
    """
    names = []
    for mode in modes:
        differs = len(rotations) > 1 and "R" in mode and "V" not in mode
        kept = rotations if differs else rotations[:1]
        names += [mode if not differs or each == ROTATIONS[0] else f"{mode}-{each}" for each in kept]
    return tuple(names)


def split_mode_name(name: str) -> tuple[str, Rotation | None]:
    """Return the letters of a mode and the definition of frozen rotation, if the name says it.

    Parameters
    ----------
    name : str
        One of `mode_names`.

    Returns
    -------
    letters : str
        Canonical modes; "" of the free one.
    rotation : str or None
        None where the name leaves it open.

    Examples
    --------
    >>> split_mode_name("R-angular-momentum"), split_mode_name("free")
    (('R', 'angular-momentum'), ('', None))
    """
    letters, _, definition = name.partition("-")
    return parse_modes(letters), parse_rotation(definition) if definition else None


def holds_orientation(modes: str, rotation: Rotation) -> bool:
    """Tell whether the orientation itself is held, not only its change.

    A rigid body without angular momentum keeps its orientation, so that with V frozen as well both
    definitions are the same.

    Parameters
    ----------
    modes : str
        Canonical modes.
    rotation : {"eckart", "angular-momentum"}
        Definition of frozen rotation.

    Returns
    -------
    bool
        Whether R is among the modes, and its orientation stays.

    Examples
    --------
    >>> [holds_orientation(modes, "angular-momentum") for modes in ("T", "TR", "RV")]
    [False, False, True]
    """
    return "R" in modes and (rotation == "eckart" or "V" in modes)


def removed_degrees_of_freedom(modes: str, n_atoms: int, shape: Shape) -> int:
    """Return how many degrees of freedom one anion loses.

    Parameters
    ----------
    modes : str
        Canonical modes.
    n_atoms : int
        Atoms of the anion.
    shape : {"linear", "planar", "general"}
        A linear anion has two rotations, every other three.

    Returns
    -------
    int
        Of the 3 n that it has.

    Examples
    --------
    >>> [removed_degrees_of_freedom(modes, 5, "general") for modes in ("T", "R", "V", "TRV")]
    [3, 3, 9, 15]
    """
    rotations = 2 if shape == "linear" else 3
    removed = {"T": 3, "R": rotations, "V": 3 * n_atoms - 3 - rotations}
    return sum(removed[letter] for letter in modes)
