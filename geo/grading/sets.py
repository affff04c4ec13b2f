"""Which rule sets of the grading of firms (亩均论英雄) there are, and how a project brings its own.

The sets on board (`policy/grading/*.toml`) are published rules of one place and one data year, each a labelled
example and never a default, and a template to fill in. The province leaves weights and class shares to the
counties. Two sets of one place for the same days of data are refused, so that a figure has one rule.
"""

from __future__ import annotations

import dataclasses
import itertools
import logging
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from geo.grading.class_tables import read_classes
from geo.grading.entries import check_keys, near, wrong
from geo.grading.reader import read_ranking, read_rules
from geo.grading.rules import Group, RuleSet
from geo.indicators import catalogue
from layers.errors import SourceError, StandardError, Words

__all__ = ["load_rules", "rule_sets", "rules_for", "rules_from_project", "with_classes"]

_log = logging.getLogger(__name__)

_SCALES = {"above": ("规上企业", "firms above the threshold"), "below": ("规下企业", "firms below the threshold")}


def rule_sets(files: Iterable[Path] = ()) -> dict[str, RuleSet]:
    """Return every rule set (评价规则) on board, and those of `files`, by id.

    Raises
    ------
    StandardError
        A file is not whole, two sets bear one id, or two sets of one place are for the same days of data.
    SourceError
        A file cannot be read.

    Examples
    --------
    >>> sorted(rule_sets())
    ['huangyan-2021', 'huangyan-2022', 'template']
    """
    sets = [*_on_board(), *(_read(Path(file)) for file in files)]
    for one, other in itertools.combinations(sets, 2):
        if one.id == other.id:
            raise wrong(
                f"{one.where}, {other.where}",
                f'both bear the id "{one.id}"; give the set of your own another id',
                f"编号“{one.id}”重复；请为自备规则另取编号",
            )
        if _overlap(one, other):
            raise wrong(
                f"{one.where}, {other.where}",
                f"both are of {one.region} and their validity overlaps: {_days(one)} and {_days(other)}; "
                'change valid_from or valid_to, or leave out region (a set of your own, kind = "project", needs none)',
                f"同属 {one.region}，适用期重叠：{_days(one)} 与 {_days(other)}；请修改 valid_from 或 valid_to，"
                "或不写 region（自备规则 kind = “project”可不写）",
            )
    return {one.id: one for one in sets}


