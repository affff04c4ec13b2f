"""Firms on land: which enterprise uses which ground (`attach_firms`).

Firm and parcel are many-to-many. A firm finds its parcels by `holdings`; else by its own `parcel_id`;
else by the parcel's `owner_code`; else by its point. The first way that finds a parcel is used, and the
match table counts each way. Land used (用地) = registered − leased out + leased in, as the firm reports
it; a firm that reports none uses its share of the parcels it holds.

A firm's sums (tax, value added, land …) are shared among the places it works in proportion of its land
there, in whole steps, so that parks and districts add up to the city. Units: m², yuan, tce, kWh, t.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.land import Land, districts_of
from geo.overlay import share_out
from layers.units import from_tally, in_steps, to_tally

__all__ = ["MEASURES", "Firms", "attach_firms", "from_parcels", "named_parcels", "pick_year"]

#: Extensive columns of a firm and the base unit each is counted in.
MEASURES = {
    "land_used_m2": "m2",
    "tax_cny": "cny",
    "value_added_cny": "cny",
    "high_tech_value_added_cny": "cny",
    "revenue_cny": "cny",
    "output_cny": "cny",
    "rd_cny": "cny",
    "employees": "person",
    "energy_tce": "tce",
    "electricity_kwh": "kwh",
    "emissions_t": "t",
}

_WAYS = ("holdings", "parcel_id", "owner_code", "point")


@dataclass(frozen=True)
class Firms:
    """Firms, their parcels, and their sums by place.

    Attributes
    ----------
    firms : DataFrame
        One row a firm of the chosen year: `firm_id`, `firm_name`, `MEASURES`, `founded` (where told), `matched_by`
        (holdings, parcel_id, owner_code, point, place, or missing), `land_from` (reported, parcels).
    links : DataFrame
        One row a firm × parcel: `firm`, `parcel` (rows), `land_area_m2`, `relation` (owner, tenant, or missing; whoever
        a parcel names by `owner_code` is its owner), `way` (holdings, parcel_id, owner_code, point).
    fragments : DataFrame
        One row a firm × parcel × park: `firm`, `parcel`, `park`, `district` (rows, −1 for none or
        unknown), `located` (False where nobody knows where the firm is), `share`, `MEASURES`.
    other_years : int
        Rows of other years that were set aside.
    year : int or None
        The year the figures are of.
    """

    firms: pd.DataFrame
    links: pd.DataFrame
    fragments: pd.DataFrame
    other_years: int
    year: int | None

    @property
    def match_table(self) -> pd.DataFrame:
        """How many firms, and how much tax, were matched each way."""
        way = self.firms["matched_by"].fillna("unmatched")
        table = self.firms.groupby(way).agg(firms=("firm_id", "size"), tax_cny=("tax_cny", "sum"))
        order = [*_WAYS, "place", "unmatched"]
        return table.reindex([word for word in order if word in table.index]).rename_axis("way").reset_index()


def attach_firms(
    enterprises: pd.DataFrame,
    land: Land | None = None,
    holdings: pd.DataFrame | None = None,
    *,
    as_of: date | None = None,
) -> Firms:
    """Match firms to parcels and share their sums among places.

    Parameters
    ----------
    enterprises : DataFrame or GeoDataFrame
        Canonical layer; points (if any) in the CRS of the parcels.
    land : Land, optional
        Without land every firm counts for the city only.
    holdings : DataFrame, optional
        `enterprise_code`, `parcel_id`, `relation` (owner, tenant), `land_area_m2`, validity dates.
    as_of : date, optional
        Of several years the latest one up to this day is used.

    Returns
    -------
    Firms
    """
    chosen, other_years, year = pick_year(enterprises, as_of)
    firms = _firm_table(chosen)
    links = _no_links() if land is None else _link(firms, chosen, land, _in_force(holdings, as_of))
    way = links.drop_duplicates("firm").set_index("firm")["way"]
    firms["matched_by"] = way.reindex(firms.index).astype("string")
    from_parcels = links.groupby("firm")["land_area_m2"].sum(min_count=1)
    # Land of which a part is not known is not known.
    in_the_dark = links.loc[links["land_area_m2"].isna(), "firm"].unique()
    from_parcels = from_parcels.drop(in_the_dark).reindex(firms.index)
    firms["land_from"] = pd.Series("reported", index=firms.index, dtype="string").where(
        firms["land_used_m2"].notna(), "parcels"
    )
    # Land reported as nothing stays nothing: only a firm that reports none at all uses its parcels' land.
    used = firms["land_used_m2"].fillna(from_parcels)
    firms["land_used_m2"] = used.mask(used <= 0)
    for column, base in MEASURES.items():
        firms[column] = in_steps(firms[column], base)
    fragments = _fragments(firms, links, chosen, land)
    firms.loc[
        firms["matched_by"].isna() & firms.index.isin(fragments.loc[fragments["located"], "firm"]), "matched_by"
    ] = "place"
    return Firms(firms, links, fragments, other_years, year)


def named_parcels(land: Land, enterprises: pd.DataFrame, holdings: pd.DataFrame | None) -> npt.NDArray[np.bool_]:
    """Tell which parcels any firm can be matched to, each way: the others need not be kept for `attach_firms`.

    Parameters
    ----------
    land : Land
    enterprises, holdings
        As for `attach_firms`.

    Returns
    -------
    array of bool, one a parcel
    """
    own = land.parcels
    ids = [_split_ids(enterprises)] if "parcel_id" in enterprises else []
    ids += [_text(holdings, "parcel_id")] if holdings is not None else []
    named = np.zeros(len(own), dtype=bool)
    if ids:
        named |= own["parcel_id"].isin(pd.concat(ids).dropna()).to_numpy(dtype=bool)
    if "owner_code" in own:
        named |= _text(own, "owner_code").isin(_text(enterprises, "enterprise_code").dropna()).to_numpy(dtype=bool)
    if isinstance(enterprises, gpd.GeoDataFrame):
        parcel, _ = shapely.STRtree(enterprises.geometry.to_numpy()).query(own.geometry.to_numpy())
        named[parcel] = True
    return named


def _split_ids(enterprises: pd.DataFrame) -> pd.Series:
    """Ids of parcels as firms write them, several in one cell; the index tells the firm."""
    return _text(enterprises, "parcel_id").str.split(r"[;,，；、\s]+", regex=True).explode()


def from_parcels(land: Land) -> pd.DataFrame | None:
    """Return parcels that carry their own tax as an enterprises table (地块法), one firm a parcel; else None.

    The parcel itself is the accounting unit: its tax over its own land.
    """
    known = [column for column in MEASURES if column in land.parcels and land.parcels[column].notna().any()]
    if not known:
        return None
    own = land.parcels
    return pd.DataFrame(
        {
            "enterprise_code": own["uid"],
            "enterprise_name": own["parcel_id"],
            "parcel_id": own["parcel_id"],
            "land_registered_m2": own["land_area_m2"],
            **{column: own[column] for column in known},
        }
    )


def pick_year(enterprises: pd.DataFrame, as_of: date | None) -> tuple[pd.DataFrame, int, int | None]:
    """Return the rows of the latest year up to `as_of`, the number of other rows, and that year."""
    if "year" not in enterprises or enterprises["year"].isna().all():
        return enterprises.reset_index(drop=True), 0, None
    years = pd.to_numeric(enterprises["year"], errors="coerce")
    usable = years[years <= as_of.year] if as_of is not None else years
    year = int((usable if usable.notna().any() else years).max())
    chosen = enterprises[(years == year) | years.isna()]
    return chosen.reset_index(drop=True), len(enterprises) - len(chosen), year


def _firm_table(chosen: pd.DataFrame) -> pd.DataFrame:
    code, name = _text(chosen, "enterprise_code"), _text(chosen, "enterprise_name")
    unnamed = pd.Series([f"#{i + 1}" for i in range(len(chosen))], index=chosen.index, dtype="string")
    firms = pd.DataFrame({"firm_id": code.fillna(name).fillna(unnamed), "firm_name": name.fillna(code).fillna(unnamed)})
    for column in MEASURES:
        firms[column] = _number(chosen, column)
    firms["land_used_m2"] = _land_reported(chosen)
    if "high_tech" in chosen:
        high = chosen["high_tech"].astype("boolean")
        firms["high_tech_value_added_cny"] = firms["value_added_cny"].where(
            high.fillna(value=False), 0.0
        ).mask(high.isna() | firms["value_added_cny"].isna())  # fmt: skip
    firms["industry_code"] = _text(chosen, "industry_code")
    firms["scale"] = _text(chosen, "scale")
    if "founded" in chosen:
        firms["founded"] = chosen["founded"]
    return firms


def _land_reported(chosen: pd.DataFrame) -> pd.Series:
    """Registered − leased out + leased in; a part that is blank counts 0 once another part is reported."""
    registered = _number(chosen, "land_registered_m2")
    leased_in, leased_out = _number(chosen, "land_leased_in_m2"), _number(chosen, "land_leased_out_m2")
    used = registered.fillna(0.0) - leased_out.fillna(0.0) + leased_in.fillna(0.0)
    return used.mask(registered.isna() & leased_in.isna())


def _text(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(pd.NA, index=frame.index, dtype="string")
    text = frame[column].astype("string").str.strip()
    return text.mask(text == "")


def _number(frame: pd.DataFrame, column: str) -> pd.Series:
    if column not in frame:
        return pd.Series(np.nan, index=frame.index, dtype="float64")
    return pd.to_numeric(frame[column], errors="coerce").astype("float64")


def _in_force(holdings: pd.DataFrame | None, as_of: date | None) -> pd.DataFrame | None:
    if holdings is None or as_of is None:
        return holdings
    day = pd.Timestamp(as_of)
    begun = pd.to_datetime(holdings["valid_from"]) <= day if "valid_from" in holdings else True
    open_ = pd.to_datetime(holdings["valid_to"]) >= day if "valid_to" in holdings else True
    late = holdings["valid_from"].isna() if "valid_from" in holdings else False
    endless = holdings["valid_to"].isna() if "valid_to" in holdings else False
    kept = (begun | late) & (open_ | endless)
    return holdings if isinstance(kept, bool) else holdings[kept]


def _no_links() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "firm": pd.Series(dtype="int64"),
            "parcel": pd.Series(dtype="int64"),
            "land_area_m2": pd.Series(dtype="float64"),
            "relation": pd.Series(dtype="string"),
            "way": pd.Series(dtype="string"),
        }
    )


def _link(firms: pd.DataFrame, chosen: pd.DataFrame, land: Land, holdings: pd.DataFrame | None) -> pd.DataFrame:
    """Pairs of firm and parcel, each firm by the first way that finds one."""
    found: list[pd.DataFrame] = []
    open_firms = pd.Series(True, index=firms.index)
    for way in _WAYS:
        pairs = _pairs(way, firms, chosen, land, holdings)
        pairs = pairs[open_firms[pairs["firm"]].to_numpy()]
        open_firms[pairs["firm"].unique()] = False
        found.append(pairs.assign(way=way))
    links = pd.concat([_no_links(), *(table for table in found if len(table))], ignore_index=True)
    links = links.astype({"firm": "int64", "parcel": "int64", "way": "string"})
    links["land_area_m2"] = _land_of_links(links, land.parcels["land_area_m2"].to_numpy("float64"))
    return links.sort_values(["firm", "parcel"], kind="stable", ignore_index=True)


def _pairs(
    way: str, firms: pd.DataFrame, chosen: pd.DataFrame, land: Land, holdings: pd.DataFrame | None
) -> pd.DataFrame:
    # An id that stands twice names all its parcels: which of them comes first in a file decides nothing.
    by_id = pd.DataFrame({"id": land.parcels["parcel_id"].astype("string"), "parcel": land.parcels.index})
    if way == "holdings" and holdings is not None:
        return _by_holdings(firms, by_id, holdings)
    if way == "parcel_id":
        asked = _split_ids(chosen).dropna()
        both = pd.DataFrame({"firm": asked.index, "id": asked.to_numpy()}).merge(by_id, on="id")
        return _plain_pairs(both["firm"].to_numpy("int64"), both["parcel"].to_numpy("int64"))
    if way == "owner_code" and "owner_code" in land.parcels:
        owners = pd.DataFrame({"code": _text(land.parcels, "owner_code"), "parcel": land.parcels.index}).dropna()
        both = (
            pd.DataFrame({"code": _text(chosen, "enterprise_code"), "firm": chosen.index})
            .dropna()
            .merge(owners, on="code")
        )
        return _plain_pairs(both["firm"].to_numpy("int64"), both["parcel"].to_numpy("int64"), "owner")
    if way == "point" and isinstance(chosen, gpd.GeoDataFrame):
        points = chosen.geometry.to_numpy()
        parcel, firm = shapely.STRtree(points).query(land.parcels.geometry.to_numpy(), predicate="intersects")
        pairs = _plain_pairs(firm, parcel).sort_values(["firm", "parcel"])
        return pairs.drop_duplicates("firm") if shapely.get_type_id(points).max(initial=0) == 0 else pairs
    return _plain_pairs(np.zeros(0, dtype="int64"), np.zeros(0, dtype="int64"))


def _plain_pairs(
    firm: npt.NDArray[np.int64], parcel: npt.NDArray[np.int64], relation: str | None = None
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "firm": firm,
            "parcel": parcel,
            "land_area_m2": np.nan,
            "relation": pd.array([relation] * len(firm), dtype="string"),
        }
    )


def _by_holdings(firms: pd.DataFrame, by_id: pd.DataFrame, holdings: pd.DataFrame) -> pd.DataFrame:
    held = pd.DataFrame(
        {
            "code": _text(holdings, "enterprise_code").fillna(_text(holdings, "enterprise_name")),
            "id": _text(holdings, "parcel_id"),
            "land_area_m2": _number(holdings, "land_area_m2"),
            "relation": _text(holdings, "relation"),
        }
    ).dropna(subset=["code", "id"])
    held["land_area_m2"] /= held["id"].map(by_id["id"].value_counts()).astype("float64")
    held = held.merge(by_id, on="id")
    known_by = [firms["firm_id"], firms["firm_name"]]
    names = pd.concat([pd.DataFrame({"code": key, "firm": firms.index}) for key in known_by]).drop_duplicates()
    pairs = names.merge(held, on="code")[["firm", "parcel", "land_area_m2", "relation"]]
    same = pairs.groupby(["firm", "parcel"])
    summed = same[["land_area_m2"]].sum(min_count=1).assign(relation=same["relation"].first())
    return summed.reset_index().astype({"firm": "int64", "parcel": "int64"})


def _land_of_links(links: pd.DataFrame, parcel_area: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Land each firm uses on each parcel: an owner's holding less what its tenants hold there.

    Firms whose holding names no area share equally what is left of the parcel.
    """
    area = parcel_area[links["parcel"].to_numpy()]
    stated = links["land_area_m2"].to_numpy("float64")
    owner = (links["relation"] == "owner").fillna(value=False).to_numpy(dtype=bool)
    by_parcel = links["parcel"]
    let = (
        pd.Series(np.where(owner, 0.0, np.nan_to_num(stated))).groupby(by_parcel.to_numpy()).transform("sum").to_numpy()
    )
    owners = pd.Series(owner.astype("float64")).groupby(by_parcel.to_numpy()).transform("sum").to_numpy()
    used = np.where(owner, np.maximum(stated - let / np.maximum(owners, 1.0), 0.0), stated)
    blank = np.isnan(used)
    taken = pd.Series(np.nan_to_num(used)).groupby(by_parcel.to_numpy()).transform("sum").to_numpy()
    sharing = pd.Series(blank.astype("float64")).groupby(by_parcel.to_numpy()).transform("sum").to_numpy()
    rest = np.maximum(area - taken, 0.0) / np.maximum(sharing, 1.0)
    return np.where(blank, rest, used)


