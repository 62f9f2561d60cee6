"""Columns for the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lay rows out in columns that are as wide as their widest cell.

    Parameters
    ----------
    rows : sequence of sequence of str
        Cells; every row has as many.

    Returns
    -------
    list of str
        A line per row, without blanks at its end.

    Examples
    --------
    >>> columns([["mode", "D"], ["R", "0.1"]])
    ['mode  D', 'R     0.1']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
