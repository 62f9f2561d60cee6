"""What the modes are called and how they are coloured, the same in every figure and sentence."""

from __future__ import annotations

from openmm_anion.comparison.results import FREE
from openmm_anion.freezing.modes import split_mode_name

MOTIONS = {"T": "translation", "R": "rotation", "V": "vibration"}

_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

_COLOURS = {
    FREE: "#1b1b1b",
    "T": "#0072B2",
    "R": "#D55E00",
    "V": "#009E73",
    "TR": "#CC79A7",
    "TV": "#56B4E9",
    "RV": "#E69F00",
    "TRV": "#7B6D8D",
    "R-angular-momentum": "#A03C00",
    "TR-angular-momentum": "#8F4F74",
}
"""Okabe and Ito's colours, told apart by colour-blind readers, one more, and two of them darker."""


def motion_words(mode: str) -> str:
    """Return the motions of a mode in words.

    Parameters
    ----------
    mode : str
        Name of a mode in which something is frozen.

    Returns
    -------
    str
        Without the word "frozen".

    Examples
    --------
    >>> motion_words("TRV")
    'translation, rotation and vibration'
    >>> motion_words("R-angular-momentum")
    'rotation (by angular momentum)'
    """
    letters, rotation = split_mode_name(mode)
    words = [MOTIONS[letter] for letter in letters]
    joined = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
    return f"{joined} (by {rotation.replace('-', ' ')})" if rotation else joined


def formula_text(formula: str) -> str:
    """Return a formula with its numbers as subscripts.

    Parameters
    ----------
    formula : str
        Of an anion.

    Returns
    -------
    str
        In Unicode.

    Examples
    --------
    >>> formula_text("B12H12")
    'B₁₂H₁₂'
    """
    return formula.translate(_SUBSCRIPTS)


def label(mode: str) -> str:
    """Return the legend entry of a mode.

    Parameters
    ----------
    mode : str
        Its name.

    Returns
    -------
    str
        With the word "frozen" where something is.

    Examples
    --------
    >>> label("R"), label("free")
    ('R frozen', 'free')
    """
    return mode if mode == FREE else f"{mode} frozen"


def colour(mode: str) -> str:
    """Return the colour of a mode as a hex triplet.

    Parameters
    ----------
    mode : str
        Its name.

    Returns
    -------
    str
        The same for a mode in every figure.

    Examples
    --------
    >>> len(colour("free"))
    7
    """
    return _COLOURS[mode]
