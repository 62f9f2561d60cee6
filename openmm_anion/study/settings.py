"""The study file: what it may say, in what units, and one clear line when it says something else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from openmm_anion.configuration import Kelvin, Positive, Section, TimeStep, as_list, parse, read_toml
from openmm_anion.crystal_settings import CrystalSettings, beside
from openmm_anion.freezing import mode_name, parse_modes
from openmm_anion.freezing.modes import Rotation, mode_names, parse_rotation, split_mode_name
from openmm_anion.study.pressure import Barostat

SETTLING = 0.2
"""Length of the run in the mean cell, as a share of the equilibration that found it."""

Temperatures = Annotated[tuple[Kelvin, ...], BeforeValidator(as_list), Field(min_length=1)]
Names = Annotated[tuple[str, ...], BeforeValidator(as_list)]


class StructureSettings(CrystalSettings):
    """``[structure]``: the crystal and its ions.

    Examples
    --------
    >>> StructureSettings(file="na3ps4.cif", cation="Na", anion="PS4").anion
    ('PS4',)
    """

    cation: str
    """Element of the mobile cation."""
    vacancies: Annotated[int, Field(ge=0)] = 0
    """Cations that are taken out of the supercell, chosen by `occupancy_seed`."""


class PotentialSettings(Section):
    """``[potential]``: the trained potential.

    Examples
    --------
    >>> PotentialSettings(name="na3ps4").kind
    'default'
    """

    name: Annotated[str, Field(min_length=1)]
    """Name of a shipped potential, or path of a model file relative to the study file."""
    kind: Literal["default", "torch", "python", "torch-graphs"] = "default"
    """How OpenMM calls it: torch (TorchForce), python (PythonForce), torch-graphs (TorchForce with CUDA
    graphs, for models whose tensors keep their shapes); default is what suits the potential."""
    committee: Names = ()
    """Two or more potentials, named in the same way, whose disagreement tells what none of them knows."""
    largest_spread: Positive = 0.5
    """Disagreement about the force on an atom above which a frame counts as outside, eV/angstrom."""

    @field_validator("committee")
    @classmethod
    def _two_or_none(cls, committee: tuple[str, ...]) -> tuple[str, ...]:
        if len(committee) == 1:
            raise ValueError("one potential cannot disagree with itself; give two or more")
        return committee


class DynamicsSettings(Section):
    """``[dynamics]``: what is run, and for how long.

    Examples
    --------
    >>> DynamicsSettings(temperatures=850, rotation=["eckart", "angular-momentum"]).mode_names
    ('free', 'T', 'R', 'R-angular-momentum', 'V')
    """

    temperatures: Temperatures
    """Temperature or list of temperatures, K."""
    modes: Annotated[Names, Field(min_length=1)] = ("free", "T", "R", "V")
    """Frozen motions of each run; the free run is always needed and made."""
    rotation: Rotation | tuple[Rotation, ...] = "eckart"
    """Definition of frozen rotation, or a list of both: eckart, angular-momentum."""
    reference: Literal["current", "mean"] = "current"
    """Where anions are frozen: as in the snapshot, or in the mean over a window of free dynamics after it."""
    window: Positive = 2.0
    """Length of that window, ps."""
    thermostat: Literal["bussi", "langevin-middle", "nose-hoover", "none"] = "bussi"
    """Thermostat of the production runs; none is constant energy."""
    relaxation_time: Positive = 0.5
    """Relaxation time of bussi and nose-hoover, ps."""
    friction: Positive = 0.2
    """Friction of langevin-middle, 1/ps."""
    timestep: TimeStep = 0.002
    """Time step, ps."""
    snapshots: Annotated[int, Field(ge=1, le=1000)] = 2
    """Independently equilibrated snapshots from which every mode starts."""
    seeds: Annotated[int, Field(ge=1)] = 1
    """Runs of each mode from each snapshot, with velocities and thermostat noise of their own."""
    equilibration: Positive = 5.0
    """Free run before each snapshot, ps, with a friction of 5/ps."""
    barostat: Barostat = "none"
    """How the cell changes in the equilibration; production runs in the mean cell of its second half."""
    pressure: Annotated[float, Field(allow_inf_nan=False)] = 1.0
    """Pressure of the barostat, bar."""
    production: Positive = 20.0
    """Length of each run, ps."""
    target_uncertainty: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """All runs of a temperature end together before that length, once the 68 % half width of D of every mode
    is below this share of it; 0 runs the whole length."""
    least_production: Positive = 10.0
    """Length before which that is not looked at, ps."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 1
    """Seed of all random numbers."""

    @field_validator("temperatures")
    @classmethod
    def _different_temperatures(cls, temperatures: tuple[float, ...]) -> tuple[float, ...]:
        names = [f"{temperature:g}" for temperature in temperatures]  # as folders are named
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} K stands twice; give each temperature once")
        return temperatures

    @field_validator("rotation", mode="before")
    @classmethod
    def _one_or_both(cls, rotation: Any) -> Any:
        if not isinstance(rotation, list | tuple):
            return parse_rotation(str(rotation))
        known = [parse_rotation(str(each)) for each in rotation]
        if not known or len(set(known)) < len(known):
            raise ValueError("give each definition once")
        # One stays what it always was, for the sake of studies that have begun.
        return known[0] if len(known) == 1 else tuple(known)

    @field_validator("modes")
    @classmethod
    def _canonical_modes(cls, modes: tuple[str, ...]) -> tuple[str, ...]:
        if "" in modes:
            raise ValueError("an empty name is no mode; write 'free' where nothing is frozen")
        # The free run is what the others are divided by.
        return tuple(dict.fromkeys(["free", *(mode_name(parse_modes(mode)) for mode in modes)]))

    @model_validator(mode="after")
    def _target_within_reach(self) -> DynamicsSettings:
        if self.target_uncertainty and self.snapshots < 2:
            raise ValueError(
                "a target_uncertainty needs two snapshots or more: the scatter that one cannot show is not "
                "made smaller by length"
            )
        return self

    @property
    def settling(self) -> float:
        """Free run in the mean cell after an equilibration with a barostat, ps."""
        return 0.0 if self.barostat == "none" else SETTLING * self.equilibration

    @property
    def before_production(self) -> float:
        """All that is run before the production runs from one snapshot, ps."""
        window = self.window if self.reference == "mean" else 0.0
        return self.equilibration + self.settling + window

    @property
    def mode_names(self) -> tuple[str, ...]:
        """Modes, those in which the definition of frozen rotation matters once for each."""
        return mode_names(self.modes, self._rotations)

    @property
    def runs_per_snapshot(self) -> int:
        """Runs from each snapshot: modes times seeds."""
        return len(self.mode_names) * self.seeds

    def frozen_motions(self, name: str) -> tuple[str, Rotation]:
        """Return the letters of a mode, and its definition of frozen rotation.

        Parameters
        ----------
        name : str
            One of `mode_names`.

        Returns
        -------
        letters : str
            Canonical modes; "" of the free one.
        rotation : str
            "eckart" or "angular-momentum".
        """
        letters, definition = split_mode_name(name)
        return letters, definition or ("eckart" if len(self._rotations) > 1 else self._rotations[0])

    @property
    def _rotations(self) -> tuple[Rotation, ...]:
        return self.rotation if isinstance(self.rotation, tuple) else (self.rotation,)


