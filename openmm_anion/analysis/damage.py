"""What can happen to an anion after which a run is of another material."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict

_WORDS = {
    "lost": "lost {symbol} (atom {atom}) at {time:g} ps, bond {length:.2f} A",
    "bound": "bound {symbol} (atom {atom}) of another anion at {time:g} ps, bond {length:.2f} A",
    "left": "left its place at {time:g} ps, moved {length:.2f} A: the framework melts",
}


class Damage(BaseModel):
    """An anion that is not what it was.

    Attributes
    ----------
    what : str
        ``"lost"`` a ligand, ``"bound"`` an atom of another anion, or ``"left"`` its place.
    time_ps : float
        Time of the frame, ps.
    anion : int
        Number of the anion, from 0.
    formula : str
        Its formula.
    atom : int
        The ligand that left, the atom that came, or the first atom of the anion that moved.
    symbol : str
        Its element.
    distance_nm : float
        Length of the bond in that frame, or how far the anion moved, nm.

    Examples
    --------
    >>> print(Damage(time_ps=1.5, anion=3, formula="PS4", atom=7, symbol="S", distance_nm=0.35))
    PS4 number 3 lost S (atom 7) at 1.5 ps, bond 3.50 A
    """

    model_config = ConfigDict(frozen=True)

    what: Literal["lost", "bound", "left"] = "lost"
    time_ps: float
    anion: int
    formula: str
    atom: int
    symbol: str
    distance_nm: float

    def __str__(self) -> str:
        words = _WORDS[self.what].format(
            symbol=self.symbol, atom=self.atom, time=self.time_ps, length=10.0 * self.distance_nm
        )
        return f"{self.formula} number {self.anion} {words}"


class Watch(ABC):
    """Looks at a crystal frame by frame, and says what is new."""

    @abstractmethod
    def __call__(self, positions: ArrayLike, box: ArrayLike, time_ps: float) -> list[Damage]:
        """Return what happened since the last call.

        Parameters
        ----------
        positions : array_like, shape (n, 3)
            Positions of all atoms, wrapped or not, nm.
        box : array_like, shape (3, 3)
            Box vectors as rows, nm.
        time_ps : float
            Time of the frame, ps.
        """
