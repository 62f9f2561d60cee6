"""All checks of a potential, one after the other."""

from __future__ import annotations

from ase import Atoms
from tqdm import tqdm

from openmm_anion.models.checking.derivative import forces_are_the_gradient
from openmm_anion.models.checking.dynamics import Run, advance, energy_stays, heated, positions_of
from openmm_anion.models.checking.invariance import nothing_else_matters
from openmm_anion.models.checking.probe import Evaluated
from openmm_anion.models.checking.result import CheckResult
from openmm_anion.models.checking.smoothness import no_jumps
from openmm_anion.models.checking.teacher import as_the_teacher
from openmm_anion.models.potential import Potential
from openmm_anion.models.probe import probe_crystal
from openmm_anion.units import ANGSTROM

FRAMES = 10
"""Compared with a teacher."""
APART = 50
"""Steps between two of them."""


def check_model(
    potential: Potential,
    atoms: Atoms,
    *,
    run: Run | None = None,
    teacher: Potential | None = None,
    progress: bool = False,
) -> list[CheckResult]:
    """Test a potential on a structure.

    The structure is heated first, for on its ideal sites symmetry hides what is wrong. Then: forces against
    differences of the energy; shifts, images, order and rotation; jumps where neighbours come and go; the
    energy in a run at constant energy, and its speed; a teacher, if there is one.

    Parameters
    ----------
    potential : Potential
        From `openmm_anion.models.load`.
    atoms : ase.Atoms
        A crystal in OpenMM's orientation, from `openmm_anion.structure.read_structure`.
    run : Run, optional
        Temperature, time step and length of the runs, and the platform.
    teacher : Potential, optional
        What the potential is compared with, on frames of its own run.
    progress : bool, optional
        Show a progress bar.

    Returns
    -------
    list of CheckResult
        What was measured, and whether it passes.

    Raises
    ------
    InputError
        If the potential cannot describe the structure, or the crystal explodes.
    """
    run = run or Run()
    results: list[CheckResult] = []
    with tqdm(total=5 if teacher else 4, unit="check", disable=not progress) as bar:

        def done(found: list[CheckResult], following: str) -> None:
            results.extend(found)
            bar.update()
            bar.set_postfix_str(following)

        bar.set_postfix_str("heating")
        potential.check(list(atoms.symbols), atoms.cell.array * ANGSTROM)
        for one in (potential, teacher) if teacher else (potential,):
            probe_crystal(one, list(atoms.symbols), atoms.positions * ANGSTROM, atoms.cell.array * ANGSTROM)
        context, positions = heated(potential, atoms, run)
        warm = atoms.copy()
        warm.positions = positions
        evaluated = Evaluated(potential, warm)
        bar.set_postfix_str("energy differences")
        done([forces_are_the_gradient(evaluated, run.seed)], "invariances")
        done(nothing_else_matters(evaluated, run.seed), "jumps")
        done(no_jumps(evaluated, run.seed), "constant energy")
        done(energy_stays(context, run), "teacher")
        if teacher:
            frames = []
            for _ in range(FRAMES):
                advance(context, APART, run)
                frames.append(positions_of(context))
            done(as_the_teacher(evaluated, Evaluated(teacher, warm), frames), "")
    return results
