"""Read a crystal and turn it into what OpenMM starts from: box, topology and an empty System."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openmm
from ase import Atoms
from ase.build import make_supercell
from ase.io import read
from ase.neighborlist import neighbor_list
from openmm import app, unit
from openmm.app.internal.unitcell import reducePeriodicBoxVectors

from openmm_anion.anions import Polyanions
from openmm_anion.errors import InputError, reason
from openmm_anion.occupancy import NOTES, SiteChoice, choose_sites, partly_occupied
from openmm_anion.units import ANGSTROM

MOST_ATOMS = 10_000_000
"""No potential could run more."""

CLOSEST = 0.5
"""Distance (angstrom) under which two atoms cannot be meant; H2 has 0.74."""


def read_structure(
    path: str | Path, supercell: Sequence[int] = (1, 1, 1), choice: SiteChoice | None = None
) -> Atoms:
    """Read a crystal with ASE, repeat it, and turn it to OpenMM's orientation.

    OpenMM wants the first box vector along x, the second in the xy plane, and all of them reduced.
    The crystal is rotated as a whole and its lattice vectors are recombined; nothing is deformed.

    Parameters
    ----------
    path : str or Path
        CIF, POSCAR, extxyz or anything else that `ase.io.read` knows; of several frames the last.
    supercell : (3,) sequence of int
        Repetitions along the three lattice vectors of the file.
    choice : SiteChoice, optional
        How to fill partly occupied sites; by default they are refused.

    Returns
    -------
    ase.Atoms
        The crystal, angstrom. ``info["notes"]`` says how sites were filled, if they were.

    Raises
    ------
    InputError
        If the file is missing or cannot be read, is not a crystal, has partly occupied sites, atoms of no
        element, coordinates that are not finite or two atoms at one place, if a repetition is not a
        positive whole number, or if there would be too many atoms.

    Examples
    --------
    >>> len(read_structure("examples/na3ps4/na3ps4.cif", supercell=(2, 2, 2)))
    128
    """
    if Path(path).is_dir():
        raise InputError(f"structure file {path} is a directory; give a file")
    if not Path(path).is_file():
        raise InputError(f"structure file {path} not found")
    try:
        # ASE would take what follows an @ in the name for the number of a frame.
        atoms = read(path, do_not_split_by_at_sign=True)
    except Exception as error:  # ASE's readers raise anything, from StopIteration to AssertionError
        raise InputError(f"structure file {path} cannot be read by ASE: {reason(error)}") from None
    if not isinstance(atoms, Atoms) or not len(atoms):
        raise InputError(f"structure file {path} holds no atoms")
    if not np.isfinite(atoms.cell.array).all():
        raise InputError(f"a cell vector in {path} is not finite")
    if not atoms.pbc.all() or abs(atoms.cell.volume) < 1e-3:
        raise InputError(f"structure file {path} has no periodic cell; give a crystal (CIF, POSCAR, extxyz)")
    unknown = np.flatnonzero(atoms.numbers == 0)
    if len(unknown):
        raise InputError(f"atom {unknown[0]} in {path} has no element; name one instead of X")
    disordered = bool(partly_occupied(atoms))
    if disordered and choice is None:
        raise InputError(f"structure file {path} has partly occupied sites; give an ordered structure")
    bad = np.argwhere(~np.isfinite(atoms.positions))
    if len(bad):
        raise InputError(f"atom {bad[0][0]} in {path} has a coordinate that is not finite")
    if not disordered:
        _refuse_doubles(atoms, path)
    repeat = np.array(supercell)
    if repeat.shape != (3,) or not np.issubdtype(repeat.dtype, np.integer) or repeat.min() < 1:
        raise InputError(
            f"supercell {repeat.tolist()!r} must be three positive whole numbers, e.g. [2, 2, 2]"
        )
    n_atoms = len(atoms) * math.prod(repeat.tolist())
    if n_atoms > MOST_ATOMS:
        raise InputError(
            f"supercell {repeat.tolist()!r} of {path} has {n_atoms:.2g} atoms; take a smaller one"
        )
    crystal = make_supercell(atoms, np.diag(repeat), order="cell-major")
    if disordered and choice is not None:
        crystal.info = dict(atoms.info)  # which make_supercell leaves out
        crystal = choose_sites(crystal, choice, str(path))
        _refuse_doubles(crystal, path)
    turned = _to_openmm_orientation(crystal)
    turned.info[NOTES] = crystal.info.get(NOTES, [])
    return turned


def _refuse_doubles(atoms: Atoms, path: str | Path) -> None:
    first, second, distance = neighbor_list("ijd", atoms, cutoff=CLOSEST)
    if len(first):
        raise InputError(
            f"atoms {first[0]} and {second[0]} in {path} are {distance[0]:.2f} A apart; remove "
            "doubles or choose "
            "the occupancy of disordered sites"
        )


def _to_openmm_orientation(atoms: Atoms) -> Atoms:
    if np.linalg.det(atoms.cell.array) < 0:
        atoms.set_cell(-atoms.cell.array)  # the same lattice, right-handed
    standard, rotation = atoms.cell.standard_form()
    turned = Atoms(
        numbers=atoms.numbers,
        positions=atoms.positions @ rotation.T,
        cell=standard,
        pbc=True,
        masses=atoms.get_masses(),
    )
    reduced = reducePeriodicBoxVectors(standard.array * unit.angstrom).value_in_unit(unit.angstrom)
    turned.set_cell(np.array(reduced, dtype=float))
    return turned


def ions_together(atoms: Atoms, anions: Polyanions) -> Atoms:
    """Return the crystal with the atoms of each anion next to one another, anions first.

    OpenMM's topologies (and PDB files) want the atoms of a residue in one piece.

    Parameters
    ----------
    atoms : ase.Atoms
        The crystal.
    anions : Polyanions
        Its polyanions.

    Returns
    -------
    ase.Atoms
        A copy in another order.

    Examples
    --------
    >>> from openmm_anion import find_polyanions
    >>> atoms = Atoms("CNaN", [[0, 0, 0], [3, 3, 3], [1.17, 0, 0]], cell=[6.0] * 3, pbc=True)
    >>> str(ions_together(atoms, find_polyanions(atoms, "CN")).symbols)
    'CNNa'
    """
    bound = [int(index) for anion in anions for index in anion.indices]
    return atoms[bound + sorted(set(range(len(atoms))) - set(bound))]


def build_topology(atoms: Atoms, anions: Polyanions) -> app.Topology:
    """Return an OpenMM topology with one residue per anion and per other atom, bonds inside the anions.

    The atoms of an anion are numbered by element: P1, S1, S2, S3, S4.

    Parameters
    ----------
    atoms : ase.Atoms
        The crystal, ordered by `ions_together`.
    anions : Polyanions
        Its polyanions.

    Returns
    -------
    openmm.app.Topology
        With the box of the crystal.

    Examples
    --------
    >>> from openmm_anion import find_polyanions
    >>> atoms = Atoms("CNNa", [[0, 0, 0], [1.17, 0, 0], [3, 3, 3]], cell=[6.0] * 3, pbc=True)
    >>> [residue.name for residue in build_topology(atoms, find_polyanions(atoms, "CN")).residues()]
    ['CN', 'NA']
    """
    topology = app.Topology()
    topology.setPeriodicBoxVectors(atoms.cell.array * ANGSTROM * unit.nanometer)
    chain = topology.addChain()
    owner = {int(index): anion for anion in anions for index in anion.indices}
    residues: dict[int, app.topology.Residue] = {}
    named: Counter[tuple[int, str]] = Counter()
    particles = []
    for index, symbol in enumerate(atoms.symbols):
        anion = owner.get(index)
        key = int(anion.indices[0]) if anion else index
        if key not in residues:
            residues[key] = topology.addResidue(anion.formula if anion else symbol.upper(), chain)
        element = app.Element.getBySymbol(symbol)
        # PDB readers take two atoms of one name in a residue for one atom with two places.
        named[key, symbol] += 1
        name = f"{symbol}{named[key, symbol]}" if anion else symbol
        particles.append(topology.addAtom(name, element, residues[key]))
    for anion in anions:
        for i, j in anion.bonds:
            topology.addBond(particles[i], particles[j])
    return topology


def build_system(atoms: Atoms) -> openmm.System:
    """Return a System with the particles and the box of a crystal, and no forces.

    Parameters
    ----------
    atoms : ase.Atoms
        The crystal in OpenMM's orientation, see `read_structure`.

    Returns
    -------
    openmm.System
        Particles in the order of the atoms.

    Examples
    --------
    >>> build_system(Atoms("Na", cell=[3.0] * 3, pbc=True)).getNumParticles()
    1
    """
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*(atoms.cell.array * ANGSTROM))
    for mass in atoms.get_masses():
        system.addParticle(mass)
    return system
