"""Write what the peers find, for a test that does without them: ``python tests/peers/reference.py``.

`make peers-reference` makes the environment first. Versions and a checksum of the run stand in the files.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "benchmarks"), str(ROOT)]

from peer_run import Array, checksum, ours, peer_run  # noqa: E402

PEERS = {
    "dynasor": ["dynasor", "GEMDAT"],
    "freud": ["freud-analysis"],
    "gemdat": ["GEMDAT", "tidynamics"],
    "kinisi": ["kinisi"],
    "pymatgen": ["pymatgen-analysis-diffusion", "pymatgen"],
}
"""Module ``test_NAME`` and the packages that it calls."""


def compare(head: str, here: dict[str, Array], found: dict[str, list[float | None]]) -> None:
    """Print the largest difference from ours, by the largest number."""
    for quantity, values in found.items():
        theirs = np.array(values, dtype=np.float64)
        known = np.isfinite(theirs)
        difference = np.abs(here[quantity] - theirs)[known].max() / np.abs(theirs[known]).max()
        print(f"{head}{quantity:36}{difference:.0e}")


def main() -> None:
    """Write a file for each peer, or for those that are named."""
    warnings.simplefilter("ignore")
    for name in sys.argv[1:] or PEERS:
        module = importlib.import_module(f"test_{name}")
        content: dict[str, object] = {"versions": {package: version(package) for package in PEERS[name]}}
        for cell, tilted in (("orthorhombic", False), ("triclinic", True)):
            run = peer_run(tilted=tilted)
            found = {
                quantity: [float(f"{value:.9g}") if np.isfinite(value) else None for value in values]
                for quantity, values in module.numbers(run).items()
            }
            content[cell] = {"checksum": checksum(run), **found}
            compare(f"{name:9}{cell:13}", ours(run), found)
        path = ROOT / "tests" / "data" / "peers" / f"{name}.json"
        path.write_text(json.dumps(content, indent=0) + "\n")


if __name__ == "__main__":
    main()
