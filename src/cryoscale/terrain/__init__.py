"""Derivatives of elevation on the true ground: slope, aspect, curvature, position, wetness, potential radiation."""

from cryoscale.terrain.derivatives import (
    Bend,
    aspect,
    aspect_components,
    curvature,
    potential_radiation,
    slope,
    topographic_position,
    topographic_wetness,
)

__all__ = [
    "Bend",
    "aspect",
    "aspect_components",
    "curvature",
    "potential_radiation",
    "slope",
    "topographic_position",
    "topographic_wetness",
]
