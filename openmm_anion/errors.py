"""The one exception type for input that a user can mend, and the hint that helps them mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that cannot be used, explained in one line.

    The message names what is wrong, where, and what to do about it. The command line prints
    it as it is, without a traceback, and exits with status 2.

    Examples
    --------
    >>> raise InputError("temperature -5 K in study.toml is negative; give it in kelvin, above 0")
    Traceback (most recent call last):
    ...
    openmm_anion.errors.InputError: temperature -5 K in study.toml is negative; give it in kelvin, above 0
    """


def reason(error: BaseException, longest: int = 150) -> str:
    """Return what an exception of a library says, as a clause for an error message.

    Parameters
    ----------
    error : BaseException
        The exception.
    longest : int, optional
        Characters that are kept.

    Returns
    -------
    str
        The first line that is not empty, without what no terminal shows, or the name of the exception.

    Examples
    --------
    >>> reason(OSError(" no such file"))
    'no such file'
    >>> reason(StopIteration())
    'StopIteration'
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return "".join(letter if letter.isprintable() else "?" for letter in text[:longest])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the known word nearest to `word`, or a list of all.

    Parameters
    ----------
    word : str
        What the user wrote.
    known : iterable of str
        What would have been accepted.

    Returns
    -------
    str
        A clause to append to an error message.

    Examples
    --------
    >>> did_you_mean("temperatur", ["temperature", "seed"])
    "; did you mean 'temperature'?"
    >>> did_you_mean("xyz", ["seed", "mode"])
    '; known: mode, seed'
    """
    names = sorted(known)
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {lowered[near[0]]!r}?"
    return f"; known: {', '.join(names)}"