class OutputSettings(Section):
    """``[output]``: how often what is written.

    Examples
    --------
    >>> OutputSettings(frame_interval=0.1).velocities
    False
    """

    frame_interval: Positive = 0.05
    """Time between frames and thermodynamic records, ps; potential energies are at least 100 steps apart."""
    checkpoint_interval: Positive = 1.0
    """Time between checkpoints, ps: what is lost at most when a run is killed."""
    velocities: bool = False
    """Also write velocities, which spectra need; take a frame_interval of a few femtoseconds then."""


class ComputerSettings(Section):
    """``[computer]``: where it runs.

    Examples
    --------
    >>> ComputerSettings(platform="CPU", workers=2).precision
    'mixed'
    """

    platform: Literal["auto", "Reference", "CPU", "OpenCL", "CUDA"] = "auto"
    """OpenMM platform; auto takes CUDA where there is a device and CPU elsewhere, and says which."""
    precision: Literal["single", "mixed", "double"] = "mixed"
    """Precision on OpenCL and CUDA."""
    workers: Annotated[int, Field(ge=0, le=1000)] = 0
    """Runs at the same time; 0 takes one per core on CPU platforms, and one per device on GPUs."""
    threads: Annotated[int, Field(ge=1, le=1000)] = 1
    """Threads of each worker on CPU platforms."""
    pin: bool = True
    """Keep each of several workers on cores of its own on CPU platforms (Linux)."""
    devices: tuple[Annotated[int, Field(ge=0)], ...] = ()
    """Indices of the GPUs among which workers are dealt out; none leaves the choice to OpenMM."""


class StudySettings(Section):
    """A whole study file.

    Examples
    --------
    >>> sorted(StudySettings.model_fields)
    ['computer', 'dynamics', 'output', 'potential', 'structure']
    """

    structure: StructureSettings
    potential: PotentialSettings
    dynamics: DynamicsSettings
    output: OutputSettings = OutputSettings()
    computer: ComputerSettings = ComputerSettings()


def read_settings(path: str | Path) -> StudySettings:
    """Read and validate a study file.

    Parameters
    ----------
    path : str or Path
        TOML file.

    Returns
    -------
    StudySettings
        Settings with all defaults filled in and file names made absolute.

    Raises
    ------
    InputError
        If the file is missing or no TOML, a key is unknown (with the nearest known one) or missing, or a
        value is of the wrong type or out of range.

    Examples
    --------
    >>> read_settings("examples/na3ps4/study.toml").structure.cation
    'Na'
    """
    settings = parse_settings(read_toml(path, "study file"), str(path))
    return _resolve_files(settings, Path(path).resolve().parent)


def parse_settings(content: dict[str, Any], source: str) -> StudySettings:
    """Validate the content of a study file.

    Parameters
    ----------
    content : dict
        Parsed TOML.
    source : str
        Name used in error messages.

    Returns
    -------
    StudySettings
        With its defaults filled in.

    Raises
    ------
    InputError
        If a key is unknown (with the nearest known one) or missing, or a value cannot be used.

    Examples
    --------
    >>> content = {
    ...     "structure": {"file": "na3ps4.cif", "cation": "Na", "anion": "PS4"},
    ...     "potential": {"name": "na3ps4"},
    ...     "dynamics": {"temperatures": 850},
    ... }
    >>> parse_settings(content, "here").dynamics.modes
    ('free', 'T', 'R', 'V')
    """
    return parse(StudySettings, content, source)


def _resolve_files(settings: StudySettings, folder: Path) -> StudySettings:
    structure = settings.structure.model_copy(update={"file": folder / settings.structure.file})
    potential = settings.potential
    names = {
        "name": beside(folder, potential.name),
        "committee": tuple(beside(folder, name) for name in potential.committee),
    }
    potential = potential.model_copy(update=names)
    return settings.model_copy(update={"structure": structure, "potential": potential})
