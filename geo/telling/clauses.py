"""Clauses in words: what is asked, of whom, by when, and what a rank leads to.

Used wherever a clause is printed: `policy show`, the report's appendix, verdicts on zones. The words come
from `geo.labels`; the figures from `geo.policy_files`, in the unit printed in the document.
"""

from __future__ import annotations

from geo.labels import text, with_unit
from geo.policy_files import Clause, Open, Statistic, Verdict
from layers.units import convert, label

__all__ = ["asked_text", "bound_text", "figure_text", "reading_text", "verdict_text"]

#: Readings that give no figure: without a setting nothing follows from them.
_NO_FIGURE = frozenset({"none", "undecided"})


def asked_text(clause: Clause, language: str = "zh") -> str:
    """Write the figure a clause asks for, with its comparison and unit; "" for a rule without one.

    Examples
    --------
    >>> from geo.standards import policy
    >>> land = {clause.id: clause for clause in policy("hangzhou-2023").clauses}
    >>> asked_text(land["H30"]), asked_text(land["H14"], "en"), asked_text(land["H4"]), asked_text(land["H44"])
    ('不低于 70%', 'about 10%', '不低于 40 万元/亩', '')
    """
    if clause.value is None:
        return ""
    ends = clause.value if isinstance(clause.value, tuple) else (clause.value,)
    told = "–".join(figure_text(end, "1", clause.about, language) for end in ends)
    unit = "" if clause.unit in (None, "1") else label(clause.unit or "", language)
    return text(f"asked.{clause.comparison}", language).format(figure=with_unit(told, unit))


def figure_text(value: float, unit: str, about: Statistic, language: str = "zh") -> str:
    """Write a figure of a statistic or indicator in the unit it stands in; a share in per cent.

    Examples
    --------
    >>> from geo.policy_files import statistics
    >>> figure_text(31_000, "ycny", statistics()["above_scale_output"])
    '31,000 亿元'
    """
    if about.percent:
        return f"{convert(value, unit, '%'):.10g}%"
    return with_unit(f"{value:,.10g}", "" if unit == "1" else label(unit, language))


def bound_text(clause: Clause, language: str = "zh") -> str:
    """Write whom a clause binds and by which year, such as all zones together or each national zone.

    Examples
    --------
    >>> from geo.standards import policy
    >>> bound_text(policy("hangzhou-2023").clauses[0], "en")
    'all zones together, 2025'
    """
    levels = text("list.separator", language).join(text(f"park_level.{one}", language) for one in clause.zone_levels)
    told = [
        f"{text(f'scope.{clause.scope}', language)}" + (f" ({levels})" if levels else ""),
        str(clause.year or ""),
    ]
    return text("list.separator", language).join(part for part in told if part)


def reading_text(question: Open, language: str = "zh") -> str:
    """Write how an open question is read, and whether a setting decides instead (采用的理解及其能否改定).

    Examples
    --------
    >>> from geo.standards import clause
    >>> reading_text(clause("hangzhou-2023", "H32").open[0], "en")
    'each year (the stricter reading) (fixed assumption: no setting changes it)'
    >>> reading_text(clause("zhejiang-2021", "Z19").open[0])
    '向下：名次不大于 15% × 总数（可由 evaluation.rounding 改定）'
    """
    kind = "set_by" if question.set_by else "nothing" if question.assumed in _NO_FIGURE else "fixed"
    note = text(f"open.{kind}", language).format(key=question.set_by)
    return f"{question.reading(language)} ({note})" if language == "en" else f"{question.reading(language)}（{note}）"


def verdict_text(verdict: Verdict, language: str = "zh") -> str:
    """Write what a rank leads to, and on which condition.

    Examples
    --------
    >>> verdict_text(Verdict("recognition", ("candidate",), "province", "best_share", 0.15, 2), "en")
    'provincial candidate: among the best 15% of the province, 2 years running → direct recognition'
    """
    figure = verdict.figure
    if verdict.condition == "after":
        figure = text(f"verdict.{figure}", language)
    elif verdict.condition == "grade":
        figure = text(f"zone_grade.{figure}", language)
    elif isinstance(figure, float):
        figure = f"{figure * 100:.10g}%"
    ranking = text(f"ranking.{verdict.ranking}", language)
    condition = text(f"condition.{verdict.condition}", language).format(figure=figure, ranking=ranking)
    levels = text("list.separator", language).join(text(f"park_level.{one}", language) for one in verdict.levels)
    return text("verdict.rule", language).format(
        levels=levels,
        first=text("verdict.first_time", language) if verdict.first_time else "",
        condition=condition,
        years=text("verdict.years", language).format(years=verdict.years_running) if verdict.years_running > 1 else "",
        verdict=text(f"verdict.{verdict.kind}", language),
    )