@cache
def _on_board() -> tuple[RuleSet, ...]:
    folder = resources.files("geo").joinpath("policy/grading")
    files = sorted((one for one in folder.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return tuple(_read(file) for file in files)


def _read(file: Traversable | Path) -> RuleSet:
    try:
        text = file.read_text(encoding="utf-8-sig")  # editors on Windows put a mark before the first key
    except FileNotFoundError as error:
        raise SourceError(
            f"{file}: there is no such rule set. Expected a TOML file, relative to the project file.",
            f"{file}：评价规则文件不存在。应为 TOML 文件，路径相对于项目文件。",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"{file}: the rule set cannot be read ({error}). Expected a TOML file in UTF-8.",
            f"{file}：评价规则无法读取（{error}）。应为 UTF-8 编码的 TOML 文件。",
        ) from error
    try:
        return read_rules(tomllib.loads(text), file.name)
    except tomllib.TOMLDecodeError as error:
        raise wrong(file.name, f"no valid TOML: {error}", f"不是有效的 TOML：{error}") from error


def _overlap(one: RuleSet, other: RuleSet) -> bool:
    if one.region is None or one.region != other.region or one.days is None or other.days is None:
        return False
    return one.days[0] <= other.days[1] and other.days[0] <= one.days[1]


def _tell_rivals(own: RuleSet) -> None:
    """Tell of a set on board for the place and days of a file that is named: it is the file that is applied."""
    for one in _on_board():
        if _overlap(one, own):
            told = Words(
                f"rule set {own.where}: {one.id} on board is of {one.region} too, and their validity overlaps "
                f"({_days(one)}, {_days(own)}); the file is applied, as the project names it",
                f"评价规则 {own.where}：已有规则 {one.id} 同属 {one.region}，适用期重叠"
                f"（{_days(one)}、{_days(own)}）；按项目指定，采用该文件",
            )
            _log.warning("%s", told.en, extra={"zh": told.zh})


def _days(one: RuleSet) -> str:
    return f"{one.valid_from or '…'} – {one.valid_to or '…'}"


def load_rules(path_or_id: str | Path) -> RuleSet:
    """Return the rule set (评价规则) of that id, or read the one in that file.

    Raises
    ------
    StandardError
        No set bears the id (the nearest is named), or the file is not whole.
    SourceError
        The file cannot be read.

    Examples
    --------
    >>> load_rules("huangyan-2022").data_year
    2022
    """
    known = {one.id: one for one in _on_board()}
    if isinstance(path_or_id, str) and path_or_id in known:
        return known[path_or_id]
    if Path(path_or_id).suffix == ".toml":
        own = _read(Path(path_or_id))
        _tell_rivals(own)
        return own
    hint, listed = near(str(path_or_id), known), ", ".join(known)
    raise StandardError(
        f'Rule set "{path_or_id}" is not on board{hint.en}. All: {listed}. A file of your own ends in .toml.',
        f"没有评价规则“{path_or_id}”{hint.zh}。全部：{listed}。自备文件须以 .toml 结尾。",
    )


def rules_for(place: str, year: int, files: Iterable[Path] = ()) -> RuleSet:
    """Return the rule set (评价规则) of a place for a data year; never that of another place or year.

    Parameters
    ----------
    place : str
        Full name from the province or the city down, or the last part of it: 浙江省台州市黄岩区, 黄岩区.
    year : int
        Year of the data.
    files : paths, optional
        Rule sets beside those on board.

    Raises
    ------
    StandardError
        There is none, or several places bear the name; what there is is named.

    Examples
    --------
    >>> rules_for("黄岩区", 2021).id
    'huangyan-2021'
    """
    known = [one for one in rule_sets(files).values() if one.region]
    here = [one for one in known if one.region and (one.region.endswith(place) or place.endswith(str(one.place)))]
    found = [one for one in here if one.covers(year)]
    if place and len(found) == 1:
        return found[0]
    listed = ", ".join(f"{one.place} {one.data_year}" for one in (found or here or known))
    hint = near(place, {str(one.place) for one in known})
    raise StandardError(
        f'{len(found)} rule sets are of "{place}" and the data of {year}, expected one{hint.en}. There are: {listed}. '
        'Bring your own: grade.rules = "FILE.toml", or [grade.scores].',
        f"“{place}”{year} 年数据的评价规则有 {len(found)} 套，应为一套{hint.zh}。现有：{listed}。"
        '可自备规则：grade.rules = "文件.toml"，或 [grade.scores]。',
    )


def rules_from_project(
    scores: Mapping[str, Mapping[str, Mapping[str, Any]]],
    classes: Sequence[Mapping[str, Any]] | None = None,
    **ranking: str,
) -> RuleSet:
    """Return the rule set (评价规则) a project states in `[grade.scores.above]` and `[grade.scores.below]`.

    Parameters
    ----------
    scores : mapping
        Group (``above``, ``below``) → indicator → its `weight` and `benchmark`, the benchmark in the indicator's
        display unit unless a `unit` stands beside it; also `cap_multiple`, `floor`, `missing`, `missing_points`,
        `direction`.
    classes : sequence of mappings, optional
        See `with_classes`. Without classes firms get scores and ranks only.
    **ranking : str
        `ties`, `share_of`, `rounding`, see `geo.grading.rules`.

    Raises
    ------
    StandardError
        As `read_rules`; a group is neither ``above`` nor ``below``.

    Examples
    --------
    >>> rules = rules_from_project({"above": {"tax_per_mu": {"weight": 100, "benchmark": 20}}})
    >>> rules.groups[0].criteria[0].benchmark
    20.0
    """
    where = "project: grade.scores"
    for group, entries in scores.items():
        if group not in _SCALES:
            hint = near(group, _SCALES)
            raise wrong(where, f'unknown group "{group}"{hint.en}', f"未知的组“{group}”{hint.zh}")
        if not isinstance(entries, Mapping):
            raise wrong(f"{where}.{group}", f"is {entries!r}, expected a table", f"为 {entries!r}，应为表")
        check_keys(entries, f"{where}.{group}", dict.fromkeys(entries, ((dict,), True)))
    groups = [
        {
            "id": group,
            "title_zh": _SCALES[group][0],
            "title_en": _SCALES[group][1],
            "who": {"scale": group},
            "indicator": [_project_criterion(name, entry) for name, entry in entries.items()],
            **ranking,
        }
        for group, entries in scores.items()
    ]
    found = {
        "id": "project",
        "title_zh": "项目设定的评价规则",
        "title_en": "rule set of the project",
        "kind": "project",
        "status_zh": "由项目设定",
        "status_en": "set in the project",
        "source": {"page": "project", "confidence": "project"},
        "group": groups,
    }
    rules = read_rules(found, where)
    return rules if not classes else with_classes(rules, classes)


def _project_criterion(name: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    known = catalogue().get(name)
    return {"unit": known.unit if known else "1", **entry, "indicator": name}


def with_classes(rules: RuleSet, classes: Sequence[Mapping[str, Any]], **ranking: str) -> RuleSet:
    """Return the rule set with a class table (等级划分) of the project's own in place of its own.

    Parameters
    ----------
    rules : RuleSet
    classes : sequence of mappings
        The better class first: `grade` with `score_at_least`, or with `share_up_to` (0.25 is the best quarter).
        A row with `group` is for that group only; without it, for every group that has no rows of its own.
    **ranking : str
        `ties`, `share_of`, `rounding`, see `geo.grading.rules`.

    Raises
    ------
    StandardError
        A gap, an overlap, an unknown group, or a veto that names a grade there is not.
    """
    ids = [one.id for one in rules.groups]
    for entry in classes:
        if entry.get("group", ids[0]) not in ids:
            hint = near(str(entry["group"]), ids)
            raise wrong(
                f"{rules.where}: class {entry.get('grade', '?')}",
                f'unknown group "{entry["group"]}"{hint.en}',
                f"未知的组“{entry['group']}”{hint.zh}",
            )
    stated = read_ranking(ranking, rules.where)
    return dataclasses.replace(rules, groups=tuple(_classed(one, classes, rules.where, stated) for one in rules.groups))


def _classed(group: Group, classes: Sequence[Mapping[str, Any]], where: str, ranking: Mapping[str, Any]) -> Group:
    own = [entry for entry in classes if entry.get("group") == group.id]
    rows = own or [entry for entry in classes if "group" not in entry]
    plain = [{key: value for key, value in entry.items() if key != "group"} for entry in rows]
    read = read_classes(plain, f"{where}: group.{group.id}", group.decimals) if plain else group.classes
    grades = [one.grade for one in read]
    for veto in group.vetoes:
        if read and veto.grade_at_most not in grades:
            raise wrong(
                f"{where}: group.{group.id}: veto",
                f'grade_at_most "{veto.grade_at_most}" is none of the classes {", ".join(grades)}',
                f"grade_at_most “{veto.grade_at_most}”不在等级 {'、'.join(grades)} 之中",
            )
    return dataclasses.replace(group, classes=read, **ranking)
