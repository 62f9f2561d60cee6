"""Force groups for the projectors."""

from __future__ import annotations

from collections.abc import Sequence

import openmm

from openmm_anion.errors import InputError


def free_force_groups(system: openmm.System, wanted: Sequence[int] | None, count: int) -> list[int]:
    """Return force groups that no force of a System is in, or check those that are wanted.

    Parameters
    ----------
    system : openmm.System
        The System.
    wanted : sequence of int or None
        Groups that the user chose; None takes the highest free ones.
    count : int
        How many are needed.

    Returns
    -------
    list of int
        `count` of them, from 1 to 31.

    Raises
    ------
    InputError
        If there are not enough, or a wanted one is in use or none from 1 to 31 (never 0, whose complement
        OpenMM takes for a sentinel).

    Examples
    --------
    >>> free_force_groups(openmm.System(), None, 2)
    [31, 30]
    """
    used = {force.getForceGroup() for force in system.getForces()}
    if wanted is None:
        free = [group for group in range(31, 0, -1) if group not in used]
        if len(free) < count:
            taken = "only one of the" if free else "all"
            raise InputError(
                f"{taken} force groups from 1 to 31 {'is free, and two are needed' if free else 'are in use'}"
                "; set one of the System's forces to another group"
            )
        return free[:count]
    groups = list(wanted)
    if len(set(groups)) < count:
        raise InputError(f"force_groups={groups} must name {count} group(s) for the projectors")
    for group in groups:
        if group not in range(1, 32):
            raise InputError(f"force group {group} cannot hold projectors; take one from 1 to 31")
        if group in used:
            names = [force.getName() for force in system.getForces() if force.getForceGroup() == group]
            raise InputError(
                f"force group {group} is in use by {', '.join(names)}; projectors need one of their own"
            )
    return groups[:count]


def idle_force_group(system: openmm.System, projectors: Sequence[int]) -> int:
    """Return a group for forces of zero strength, never evaluated; that of projectors if all are used.

    Parameters
    ----------
    system : openmm.System
        The System, projectors included.
    projectors : sequence of int
        Groups of the projectors.

    Returns
    -------
    int
        From 0 to 31.

    Examples
    --------
    >>> idle_force_group(openmm.System(), [31])
    30
    """
    used = {force.getForceGroup() for force in system.getForces()} | set(projectors)
    return max((group for group in range(1, 32) if group not in used), default=max(projectors, default=0))
