"""A picture of surfaces of a density with an anion inside, for paper: a ray through the grid per pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from openmm_anion.comparison.functions import AnionDensity
from openmm_anion.report.density_view import VIEW, atom_colours, bonds_of, grid

Array = NDArray[np.float64]

_LIGHT = np.array([0.3, 0.5, 0.8])
"""In the picture: right, up, towards the eye."""
_ATOM, _STICK = 0.45, 0.14
"""Radii, A."""
_OPACITY = 0.45


def render(density: AnionDensity, levels: tuple[float, float], tint: str, pixels: int = 400) -> Array:
    """Return a picture of an anion and two surfaces of equal density about it.

    Parameters
    ----------
    density : AnionDensity
        On its grid.
    levels : tuple of float
        Densities, over the mean, of the surfaces.
    tint : str
        Colour of the surfaces, a hex triplet.
    pixels : int, optional
        Edge of the picture.

    Returns
    -------
    array, shape (pixels, pixels, 3)
        Red, green and blue from 0 to 1, on white; the top row first.
    """
    depth_axis = np.array(VIEW) / np.linalg.norm(VIEW)
    right = np.cross([0.0, 0.0, 1.0], depth_axis)
    right /= np.linalg.norm(right)
    axes = np.array([right, np.cross(depth_axis, right), depth_axis])
    half = density.points // 2
    reach = half * density.spacing_A
    ticks = np.linspace(-reach, reach, pixels)
    across, up = np.meshgrid(ticks, ticks[::-1])
    picture, nearest = _anion(density, axes, across, up)
    values = grid(density)
    ordered = sorted(levels, reverse=True)  # the inner surface first: the outer one lies before it
    crossings = _crossings(values, ordered, axes, across, up, density.spacing_A)
    slopes = np.gradient(values)
    colour = _rgb(tint)
    for depth in crossings:
        before = np.isfinite(depth) & (depth > nearest)
        points = _points(axes, across[before], up[before], depth[before], density.spacing_A, half)
        normal = -np.stack([map_coordinates(slope, points, order=1) for slope in slopes], axis=-1) @ axes.T
        light = _lit(normal / np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12))
        picture[before] = np.clip(
            _OPACITY * colour * light[:, None] + (1.0 - _OPACITY) * picture[before], 0.0, 1.0
        )
    return picture


def _points(axes: Array, across: Array, up: Array, depth: Array, spacing: float, half: int) -> Array:
    """Where pixels at a depth are on the grid, as `map_coordinates` wants it."""
    place = across[..., None] * axes[0] + up[..., None] * axes[1] + depth[..., None] * axes[2]
    return np.moveaxis(place / spacing + half, -1, 0)


def _crossings(
    values: Array, levels: Sequence[float], axes: Array, across: Array, up: Array, spacing: float
) -> Array:
    """Depths at which the density first reaches each level, coming from the eye; -inf where it does not."""
    half = values.shape[0] // 2
    reach = half * spacing
    inside = across**2 + up**2 < reach**2  # beyond the sphere there is nothing
    x, y = across[inside], up[inside]
    found = np.full((len(levels), len(x)), -np.inf)
    before = np.zeros(len(x))
    step = reach / values.shape[0]
    for depth in np.arange(reach, -reach, -step):
        here = map_coordinates(values, _points(axes, x, y, np.full(len(x), depth), spacing, half), order=1)
        for level, first in zip(levels, found, strict=True):
            new = (here >= level) & (before < level) & np.isinf(first)
            first[new] = depth + step * (here[new] - level) / np.maximum(here[new] - before[new], 1e-12)
        before = here
    crossings = np.full((len(levels), *across.shape), -np.inf)
    crossings[:, inside] = found
    return crossings


def _lit(normal: Array) -> Array:
    light = _LIGHT / np.linalg.norm(_LIGHT)
    return np.asarray(0.35 + 0.75 * np.clip(normal @ light, 0.0, 1.0))


def _anion(density: AnionDensity, axes: Array, across: Array, up: Array) -> tuple[Array, Array]:
    """White with balls and sticks, and the depth of what is there."""
    picture = np.ones((*across.shape, 3))
    nearest = np.full(across.shape, -np.inf)
    at = np.array(density.positions_A) @ axes.T
    balls = [(place, _ATOM, tint) for place, tint in zip(at, atom_colours(density), strict=True)]
    for i, j in bonds_of(density):
        balls += [(at[i] + s * (at[j] - at[i]), _STICK, "#999999") for s in np.linspace(0.0, 1.0, 30)]
    ticks = across[0]
    for place, radius, tint in balls:
        columns = slice(*np.searchsorted(ticks, [place[0] - radius, place[0] + radius]))
        rows = slice(*np.searchsorted(-up[:, 0], [-place[1] - radius, -place[1] + radius]))
        part = rows, columns
        x, y = (across[part] - place[0]) / radius, (up[part] - place[1]) / radius
        height = np.sqrt(np.maximum(1.0 - x**2 - y**2, 0.0))
        depth = place[2] + radius * height
        before = (x**2 + y**2 < 1.0) & (depth > nearest[part])
        light = _lit(np.stack([x, y, height], axis=-1)[before])
        picture[part][before] = np.clip(_rgb(tint) * light[:, None], 0.0, 1.0)
        nearest[part][before] = depth[before]
    return picture, nearest


def _rgb(tint: str) -> Array:
    return np.array([int(tint[k : k + 2], 16) / 255.0 for k in (1, 3, 5)])
