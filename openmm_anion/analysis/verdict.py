"""What the rule of arXiv:2501.02440 expects of a crystal, from how fast anions turn and cations hop."""

from __future__ import annotations

from typing import Literal

MATCH = 3.0
"""Frequencies within this factor count as matching. The paper names no number; this is half an order of
magnitude, and the interval of the ratio must not reach out of its region for the rule to speak."""

Expected = Literal["T", "R", "V"]


def expected_motion(ratio: float) -> Expected:
    """Return the motion that the rule expects to matter most.

    Rotation where rotation and hop frequencies match, translation where anions rotate faster than cations
    hop, vibration where they rotate more slowly.

    Parameters
    ----------
    ratio : float
        Rotation frequency of the anions by hop frequency of the cations.

    Returns
    -------
    str
        "T", "R" or "V".

    References
    ----------
    K. Li, J. Yang, Y. Zhai, H. Li, arXiv:2501.02440.

    Examples
    --------
    >>> expected_motion(1.5), expected_motion(20.0), expected_motion(0.01)
    ('R', 'T', 'V')
    """
    if ratio > MATCH:
        return "T"
    return "R" if ratio >= 1.0 / MATCH else "V"


_WORDS = {"T": "translation", "R": "rotation", "V": "vibration"}


def frequency_ratios(numbers: dict[str, float]) -> dict[str, tuple[float, float, float]]:
    """Return how often anions of each kind rotate for each hop of a cation, and the ends of its interval.

    Parameters
    ----------
    numbers : dict
        As `rule_sentence` takes them.

    Returns
    -------
    dict of str to tuple of float
        By formula; empty without a hop rate that stands above zero.

    Examples
    --------
    >>> rates = {"hop_rate_per_ps": 0.2, "hop_rate_low_per_ps": 0.1, "hop_rate_high_per_ps": 0.4}
    >>> turns = {"rotation_rate_CN_per_ps": 0.4, "rotation_rate_low_CN_per_ps": 0.2}
    >>> frequency_ratios(rates | turns | {"rotation_rate_high_CN_per_ps": 0.6})
    {'CN': (2.0, 0.5, 6.0)}
    """
    hop = [numbers.get(f"hop_rate{end}_per_ps", 0.0) for end in ("", "_low", "_high")]
    if not hop[1]:
        return {}
    found = {}
    for kind in _kinds(numbers):
        rate, low, high = (numbers[f"rotation_rate{end}_{kind}_per_ps"] for end in ("", "_low", "_high"))
        found[kind] = (rate / hop[0], low / hop[2], high / hop[1])
    return found


def _kinds(numbers: dict[str, float]) -> list[str]:
    return [
        name.removeprefix("rotation_rate_").removesuffix("_per_ps")
        for name in numbers
        if name.startswith("rotation_rate_")
        and not name.startswith(("rotation_rate_low", "rotation_rate_high"))
    ]


def rule_sentence(numbers: dict[str, float]) -> str:
    """Say what the rule expects, from the numbers of a `Suite`; nothing if frequencies are not known.

    Parameters
    ----------
    numbers : dict
        With ``hop_rate_per_ps`` and ``rotation_rate_KIND_per_ps``, and their bounds ``_low`` and ``_high``.

    Returns
    -------
    str
        With one clause for each kind of anion, or "".

    Examples
    --------
    >>> print(rule_sentence({
    ...     "hop_rate_per_ps": 0.2, "hop_rate_low_per_ps": 0.15, "hop_rate_high_per_ps": 0.25,
    ...     "rotation_rate_PS4_per_ps": 0.01, "rotation_rate_low_PS4_per_ps": 0.005,
    ...     "rotation_rate_high_PS4_per_ps": 0.02,
    ... }))
    PS4 rotates 0.05 times (0.02 to 0.13) for each hop; the rule of arXiv:2501.02440 expects its vibration to
    matter most
    """
    sentences = []
    kinds = _kinds(numbers)
    ratios = frequency_ratios(numbers)
    for kind in kinds:
        if kind not in ratios:
            sentences.append(f"{kind}: no hop rate to compare its rotations with")
            continue
        ratio, least, most = ratios[kind]
        text = f"{kind} rotates {ratio:.2g} times ({least:.2g} to {most:.2g}) for each hop"
        expected = {expected_motion(least), expected_motion(most)}
        if len(expected) == 1:
            text += f"; the rule of arXiv:2501.02440 expects its {_WORDS[expected.pop()]} to matter most"
        else:
            text += "; too uncertain for the rule of arXiv:2501.02440"
        sentences.append(text)
    return "\n".join(sentences)
