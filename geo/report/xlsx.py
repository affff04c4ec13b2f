"""report.xlsx: the workbook people hand in, recompute and change (`write_xlsx`).

Every figure is a live formula over the sheets of parcels and firms: change a tax, a target or a limit,
and figures, verdicts and candidates follow. The formulas carry the values of the run, so that viewers
without recalculation show them too. Text from data is written as text and never runs.

Sheets: 说明 参数 指标 园区 园区构成 点块 整合线索 生活圈 职住 目标达成 地块 企业 低效清单 连片候选 方案 评级 年度评价
晾晒榜 用地潜力 检查, or their English names; those without data are left out.
"""

from __future__ import annotations

from pathlib import Path

from geo.assessment import Assessment
from geo.attainments import Attainment, attainment
from geo.labels import text
from geo.planned import Planned
from geo.ratings import Ratings
from geo.report.workbook import Book, refuse_long
from geo.report.xlsx_about import write_about
from geo.report.xlsx_attainment import write_attainment
from geo.report.xlsx_checks import write_checks
from geo.report.xlsx_composition import composition_tables
from geo.report.xlsx_data import candidate_columns, firm_columns, parcel_columns
from geo.report.xlsx_desk import LEVELS, Desk
from geo.report.xlsx_groups import group_columns
from geo.report.xlsx_indicators import write_indicators
from geo.report.xlsx_parameters import Targets, write_parameters
from geo.report.xlsx_parks import write_parks
from geo.report.xlsx_plan import write_plan
from geo.report.xlsx_ratings import rating_tables
from geo.report.xlsx_rows import Column
from layers.output import new_file

__all__ = ["write_xlsx"]

_FONTS = {"zh": "微软雅黑", "en": "Calibri"}
_ORDER = (
    "about", "parameters", "indicators", "parks", "composition", "points", "proposals", "services", "homes",
    "attainment", "parcels", "firms", "candidates", "groups", "plan", "grades", "verdicts", "league", "potentials",
    "checks",
)  # fmt: skip
_WIDE = ("indicators", "parks", "composition", "points", "proposals", "services", "homes", "attainment", "parcels",
         "firms", "candidates", "groups", "plan", "grades")  # fmt: skip
#: Columns that stay in sight.
_FROZEN = {"composition": 2, "points": 2, "proposals": 2, "services": 3, "homes": 3, "parcels": 2, "groups": 1,
           "verdicts": 2, "league": 0, "potentials": 1}  # fmt: skip


def write_xlsx(
    assessment: Assessment,
    path: str | Path,
    *,
    language: str | None = None,
    ratings: Ratings | None = None,
    plan: Planned | None = None,
) -> Path:
    """Write the workbook of an assessment.

    Parameters
    ----------
    assessment : Assessment
    path : path
        The file to make; an older one is replaced.
    language : str, optional
        ``zh`` or ``en``; the project's own when left out.
    ratings : Ratings, optional
        What was graded.
    plan : Planned, optional
        What was planned.

    Returns
    -------
    Path

    Raises
    ------
    OutputError
        The file cannot be written, or a table has more rows than a sheet can hold (1,048,576).
    """
    path, language = Path(path), language or assessment.project.language
    _refuse_long(assessment, path, language)
    as_of = f"{text('xlsx.as_of', language)} {assessment.project.as_of or '—'}"
    with (
        new_file(path, overwrite=True) as place,
        Book(place, font=_FONTS[language], left=assessment.city, right=as_of) as book,
    ):
        _write(Desk(assessment, language, book), ratings, plan)
    return path


def _refuse_long(assessment: Assessment, path: Path, language: str) -> None:
    land, firms = assessment.land, assessment.firms
    for name, rows in (
        ("parcels", 0 if land is None else len(land.pieces)),
        ("firms", 0 if firms is None else len(firms.fragments)),
    ):
        refuse_long(path, text(f"xlsx.sheet.{name}", language), rows)


def _write(desk: Desk, ratings: Ratings | None, plan: Planned | None) -> None:
    """Write the sheets; those that others refer to come first, whatever their place in the book."""
    tables, asked = _tables(desk) | composition_tables(desk) | rating_tables(desk, ratings), attainment(desk.assessment)
    for name in _sheet_names(desk, tables, asked, plan):
        desk.sheets[name] = desk.book.sheet(
            desk.word(f"sheet.{name}"), wide=name in _WIDE, repeat=name not in {"about", "checks"}
        )
    targets = Targets(desk)
    write_parameters(desk, targets, plan)
    figures = write_indicators(desk, targets) if "indicators" in desk.sheets else None
    if figures is not None and "parks" in desk.sheets:
        write_parks(desk, figures)
    if figures is not None and "attainment" in desk.sheets:
        write_attainment(desk, asked, targets, figures)
    if plan is not None and "plan" in desk.sheets:
        write_plan(desk, plan, figures)
    for name, columns in tables.items():
        _write_table(desk, name, columns)
    write_checks(desk, figures)
    write_about(desk, figures)


def _tables(desk: Desk) -> dict[str, list[Column]]:
    """The data sheets there are rows for."""
    given = desk.assessment
    tables: dict[str, list[Column]] = {}
    if given.land is not None:
        tables["parcels"] = parcel_columns(desk, given.land)
    if given.firms is not None and len(given.firms.fragments):
        tables["firms"] = firm_columns(desk, given.firms, given.land)
    if given.land is not None and given.candidates is not None and len(given.candidates.facts):
        tables["candidates"] = candidate_columns(desk, given.candidates, given.land, given.firms)
        if len(given.candidates.groups):
            tables["groups"] = group_columns(desk, given.candidates, given.land)
    return tables


def _sheet_names(desk: Desk, tables: dict[str, list[Column]], asked: Attainment, plan: Planned | None) -> list[str]:
    land = desk.assessment.land
    there = {
        "indicators": bool(desk.assessment.indicators["level"].isin(LEVELS).any()),
        "parks": land is not None and land.parks is not None,
        "attainment": len(asked.table) > 0,
        "plan": plan is not None and len(plan.options) > 0,
    }
    return [name for name in _ORDER if there.get(name, name in tables or name in {"about", "parameters", "checks"})]


def _write_table(desk: Desk, name: str, columns: list[Column]) -> None:
    sheet = desk.sheets[name]
    if name != "candidates":
        desk.book.table(sheet, columns, frozen=_FROZEN.get(name, 3))
        return
    yes = desk.word("yes")
    desk.book.table(sheet, columns, frozen=5, shown=yes)
    desk.book.mark(sheet, 0, 1, len(columns[0].values), yes, "bad")
