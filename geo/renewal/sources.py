"""What rules may ask of a city beside its parcels (线索数据来源): earlier years, constraints, plans, limits, grades.

Everything is worked out when a rule first asks, and once. Calls the rooms that know how (`geo.holding`,
`geo.grading`, `geo.overlay`); decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.firms import Firms, attach_firms
from geo.grading.grades import Grades, grade_years
from geo.grading.rules import RuleSet
from geo.holding import industry_codes
from geo.indicators import zone_rows
from geo.industry import leading_divisions, output_column, tally_industries
from geo.land import Land
from geo.land_use import classify
from geo.overlay import intersect
from geo.renewal.facts import firm_sums
from geo.renewal.measures import Measure
from layers.ground import OTHER, cover_column
from layers.units import in_steps

__all__ = ["DECIDING", "Sources"]

#: Columns of parcels that rules ask beside those figures are made of.
DECIDING = (
    "planned_use_code",
    "plot_ratio_planned",
    "industry_code",
    "sub_region",
    "supplied",
    "agreed_start",
    "started",
    "suspended_since",
    "developed_m2",
    "to_develop_m2",
    "invested_cny",
    "investment_planned_cny",
    "government_delay",
)

#: Sums of what rasters tell: the share of a parcel with data, and a column that is missing where that is too little.
_OF_GROUND = {
    "cover_known_m2": ("cover_known_share", cover_column(OTHER)),
    "lit_m2": ("night_light_known_share", "night_light"),
    "night_light_m2": ("", ""),
}


@dataclass(frozen=True)
class Sources:
    """A city as rules see it; what is not there is None, and what hangs on it is then not known.

    Attributes
    ----------
    land : Land
        With every industrial parcel of the city.
    firms : Firms or None
    as_of : date or None
        The day on which deadlines are judged.
    enterprises, holdings : DataFrame or None
        The layers, for figures of earlier years.
    constraints : GeoDataFrame or None
        With `kind`, in the CRS of the parcels.
    system, industrial
        Land-use system and industrial classes, see `land_use.classify`.
    leading : sequence of str
        Codes of the leading industries; empty: the `leading_count` divisions with most output of each zone.
    hold : callable or None
        Returns parcels held against the control indicators, see `holding.hold_land`.
    grading : RuleSet or None
        Rules that firms are graded by.
    """

    land: Land
    firms: Firms | None = None
    as_of: date | None = None
    enterprises: pd.DataFrame | None = None
    holdings: pd.DataFrame | None = None
    constraints: gpd.GeoDataFrame | None = None
    system: str = "third-survey"
    industrial: Sequence[str] | None = None
    leading: Sequence[str] = ()
    leading_count: int = 1
    hold: Callable[[], pd.DataFrame | None] | None = None
    grading: RuleSet | None = None
    _years: dict[int, Firms] = field(default_factory=dict, repr=False, compare=False)
    _shares: dict[tuple[str, ...], npt.NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    # ------------------------------------------------------------ parcels

    def column(self, name: str, dtype: str = "float64") -> pd.Series:
        """Return a column of the parcels, all missing where there is none."""
        own = self.land.parcels
        blank = {"float64": np.nan, "datetime64[ns]": pd.NaT}.get(dtype, pd.NA)
        given: pd.Series = own[name] if name in own else pd.Series(blank, index=own.index, dtype=dtype)
        typed: pd.Series = given.astype(dtype)  # type: ignore[call-overload]
        return typed

    @cached_property
    def codes(self) -> pd.Series:
        """Industry code of each parcel without its letter; see `holding.industry_codes`."""
        codes = industry_codes(self.land, self.firms).astype("string").str.strip()
        return codes.str.replace(r"^[A-Za-z]", "", regex=True).set_axis(self.land.parcels.index)

    @cached_property
    def park_row(self) -> npt.NDArray[np.intp]:
        """Row of the park that holds most of each parcel, −1 for none."""
        pieces = self.land.pieces[self.land.pieces["park"] >= 0]
        most = pieces.sort_values(["parcel", "share", "park"], ascending=[True, False, True]).drop_duplicates("parcel")
        row = np.full(len(self.land.parcels), -1, dtype="intp")
        row[most["parcel"].to_numpy()] = most["park"].to_numpy()
        return row

    @cached_property
    def inside_share(self) -> pd.Series:
        """Share of each parcel inside any park."""
        pieces = self.land.pieces[self.land.pieces["park"] >= 0]
        share = np.bincount(pieces["parcel"], weights=pieces["share"], minlength=len(self.land.parcels))
        return pd.Series(share, index=self.land.parcels.index)

    @cached_property
    def zone(self) -> pd.Series:
        """Id of the zone of that park; missing outside every park."""
        if self.land.parks is None:
            return self.column("", "string")
        ids = pd.array([*self.land.parks["zone_id"].astype("str"), pd.NA], dtype="string")
        return pd.Series(ids[self.park_row], index=self.land.parcels.index)

    @cached_property
    def zone_names(self) -> dict[str, str]:
        """Name of each zone, by its id."""
        parks = self.land.parks
        if parks is None:
            return {}
        return dict(zip(parks["zone_id"].astype("str"), parks["zone_name"].astype("str"), strict=True))

    @cached_property
    def planned_industrial(self) -> pd.Series:
        """Whether the planned use is industrial too; missing where no use is planned."""
        planned = self.column("planned_use_code", "string")
        as_used = pd.DataFrame({"land_use_code": planned, "land_use_name": planned})
        return classify(as_used, self.system, self.industrial)["industrial"]

    def sums(self, measure: Measure, year: int | None = None, kinds: tuple[str, ...] = ()) -> pd.DataFrame:
        """Return both sums of a measure by parcel: `top`, `below` in base units, missing where not known.

        `year` is asked of firms; None is the year of the figures. `kinds` are those of ``constraint_share`` and, as
        classes of the land cover, of ``cover_share``.
        """
        if measure.of_firms:
            firms = self.firms if year is None else self.firms_of(year)
            added = firm_sums(firms, {measure.top: measure.top_base, measure.below: measure.below_base})
            added = added.reindex(self.land.parcels.index)
            return pd.DataFrame({"top": added[measure.top], "below": added[measure.below]})
        if measure.top == "constrained_m2":
            top = self.constrained_m2(kinds)
        elif measure.top in ("built_cover_m2", "cover_m2"):
            top = self.cover_m2(("built",) if measure.top == "built_cover_m2" else kinds)
        else:
            top = self._amount(measure.top)
        return pd.DataFrame({"top": top, "below": self._amount(measure.below).clip(lower=0)})

    def _amount(self, name: str) -> pd.Series:
        """A sum of a parcel: a column of its own, or made of some."""
        if name == "covered_area_m2":
            return self.column("building_base_m2").clip(lower=0) + self.column("yard_area_m2").clip(lower=0)
        if name == "permitted_floor_area_m2":
            return in_steps(self.column("plot_ratio_planned") * self.column("land_area_m2"), "m2")
        if name == "dated_base_age":
            year = np.nan if self.as_of is None else self.as_of.year
            return year * self.column("dated_base_m2") - self.column("dated_base_years")
        if name == "inside_m2":
            pieces = self.land.pieces[self.land.pieces["park"] >= 0]
            inside = pieces.groupby("parcel")["land_area_m2"].sum().reindex(self.land.parcels.index, fill_value=0.0)
            return inside if self.land.parks is not None else inside * np.nan
        if name in _OF_GROUND:
            return self._ground(name)
        return self.column(name).clip(lower=0)

    def _ground(self, name: str) -> pd.Series:
        """Land of which a raster tells enough, see `layers.ground`, or its light: radiance × m²."""
        if name == "night_light_m2":
            return in_steps(self.column("night_light") * self._ground("lit_m2"), "m2")
        share, told = _OF_GROUND[name]
        known = self.column(share).where(self.column(told).notna())
        return in_steps(known * self.column("land_area_m2"), "m2")

    # ------------------------------------------------------------ what lies on them

    def constrained_m2(self, kinds: tuple[str, ...]) -> pd.Series:
        """Land of each parcel under constraints of some kinds, common ground once (m²); missing without the layer."""
        if kinds not in self._shares:
            self._shares[kinds] = self._under(kinds)
        share = pd.Series(self._shares[kinds], index=self.land.parcels.index)
        return in_steps(share * self.column("land_area_m2"), "m2")

    def cover_m2(self, classes: tuple[str, ...]) -> pd.Series:
        """Land of each parcel that bears some classes of the land cover (m²); missing where that is not known."""
        shares = [self.column(cover_column(name)) for name in classes]
        return in_steps(sum(shares[1:], shares[0]) * self._ground("cover_known_m2"), "m2")

    def _under(self, kinds: tuple[str, ...]) -> npt.NDArray[np.float64]:
        """Share of each parcel; only industrial parcels are asked."""
        own = self.land.parcels
        if self.constraints is None:
            return np.full(len(own), np.nan)
        share = np.zeros(len(own))
        chosen = self.constraints[self.constraints["kind"].astype("string").isin(kinds)].geometry.to_numpy()
        if not len(chosen):
            return share
        rows = np.flatnonzero(own["industrial"].fillna(value=False).to_numpy(dtype=bool))
        union = shapely.get_parts(shapely.union_all(chosen))
        pairs = intersect(own.geometry.to_numpy()[rows], union)
        share[rows] = np.minimum(np.bincount(pairs.left, weights=pairs.share, minlength=len(rows)), 1.0)
        return share

    # ------------------------------------------------------------ firms

    @cached_property
    def main_firm(self) -> pd.Series:
        """Row of the firm with most land on each parcel, by row of the parcel."""
        if self.firms is None or not len(self.firms.links):
            return pd.Series(dtype="int64")
        links = self.firms.links.sort_values(["land_area_m2", "firm"], ascending=[False, True])
        return links.drop_duplicates("parcel").set_index("parcel")["firm"]

    @cached_property
    def years(self) -> tuple[int, ...]:
        """Years the enterprises have figures of, up to the year of the figures, the latest first."""
        if self.firms is None or self.firms.year is None or self.enterprises is None:
            return ()
        stated = pd.to_numeric(self.enterprises["year"], errors="coerce").dropna().astype("int64").unique()
        return tuple(sorted((int(year) for year in stated if year <= self.firms.year), reverse=True))

    def running(self, years: int) -> tuple[int, ...]:
        """Return the last `years` years where there are figures of each; else nothing."""
        latest = self.years[:years]
        unbroken = all(year == latest[0] - place for place, year in enumerate(latest))
        return latest if len(latest) == years and unbroken else ()

    def firms_of(self, year: int) -> Firms | None:
        """Return the firms of another year, attached to the same land."""
        if self.firms is None or self.enterprises is None or year == self.firms.year:
            return self.firms
        if year not in self._years:
            self._years[year] = attach_firms(self.enterprises, self.land, self.holdings, as_of=date(year, 12, 31))
        return self._years[year]

    @cached_property
    def grades(self) -> dict[int, Grades]:
        """Grades of the firms, year by year; empty where firms are not graded."""
        if self.grading is None or self.enterprises is None or not self.years:
            return {}
        return grade_years(self.enterprises, self.grading, self.land, self.holdings)

    @cached_property
    def leading_of_zone(self) -> dict[str, tuple[str, ...]]:
        """Leading divisions or codes of each zone, by its id."""
        parks = self.land.parks
        if parks is None:
            return {}
        if self.leading:
            return dict.fromkeys(self.zone_names, tuple(self.leading))
        column = None if self.firms is None else output_column(self.firms)
        if self.firms is None or column is None:
            return {}
        row = zone_rows(parks)[self.firms.fragments["park"].to_numpy()]
        keys = pd.DataFrame({"zone": np.where(self.firms.fragments["park"] >= 0, row, -1)})
        found = leading_divisions(tally_industries(self.firms, keys, column), self.leading_count)
        ids = parks.drop_duplicates("zone_id")["zone_id"].astype("str").to_numpy()
        return {str(ids[key]): tuple(rows) for key, rows in found.groupby("key")["division"]}

    @cached_property
    def held(self) -> pd.DataFrame | None:
        """Parcels against the control indicators; None where the project asks for none."""
        return None if self.hold is None else self.hold()
