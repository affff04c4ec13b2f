"""Every act the planner could choose (`draw_up`), each with its cost, what it changes and what it uses.

Which parcels may be acted on, which parks may take their industry, which lie near enough to be annexed: read from
`[plan]`. An act that helps no target is not listed. Sums are in steps (`geo.plan.effects`), money in fen. Knows no
solver.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.assessment import Assessment
from geo.indicators import Indicator
from geo.land import Land, districts_of
from geo.plan.costs import ACTS, Cost, read_costs
from geo.plan.effects import Effects, effects
from geo.plan.locks import Lock, read_locks
from geo.plan.targets import Target
from geo.renewal import says_idle
from geo.renewal.facts import main_park
from geo.renewal.groups import group_numbers
from layers.errors import ProjectError, Words, nearest
from layers.project import Project
from layers.units import label, to_tally

__all__ = ["Options", "Site", "allowed_acts", "draw_up", "infill_yield", "intensified_ratio"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

#: Distances are measured for so many parcels at once, to bound memory.
_CHUNK = 10_000


@dataclass(frozen=True)
class Site:
    """What every parcel of a plan is asked by; one row a row of `Land.parcels`.

    Attributes
    ----------
    area_m2, floor_m2 : arrays of float
        Land and floor area; the latter NaN where not known.
    may_go, idle, candidate, scattered : arrays of bool
        Industrial land that may be acted on, vacant land that is not industrial, low-efficiency candidates, industry
        more than half outside every park.
    inside : array of float
        Share of the parcel that lies in parks.
    park : array of int
        Park that holds most of the parcel, −1 for none.
    district, group : arrays of int
        −1 where unknown or in no group.
    """

    area_m2: Floats
    floor_m2: Floats
    may_go: Flags
    idle: Flags
    candidate: Flags
    scattered: Flags
    inside: Floats
    park: Rows
    district: Rows
    group: Rows


@dataclass(frozen=True)
class Options:
    """Acts, and how they came to be.

    Attributes
    ----------
    table : DataFrame
        One row an act, in order of parcel, act and park: `parcel` (row), `action`, `park` (row, −1 for none),
        `cost_fen`, `land` (steps of land it concerns), `vacant` (steps of vacant land it takes), `top_0`, `below_0`,
        `top_1` … (changes of the sums of each target, in steps), `district`.
    land : Land
        What they are on.
    effects : tuple of Effects
        One a target.
    site : Site
    locks : tuple of Lock
    placeholders : bool
        Whether the costs are nobody's.
    costs : dict of str to Cost
    notes : tuple of Words
        What was left out, and why.
    """

    table: pd.DataFrame
    land: Land
    effects: tuple[Effects, ...]
    site: Site
    locks: tuple[Lock, ...]
    placeholders: bool
    costs: dict[str, Cost]
    notes: tuple[Words, ...] = field(default_factory=tuple)


def allowed_acts(project: Project) -> tuple[str, ...]:
    """Return the acts a project allows; those it has costs of where it names only these."""
    stated = project["plan.costs"]
    acts = project.texts("plan.actions")
    if project.settings["plan.actions"].origin == "default" and isinstance(stated, dict) and stated:
        acts = tuple(act for act in ACTS if act in stated) or acts
    for act in acts:
        if act not in ACTS:
            like = nearest(act, ACTS)
            raise ProjectError(
                f'plan.actions: "{act}" is no act. Did you mean "{like}"? Known: {", ".join(ACTS)}.',
                f"plan.actions：没有措施“{act}”。是否指“{like}”？可用：{'、'.join(ACTS)}。",
            )
    return tuple(dict.fromkeys(acts))


def draw_up(assessment: Assessment, targets: Sequence[Target]) -> Options:
    """List every act the planner could choose (备选措施).

    Raises
    ------
    ProjectError
        A setting of `[plan]` cannot be used; the message names it.
    """
    land, project = assessment.land, assessment.project
    if land is None:
        raise ProjectError(
            f"{project.path}: a plan acts on parcels, and there are none. Add [layers.parcels] with a source.",
            f"{project.path}：规划以地块为对象，但项目没有地块图层。请增加 [layers.parcels] 并指定 source。",
        )
    acts = allowed_acts(project)
    costs, placeholders = read_costs(project, acts)
    path = project.file("plan.locks")
    locks = () if path is None else read_locks(path, land.parcels)
    park_districts = _park_districts(land)
    changes = tuple(effects(target, land, assessment.firms, park_districts) for target in targets)
    site = _site(assessment, land, locks)
    desk = _Desk(land, project, site, costs, changes, [])
    parts = [_ACTS[act](desk) for act in acts]
    table = pd.concat([_none(len(changes)), *(part for part in parts if len(part))], ignore_index=True)
    table = _useful(table, changes, locks)
    table["district"] = site.district[table["parcel"].to_numpy("int64")]
    _note_unpriced(desk, acts)
    _note_small_quota(desk, table)
    return Options(table, land, changes, site, locks, placeholders, costs, tuple(desk.notes))


def _note_unpriced(desk: _Desk, acts: Sequence[str]) -> None:
    """Tell which acts a project without costs would have, and has not since it states costs of others."""
    if desk.project.settings["plan.actions"].origin == "default":
        without = [act for act in desk.project.texts("plan.actions") if act not in acts]
        if without:
            desk.notes.append(
                Words(
                    f"{', '.join(without)}: not offered, since plan.costs states no cost of it",
                    f"{'、'.join(_ZH[act] for act in without)}：未列入，plan.costs 没有给出其成本",
                )
            )


def _note_small_quota(desk: _Desk, table: pd.DataFrame) -> None:
    """Tell of a quota of land smaller than any parcel it is of: stated in mu, perhaps."""
    quota = desk.project.number("plan.annex_quota_m2")
    least = table["land"][table["action"] == "annex"].min()
    if quota and quota * 100 < least:
        desk.notes.append(
            Words(
                f"plan.annex_quota_m2 = {quota:,.0f} m² is less than the smallest parcel that could be annexed "
                f"({least / 100:,.0f} m²). It is in m²; 1 mu is 666.67 m²",
                f"plan.annex_quota_m2 = {quota:,.0f} 平方米，小于可划入的最小地块（{least / 100:,.0f} 平方米）。"
                "该项单位为平方米，1 亩 = 666.67 平方米",
            )
        )


def _park_districts(land: Land) -> Rows:
    if land.parks is None or land.districts is None:
        return np.full(0 if land.parks is None else len(land.parks), -1)
    return districts_of(land.parks.geometry, land.districts)


def _site(assessment: Assessment, land: Land, locks: Sequence[Lock]) -> Site:
    own, project = land.parcels, assessment.project
    industrial = own["industrial"].fillna(value=False).to_numpy(dtype=bool)
    area = own["land_area_m2"].to_numpy("float64")
    inside, park = main_park(land)
    candidate = np.zeros(len(own), dtype=bool)
    if assessment.candidates is not None:
        candidate[assessment.candidates.table["parcel"].to_numpy("int64")] = True
    scattered = industrial & (inside < 0.5)
    which = project.text("plan.parcels")
    may_go = {"scattered": scattered, "candidates": candidate, "either": scattered | candidate}[which or "either"]
    may_go = may_go & industrial & (area >= (project.number("candidates.minimum_area_m2") or 0.0))
    for lock in locks:
        may_go[lock.parcel] = lock.must and industrial[lock.parcel]
    group = _groups(land, may_go, project)
    smallest = project.number("plan.minimum_group_m2")
    if smallest is not None:
        large = np.bincount(group + 1, weights=np.nan_to_num(area))[group + 1] >= smallest
        may_go = may_go & (large | np.isin(np.arange(len(own)), [lock.parcel for lock in locks if lock.must]))
    told = says_idle(own["status"]) if "status" in own else pd.Series(False, index=own.index, dtype="boolean")
    idle = told.fillna(value=False).to_numpy(dtype=bool) & ~industrial & (inside >= 0.5)
    idle[[lock.parcel for lock in locks if not lock.must]] = False
    return Site(
        area_m2=area,
        floor_m2=own["floor_area_m2"].to_numpy("float64"),
        may_go=may_go,
        idle=idle,
        candidate=candidate,
        scattered=scattered,
        inside=inside,
        park=park,
        district=own["district"].to_numpy("int64"),
        group=group,
    )


def _groups(land: Land, may_go: Flags, project: Project) -> Rows:
    """Number the contiguous groups of parcels that may be acted on, where anything depends on them."""
    group = np.full(len(may_go), -1)
    if project.text("plan.unit") == "group" or project["plan.minimum_group_m2"] is not None:
        rows = np.flatnonzero(may_go)
        shapes, area = land.parcels.geometry.to_numpy()[rows], land.parcels["land_area_m2"].to_numpy("float64")[rows]
        group[rows] = group_numbers(shapes, area, project.number("candidates.group_within_m") or 0.0)
    return group


@dataclass(frozen=True)
class _Desk:
    """What the acts are drawn up with; `notes` gathers what was left out."""

    land: Land
    project: Project
    site: Site
    costs: dict[str, Cost]
    changes: tuple[Effects, ...]
    notes: list[Words]

    def rows(
        self,
        action: str,
        parcel: Rows,
        park: Rows,
        land_m2: Floats,
        sums: Sequence[tuple[Integers, Integers]],
        vacant_m2: Floats | None = None,
    ) -> pd.DataFrame:
        """Write one row an act; acts whose cost cannot be told are left out, and told."""
        cost = self.costs[action].of(land_m2, self.site.floor_m2[parcel])
        known = np.isfinite(cost) & np.isfinite(land_m2)
        if not known.all():
            self.left_out(action, int((~known).sum()), "floor area or land is not known", "建筑面积或用地面积未知")
        takes = np.zeros(len(land_m2)) if vacant_m2 is None else np.where(known, vacant_m2, 0.0)
        table = pd.DataFrame(
            {
                "parcel": parcel.astype("int64"),
                "action": action,
                "park": park.astype("int64"),
                "cost_fen": to_tally(np.where(known, cost, 0.0), "cny"),
                "land": to_tally(np.where(known, land_m2, 0.0), "m2"),
                "vacant": to_tally(takes, "m2"),
            }
        )
        for place, (top, below) in enumerate(sums):
            table[f"top_{place}"], table[f"below_{place}"] = top, below
        return table[known].reset_index(drop=True)

    def left_out(self, action: str, count: int, en: str, zh: str) -> None:
        """Note acts that could not be offered."""
        if count:
            self.notes.append(
                Words(f"{action}: {count:,} acts not offered, {en}", f"{_ZH[action]}：{count:,} 项未列入，{zh}")
            )


_ZH = {"retire": "关停退出", "relocate": "搬迁入园", "annex": "划入园区", "intensify": "提容增效", "infill": "空地利用"}


def _none(targets: int) -> pd.DataFrame:
    columns = ["cost_fen", "land", "vacant", *(f"{side}_{n}" for n in range(targets) for side in ("top", "below"))]
    return pd.DataFrame(
        {"parcel": pd.Series(dtype="int64"), "action": pd.Series(dtype="str"), "park": pd.Series(dtype="int64")}
        | {name: pd.Series(dtype="int64") for name in columns}
    )


def _retire(desk: _Desk) -> pd.DataFrame:
    parcel = np.flatnonzero(desk.site.may_go)
    nowhere = np.full(len(parcel), -1)
    return desk.rows(
        "retire", parcel, nowhere, desk.site.area_m2[parcel], [change.retire(parcel) for change in desk.changes]
    )


def _relocate(desk: _Desk) -> pd.DataFrame:
    """Into each of the nearest parks with room for it."""
    parks, ratio = desk.land.parks, desk.project.number("plan.relocation_land_ratio") or 1.0
    parcel = np.flatnonzero(desk.site.may_go & desk.site.scattered)
    room = _room(desk)
    open_to = np.flatnonzero(room > 0)
    if parks is None or not len(open_to):
        desk.left_out("relocate", len(parcel), "no park tells vacant land (vacant_land_m2)", "没有园区给出可供用地面积")
        return _none(len(desk.changes))
    nearest_parks = _nearest(desk, parcel, open_to, int(desk.project.number("plan.relocation_parks") or 1))
    parcel, park = np.repeat(parcel, nearest_parks.shape[1]), nearest_parks.ravel()
    fits = (park >= 0) & (desk.site.area_m2[parcel] * ratio <= room[park])
    desk.left_out(
        "relocate", int((~fits & (park >= 0)).sum()),
        "the park has less vacant land than the parcel needs", "园区可供用地小于所需用地",
    )  # fmt: skip
    if len(fits) and not fits.any():
        desk.notes.append(
            Words(
                f"relocate: no park has room for any parcel; the largest vacant land is {room.max():,.0f} m². "
                "If that column is in mu, state its unit under [layers.parks] columns",
                f"搬迁入园：没有园区容得下任何一个地块；可供用地最大为 {room.max():,.0f} 平方米。"
                "若该列单位为亩，请在 [layers.parks] 的 columns 中写明",
            )
        )
    parcel, park = parcel[fits], park[fits]
    sums = [change.relocate(parcel, park, ratio) for change in desk.changes]
    area = desk.site.area_m2[parcel] * ratio
    return desk.rows("relocate", parcel, park, area, sums, vacant_m2=area)


def _room(desk: _Desk) -> Floats:
    """Vacant land of each park (m²), 0 where it is not known."""
    parks = desk.land.parks
    if parks is None or "vacant_land_m2" not in parks:
        return np.zeros(0 if parks is None else len(parks))
    return np.asarray(parks["vacant_land_m2"].astype("float64").fillna(0.0), dtype=np.float64)


def _nearest(desk: _Desk, parcel: Rows, open_to: Rows, count: int) -> Rows:
    """Return for each parcel the nearest parks that may take it, −1 where there are fewer."""
    middles = shapely.get_coordinates(shapely.point_on_surface(desk.land.parcels.geometry.to_numpy()[parcel]))
    homes = desk.land.parks.geometry.to_numpy()[open_to]  # type: ignore[union-attr]
    places = shapely.get_coordinates(shapely.centroid(homes))
    count = min(count, len(open_to))
    found = np.full((len(parcel), count), -1)
    for start in range(0, len(parcel), _CHUNK):
        part = slice(start, start + _CHUNK)
        away = np.hypot(*(middles[part, None, axis] - places[None, :, axis] for axis in (0, 1)))
        if desk.project["plan.industry_fit"]:
            away[~_same_industry(desk, parcel[part], open_to)] = np.inf
        order = np.argsort(away, axis=1, kind="stable")[:, :count]
        found[part] = np.where(np.isfinite(np.take_along_axis(away, order, 1)), open_to[order], -1)
    if desk.project["plan.industry_fit"]:
        none = int((found < 0).all(axis=1).sum())
        desk.left_out("relocate", none, "no park with vacant land has their industry", "有可供用地的园区均无同行业")
    return found


def _same_industry(desk: _Desk, parcel: Rows, parks: Rows) -> Flags:
    """Tell which parks have industry of the same division (first two digits of GB/T 4754) as a parcel."""
    own = desk.land.parcels
    if "industry_code" not in own:
        return np.zeros((len(parcel), len(parks)), dtype=bool)
    division = own["industry_code"].astype("string").str.extract(r"(\d{2})")[0]
    codes, known = pd.factorize(division)
    there = np.zeros((len(known) + 1, int(desk.site.park.max(initial=0)) + 1), dtype=bool)
    placed = (desk.site.park >= 0) & (codes >= 0)
    there[codes[placed], desk.site.park[placed]] = True
    parks_with = parks[parks < there.shape[1]]
    same = np.zeros((len(parcel), len(parks)), dtype=bool)
    same[:, parks < there.shape[1]] = there[codes[parcel]][:, parks_with]
    return same


def _annex(desk: _Desk) -> pd.DataFrame:
    """To the nearest park within reach; what lies in a park already is not annexed."""
    parcel = np.flatnonzero(desk.site.may_go & desk.site.scattered)
    if desk.land.parks is None or not len(parcel):
        return _none(len(desk.changes))
    shapes = desk.land.parcels.geometry.to_numpy()[parcel]
    tree = shapely.STRtree(desk.land.parks.geometry.to_numpy())
    within = desk.project.number("plan.annex_within_m") or 0.0
    near, park = (
        tree.query_nearest(shapes, max_distance=within, all_matches=False)
        if within
        else tree.query(shapes, predicate="intersects")
    )
    _, first = np.unique(near, return_index=True)
    desk.left_out(
        "annex", len(parcel) - len(first), f"no park lies within {within:g} m (plan.annex_within_m)",
        f"{within:g} 米内没有园区（plan.annex_within_m）",
    )  # fmt: skip
    parcel, park = parcel[near[first]], park[first]
    sums = [change.annex(parcel, park) for change in desk.changes]
    return desk.rows("annex", parcel, park, desk.site.area_m2[parcel] * (1 - desk.site.inside[parcel]), sums)


def intensified_ratio(project: Project) -> float:
    """Return the plot ratio up to which land is intensified, or say that it has to be stated."""
    aim = project.number("plan.intensify_plot_ratio")
    if aim is None:
        raise ProjectError(
            "plan.actions allows intensify, but plan.intensify_plot_ratio does not say up to which plot ratio. "
            "State it, such as intensify_plot_ratio = 2.0.",
            "plan.actions 允许 intensify（提容增效），但没有给出 plan.intensify_plot_ratio（提容后的容积率）。"
            "请补充，如 intensify_plot_ratio = 2.0。",
        )
    return aim


def _intensify(desk: _Desk) -> pd.DataFrame:
    """Up to the plot ratio the project names, on land that has less."""
    aim = intensified_ratio(desk.project)
    floor, area = desk.site.floor_m2, desk.site.area_m2
    lacking = aim * area - floor
    parcel = np.flatnonzero(desk.site.may_go & (lacking > 0))
    unknown = int((desk.site.may_go & ~np.isfinite(floor)).sum())
    desk.left_out("intensify", unknown, "floor area is not known", "建筑面积未知")
    added = to_tally(lacking[parcel], "m2")
    return desk.rows(
        "intensify", parcel, desk.site.park[parcel], area[parcel],
        [change.intensify(parcel, added) for change in desk.changes],
    )  # fmt: skip


def _infill(desk: _Desk) -> pd.DataFrame:
    """Vacant parcels in parks become industrial."""
    parcel = np.flatnonzero(desk.site.idle)
    park, room = desk.site.park[parcel], _room(desk)
    takes = desk.site.area_m2[parcel] * desk.site.inside[parcel]
    fits = takes <= room[park] if len(room) else np.zeros(len(parcel), dtype=bool)
    desk.left_out("infill", int((~fits).sum()), "the park tells less vacant land", "园区可供用地不足")
    parcel, park, takes = parcel[fits], park[fits], takes[fits]
    area = desk.site.area_m2[parcel]
    whole = to_tally(area, "m2")
    sums = [
        change.infill(parcel, whole, infill_yield(desk.project, change.target.indicator)) for change in desk.changes
    ]
    return desk.rows("infill", parcel, park, area, sums, vacant_m2=takes)


def infill_yield(project: Project, entry: Indicator) -> float:
    """Steps on top a step of infilled land: all of it for concentration, else what the project states."""
    if entry.numerator == "inside_area_m2":
        return 1.0
    stated = project["plan.infill_yields"]
    value = stated.get(entry.id) if isinstance(stated, dict) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ProjectError(
            f"plan.actions allows infill, but plan.infill_yields does not say what {entry.id} new industry has "
            f"(in {label(entry.unit, 'en')}). State it as plan.infill_yields = {{ {entry.id} = … }}.",
            f"plan.actions 允许 infill（空地利用），但 plan.infill_yields 没有给出新增产业的{entry.title_zh}"
            f"（{entry.unit_label}）。请写作 plan.infill_yields = {{ {entry.id} = … }}。",
        )
    return float(Target(entry, "", 0, "", "", at_least=True, figure=float(value), source="project").ratio)


_ACTS: dict[str, Callable[[_Desk], pd.DataFrame]] = {
    "retire": _retire,
    "relocate": _relocate,
    "annex": _annex,
    "intensify": _intensify,
    "infill": _infill,
}


def _useful(table: pd.DataFrame, changes: Sequence[Effects], locks: Sequence[Lock]) -> pd.DataFrame:
    """Keep acts that bring some target nearer, and all acts on parcels that have to be acted on; in order."""
    helps = np.zeros(len(table), dtype=bool)
    for place, change in enumerate(changes):
        sign = 1 if change.target.at_least else -1
        today = change.top.now / change.below.now if change.below.now else 0.0
        # What lifts today's ratio though not up to the figure still counts where the figure is out of reach.
        for ratio in (float(change.target.ratio), today):
            gain = table[f"top_{place}"] - ratio * table[f"below_{place}"]
            helps |= (sign * gain > 0).to_numpy()
    asked = table["parcel"].isin([lock.parcel for lock in locks if lock.must]).to_numpy()
    order = {act: place for place, act in enumerate(ACTS)}
    kept = table[helps | asked].assign(of=lambda rows: rows["action"].map(order))
    return kept.sort_values(["parcel", "of", "park"], kind="stable", ignore_index=True).drop(columns="of")