def _fragments(firms: pd.DataFrame, links: pd.DataFrame, chosen: pd.DataFrame, land: Land | None) -> pd.DataFrame:
    """Share each firm's sums among parcel × park pieces by the land it uses there."""
    parts = [_by_piece(links, land)] if land is not None else []
    placed = pd.Index(links["firm"].unique())
    rest = firms.index.difference(placed).to_numpy()
    parts.append(_by_place(rest, chosen, land))
    table = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    table = table.sort_values(["firm", "parcel", "park"], kind="stable", ignore_index=True)
    group, weight = table["firm"].to_numpy("intp"), table["share"].to_numpy("float64")
    for column, base in MEASURES.items():
        values = firms[column].to_numpy("float64")
        known = np.isfinite(values)
        steps = share_out(to_tally(np.where(known, values, 0.0), base), group, weight)
        table[column] = np.where(known[group], from_tally(steps, base), np.nan)
    return table


def _by_piece(links: pd.DataFrame, land: Land) -> pd.DataFrame:
    pieces = land.pieces[["parcel", "park", "share"]]
    table = links[["firm", "parcel", "land_area_m2"]].merge(pieces, on="parcel")
    firm_land = table.groupby("firm")["land_area_m2"].transform("sum")
    # Where the land of one of its parcels is not known, a firm's parcels count alike.
    known = ~table["land_area_m2"].isna().groupby(table["firm"]).transform("any")
    links_of_firm = links.groupby("firm")["parcel"].size().reindex(table["firm"]).to_numpy()
    weight = np.where(known & (firm_land > 0), table["land_area_m2"] * table["share"], table["share"] / links_of_firm)
    return pd.DataFrame(
        {
            "firm": table["firm"],
            "parcel": table["parcel"],
            "park": table["park"],
            "district": land.parcels["district"].to_numpy()[table["parcel"].to_numpy()],
            "located": True,
            "share": weight,
        }
    )


def _by_place(rest: npt.NDArray[np.int64], chosen: pd.DataFrame, land: Land | None) -> pd.DataFrame:
    """Firms without a parcel: a point still tells park and district; without one nobody knows."""
    table = pd.DataFrame({"firm": rest, "parcel": -1, "park": -1, "district": -1, "located": False, "share": 1.0})
    if land is None or not isinstance(chosen, gpd.GeoDataFrame) or not len(rest):
        return table
    points = chosen.geometry.iloc[rest]
    known = ~(points.is_empty | points.isna()).to_numpy()
    table["located"] = known
    if land.districts is not None and known.any():
        table.loc[known, "district"] = districts_of(points[known], land.districts)
    if land.faces is not None and known.any():
        face, point = shapely.STRtree(points[known].to_numpy()).query(land.faces.geometry, predicate="intersects")
        park = pd.Series([land.faces.owners[row][0] for row in face], index=point).groupby(level=0).min()
        table.loc[np.flatnonzero(known)[park.index], "park"] = park.to_numpy()
    return table
