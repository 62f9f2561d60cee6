"""What stops a run: something that cannot be, seen at a step and, where it is one, on an atom."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Trouble(BaseModel):
    """What cannot be, and where; ``run.json`` holds it.

    Attributes
    ----------
    step : int
        Step at which it was seen.
    time_ps : float
        Time of that step, ps.
    atom : int or None
        Index of the atom, where it is one.
    symbol : str or None
        Its element.
    what : str
        What was seen.

    Examples
    --------
    >>> str(Trouble(step=50, time_ps=0.1, atom=7, symbol="S", what="a force that is not finite"))
    'a force that is not finite on S (atom 7) at step 50 (0.1 ps)'
    """

    model_config = ConfigDict(frozen=True)

    step: int
    time_ps: float
    atom: int | None = None
    symbol: str | None = None
    what: str

    def __str__(self) -> str:
        where = "" if self.atom is None else f" on {self.symbol} (atom {self.atom})"
        return f"{self.what}{where} at step {self.step} ({self.time_ps:g} ps)"
