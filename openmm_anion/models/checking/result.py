"""The outcome of one check."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CheckResult:
    """A measured number and its limit.

    Attributes
    ----------
    name : str
        What was looked at.
    value : float
        What was found.
    unit : str
        Its unit.
    limit : float or None
        The largest value that passes; None where the number is for information.
    note : str
        How it was found.

    Examples
    --------
    >>> CheckResult("forces", 0.001, "of the RMS force", 5e-3).passed
    True
    """

    name: str
    value: float
    unit: str
    limit: float | None
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether the value is within its limit (numbers that are not finite are not)."""
        return self.limit is None or self.value <= self.limit

    @property
    def verdict(self) -> str:
        """One word for the table."""
        if self.limit is None:
            return ""
        return "ok" if self.passed else "FAILED"


def table(results: list[CheckResult]) -> str:
    """Return a table for the terminal.

    Parameters
    ----------
    results : list of CheckResult
        The lines.

    Returns
    -------
    str
        Several lines.

    Examples
    --------
    >>> print(table([CheckResult("drift", 0.25, "meV/atom/ps", 1.0)]))
    drift         0.25 meV/atom/ps   at most 1        ok
    """
    width = max(len(result.name) for result in results)
    lines = []
    for result in results:
        limit = "" if result.limit is None else f"at most {result.limit:g}"
        number = f"{result.value:.3g} {result.unit}"
        line = f"{result.name:{width}} {number:>24}   {limit:16} {result.verdict:6}  {result.note}"
        lines.append(line.rstrip())
    return "\n".join(lines)
