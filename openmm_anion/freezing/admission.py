"""What a System may hold when motions of its anions are frozen, and what is refused."""

from __future__ import annotations

import openmm

from openmm_anion.errors import InputError
from openmm_anion.freezing.reference import FrozenAnion

NAME = "openmm-anion: "
"""How the names of our forces begin."""


def refuse_frozen(system: openmm.System) -> None:
    """Refuse a System that was frozen before: its projectors would act as enormous forces.

    Parameters
    ----------
    system : openmm.System
        The user's System.

    Raises
    ------
    InputError
        If it has projectors.

    Examples
    --------
    >>> refuse_frozen(openmm.System())
    """
    for force in system.getForces():
        if force.getName().startswith(NAME):
            raise InputError(
                f"the System is frozen already (it holds the force {force.getName()!r}); freeze the original "
                "one again, with new positions"
            )


def refuse_movers(system: openmm.System, modes: str) -> None:
    """Refuse forces that move particles past the frozen centres, or give frozen motions a velocity.

    Parameters
    ----------
    system : openmm.System
        The user's System.
    modes : str
        Canonical modes that may be frozen.

    Raises
    ------
    InputError
        If there is such a force; it is named.

    Examples
    --------
    >>> system = openmm.System()
    >>> _ = system.addForce(openmm.CMMotionRemover())
    >>> refuse_movers(system, "R")
    >>> refuse_movers(system, "T")
    Traceback (most recent call last):
    openmm_anion.errors.InputError: T freezes the centres of the anions, and CMMotionRemover would drain ...
    """
    for force in system.getForces():
        name = type(force).__name__
        if name == "AndersenThermostat" and modes:
            raise InputError(
                f"AndersenThermostat draws velocities that know nothing of the frozen {modes} and runs too "
                "cold; remove it from the System and use openmm_anion.integrators.LangevinMiddleIntegrator"
            )
        if "T" not in modes:
            continue
        if name == "CMMotionRemover":
            raise InputError(
                f"{modes} freezes the centres of the anions, and CMMotionRemover would drain the "
                "cations' momentum "
                "against them; remove it from the System"
            )
        if "Barostat" in name:
            raise InputError(
                f"{modes} freezes the centres of the anions at fixed points, which {name} would not "
                "scale with the box; "
                "equilibrate with the barostat first, then freeze at constant volume"
            )


def settle_constraints(system: openmm.System, modes: str, anions: tuple[FrozenAnion, ...]) -> None:
    """Drop constraints that a frozen shape implies; refuse those that the modes cannot keep.

    Parameters
    ----------
    system : openmm.System
        Changed in place.
    modes : str
        Canonical modes that may be frozen.
    anions : tuple of FrozenAnion
        The anions that may be frozen.

    Raises
    ------
    InputError
        If one ties a frozen anion to another particle, or is inside an anion and the modes have R but not V.
    """
    owner = {int(index): number for number, anion in enumerate(anions) for index in anion.indices}
    for index in reversed(range(system.getNumConstraints())):
        first, second, _ = system.getConstraintParameters(index)
        if first not in owner and second not in owner:
            continue
        inside = owner.get(first) == owner.get(second)
        if inside and "V" in modes:
            system.removeConstraint(index)
        elif modes and (not inside or "R" in modes):
            where = (
                f"inside anion {owner[first]}" if inside else "between a frozen anion and another particle"
            )
            raise InputError(
                f"the System constrains the distance of particles {first} and {second}, {where}, "
                f"which {modes} cannot keep "
                "exactly; build the System without that constraint"
            )
