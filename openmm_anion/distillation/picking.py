"""Choose the frames that are worth a label: the committee is unsure, and they are not all alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ase import Atoms

APART = 0.1
"""Time between two frames that are picked from one run, ps."""


def pick(candidates: Sequence[Atoms], count: int) -> list[Atoms]:
    """Return the frames with the largest spread, no two close to one another, shared out among the runs.

    Parameters
    ----------
    candidates : sequence of ase.Atoms
        Frames with ``run``, ``time_ps`` and ``spread`` in their info.
    count : int
        How many are wanted; there may be fewer.

    Returns
    -------
    list of ase.Atoms
        Out of the candidates.

    Examples
    --------
    >>> frames = [Atoms("H", info={"run": "a", "time_ps": 0.05 * k, "spread": float(k)}) for k in range(5)]
    >>> [atoms.info["spread"] for atoms in pick(frames, 2)]
    [4.0, 2.0]
    """
    runs = {atoms.info["run"] for atoms in candidates}
    most = -(-2 * count // max(1, len(runs)))  # no run gets over twice its share
    picked: list[Atoms] = []
    taken: Counter[str] = Counter()
    for atoms in sorted(candidates, key=lambda atoms: -atoms.info["spread"]):
        run, time = atoms.info["run"], atoms.info["time_ps"]
        near = any(
            other.info["run"] == run and abs(other.info["time_ps"] - time) < APART - 1e-9 for other in picked
        )
        if near or taken[run] >= most:
            continue
        picked.append(atoms)
        taken[run] += 1
        if len(picked) == count:
            break
    return picked
