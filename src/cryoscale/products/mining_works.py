"""How heat is computed in a mine: soils, surfaces, sizes, and the years that are simulated."""

from collections.abc import Iterable

from pydantic import Field

from cryoscale.config import Config
from cryoscale.ground import FreezingStep, Soil, UnfrozenWater


class SoilSource(Config):
    """A soil whose water freezes."""

    water: float = Field(description="water and ice, as liquid water", json_schema_extra={"unit": "m3 m-3"})
    unfrozen_a: float | None = Field(
        None, description="unfrozen water at -1 degC; null: all freezes at once", json_schema_extra={"unit": "m3 m-3"}
    )
    unfrozen_b: float = Field(-0.5, description="exponent of unfrozen water with the temperature below 0 degC")
    heat_capacity_thawed: float = Field(description="volumetric", json_schema_extra={"unit": "J m-3 K-1"})
    heat_capacity_frozen: float = Field(description="volumetric", json_schema_extra={"unit": "J m-3 K-1"})
    conductivity_thawed: float = Field(description="thermal", json_schema_extra={"unit": "W m-1 K-1"})
    conductivity_frozen: float = Field(description="thermal", json_schema_extra={"unit": "W m-1 K-1"})

    def soil(self) -> Soil:
        """The same for the simulation; refuses what is not plausible."""
        curve = FreezingStep(0.1) if self.unfrozen_a is None else UnfrozenWater(self.unfrozen_a, self.unfrozen_b)
        parts = self.model_dump(exclude={"unfrozen_a", "unfrozen_b"})
        return Soil(unfrozen=curve, **parts)


def _soil(water: float, a: float | None, thawed: tuple[float, float], frozen: tuple[float, float]) -> SoilSource:
    """By water, unfrozen water at -1 degC, and heat capacity (MJ m-3 K-1) and conductivity thawed and frozen."""
    return SoilSource(
        water=water,
        unfrozen_a=a,
        heat_capacity_thawed=1e6 * thawed[0],
        conductivity_thawed=thawed[1],
        heat_capacity_frozen=1e6 * frozen[0],
        conductivity_frozen=frozen[1],
    )


class Sediment(Config):
    """What lies on the rock in a unit."""

    soil: SoilSource = Field(_soil(0.35, 0.05, (2.8, 1.2), (2.0, 2.0)), description="the sediment")
    thickness: float = Field(8.0, ge=0, description="0: none", json_schema_extra={"unit": "m"})


class SurfaceChange(Config):
    """Temperature of a disturbed surface against that of the natural ground."""

    offset: float = Field(description="of the yearly mean", json_schema_extra={"unit": "K"})
    amplitude_factor: float = Field(1.0, ge=0, description="of the yearly amplitude")


class Surfaces(Config):
    """Of disturbed ground; each kind against the natural ground of its pixel."""

    pit: SurfaceChange = Field(SurfaceChange(offset=1.0, amplitude_factor=1.1), description="floor and walls of pits")
    heap: SurfaceChange = Field(
        SurfaceChange(offset=-1.0, amplitude_factor=1.1), description="heaps: coarse rock, through which cold air sinks"
    )
    backfill: SurfaceChange = Field(SurfaceChange(offset=0.5), description="pits that were filled back")


class Numerics(Config):
    """Cells and steps of the simulation."""

    first_cell: float = Field(
        0.05, gt=0, description="thickness of the uppermost cells of columns", json_schema_extra={"unit": "m"}
    )
    growth: float = Field(1.12, ge=1, le=2, description="of the thickness from cell to cell")
    base: float = Field(50.0, ge=20, description="ground below the lowest surface", json_schema_extra={"unit": "m"})
    spin_up: int = Field(15, ge=1, description="years before the first, of the first year's climate")
    magt_step: float = Field(
        0.1, gt=0, description="ground temperatures are rounded to this", json_schema_extra={"unit": "K"}
    )
    size_step: float = Field(
        10.0, gt=0, description="depths and heights on slopes are those of classes", json_schema_extra={"unit": "m"}
    )
    cuts: int = Field(3, ge=1, description="equal cuts of a pit and lifts of a heap, between start and end")
    section_cell: float = Field(
        4.0, gt=0, description="width of a section's columns in the work", json_schema_extra={"unit": "m"}
    )
    section_first_cell: float = Field(
        0.2, gt=0, description="height of a section's cells below its surfaces", json_schema_extra={"unit": "m"}
    )
    section_step: float = Field(5.0, gt=0, le=31, description="time step of sections", json_schema_extra={"unit": "d"})


class Heat(Config):
    """Ground, surfaces and numerics of the simulated pits and heaps."""

    sediments: dict[str, Sediment] = Field({}, description="on the rock, by name of the unit")
    other_sediment: Sediment = Field(Sediment(), description="of units without an entry")
    rock: SoilSource = Field(_soil(0.03, None, (2.2, 2.6), (2.1, 2.7)), description="below")
    heap: SoilSource = Field(_soil(0.10, None, (2.0, 1.4), (1.8, 1.6)), description="of heaps")
    backfill: SoilSource = Field(_soil(0.20, None, (2.3, 1.5), (1.9, 1.9)), description="of backfilled pits")
    amplitude: float = Field(
        11.0, gt=0, description="yearly amplitude of the natural ground surface", json_schema_extra={"unit": "K"}
    )
    warming: float = Field(
        0.03,
        description="trend of all surfaces but a lake's from the first year on",
        json_schema_extra={"unit": "K a-1"},
    )
    surfaces: Surfaces = Field(Surfaces(), description="of disturbed ground against natural ground")
    lake: float = Field(4.0, gt=-5, lt=30, description="of a lake's bottom", json_schema_extra={"unit": "degC"})
    placed: float = Field(
        2.0, gt=-40, lt=40, description="of rock when it is dumped or filled back", json_schema_extra={"unit": "degC"}
    )
    geothermal_flux: float = Field(0.05, ge=0, le=1, description="from below", json_schema_extra={"unit": "W m-2"})
    pit_slope: float = Field(45.0, gt=0, le=90, description="of pit walls", json_schema_extra={"unit": "degree"})
    heap_slope: float = Field(33.0, gt=0, le=90, description="of heaps' flanks", json_schema_extra={"unit": "degree"})
    numerics: Numerics = Field(Numerics(), description="cells and steps")

    def sediment(self, unit: str) -> Sediment:
        """What lies on the rock in a unit."""
        return self.sediments.get(unit, self.other_sediment)

    def changes(self) -> dict[str, SurfaceChange]:
        """Surfaces that follow the natural one, itself among them."""
        changed = {name: getattr(self.surfaces, name) for name in ("pit", "heap", "backfill")}
        return {"natural": SurfaceChange(offset=0.0), **changed}

    def slope(self, kind: str) -> float:
        """Of a kind of work, degree."""
        return {"pit": self.pit_slope, "heap": self.heap_slope}[kind]

    def soils(self, units: Iterable[str]) -> dict[str, Soil]:
        """Soils by name: one for each unit, ``rock``, ``heap`` and ``backfill``."""
        fixed = {"rock": self.rock, "heap": self.heap, "backfill": self.backfill}
        by_unit = {f"unit {unit}": self.sediment(unit).soil.soil() for unit in units}
        return by_unit | {name: source.soil() for name, source in fixed.items()}
