"""Trees of weighted scores (多层次加权评分): a score at every leaf, weighted sums upward, as TD/T 1029 does.

Knows that weights under a node sum to 1 and what to do where they do not, where a leaf's value comes from, and how
scores go up. Knows no ideal and no weight: both are the project's own, for the text of the standard was not available.
Scores run from 0 to 100. Weights and sums are fractions, so that no figure hangs on the order of rows or on floats.
A value that is missing leaves every node above it missing, unless the call asks otherwise; it is never 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from geo.evaluation.nodes import Node, Tree, grow, leaf_score, listed, listed_zh
from geo.evaluation.tree_file import read_tree, wrong
from geo.indicators import catalogue
from layers.errors import ParkwiseError, StandardError, first, nearest
from layers.showing import show
from layers.units import convert

__all__ = ["Evaluation", "evaluate", "read_tree"]

#: Weights under a node may miss 1 by this much: 1/3 written with ten digits is meant.
_TOLERANCE = Fraction(1, 10**9)

_Told = tuple[str, str]  # in English, in Chinese


@dataclass(frozen=True)
class Evaluation:
    """The answer of `evaluate`.

    Attributes
    ----------
    table : DataFrame
        One row a node, each before those under it: `node`, `parent`, `level` (0 for the root), `weight` (as used),
        `effective_weight` (in the root), `score`, `indicator`, `value`, `ideal` (in the unit of the row), `missing`
        (leaves without a score, at the node or below it).
    score : float
        Score of the root; missing where a leaf is missing, unless `missing` says otherwise.
    told : tuple of (str, str)
        What was assumed or put right, in English and in Chinese.
    weights, missing : str
        As asked for.
    """

    table: pd.DataFrame
    score: float
    told: tuple[_Told, ...]
    weights: str
    missing: str

    @property
    def _head(self) -> str:
        root = self.table["node"].iloc[0]
        score = "—" if math.isnan(self.score) else f"{self.score:.2f}"
        return f"{root}: {score} (weights = {self.weights}, missing = {self.missing})"

    def __str__(self) -> str:
        return self._head + "".join(f"\n  {en}" for en, _ in self.told)

    def _repr_html_(self) -> str:
        return show(self.table, self._head, notes=self.told)._repr_html_()


def evaluate(
    tree: pd.DataFrame,
    values: Mapping[str, float | None] | None = None,
    *,
    weights: str = "strict",
    missing: str = "propagate",
) -> Evaluation:
    """Evaluate a tree of weighted scores (多层次加权评分, 实现度评分).

    leaf = value ÷ ideal × 100, at most 100; node = Σ weight × score of the nodes right under it

    Parameters
    ----------
    tree : DataFrame
        From `read_tree`, or made by hand with the same columns: `node`, `parent` (missing for the root), `weight`; a
        leaf has a `score`, or an `ideal` with an `indicator` or a `value`. `direction` = "less" marks a leaf where less
        is better; its `rule` must be stated: ``100*(1-value)``, or ``linear(worst)`` for 100 × (worst − value) ÷
        (worst − ideal), both kept within 0 and 100. `unit` is that of ideal and value; without it the indicator's own.
    values : mapping, optional
        Indicator → value in its display unit; missing values as None or NaN. A `value` in the tree goes before it.
    weights : {"strict", "normalise"}
        What to do where weights under a node do not sum to 1: refuse, or divide by their sum and tell.
    missing : {"propagate", "renormalise"}
        A node above a missing leaf is missing too, or takes the weights of those that are there, and tells.

    Returns
    -------
    Evaluation

    Raises
    ------
    StandardError
        Weights do not sum to 1 (node, sum and rows are named); no root or several; a parent that is no node, a circle,
        a node twice; a leaf that cannot be scored; an unknown option.

    References
    ----------
    TD/T 1029 《开发区土地集约利用评价规程》: hierarchy, cap and weighted sums, as a provincial system applies them (the
    text itself was not available). It gives no verified rule for indicators where less is better: the tree states one.

    Examples
    --------
    >>> tree = pd.DataFrame({
    ...     "node": ["zone", "use", "yield"], "parent": [None, "zone", "zone"], "weight": [None, 0.6, 0.4],
    ...     "indicator": [None, "plot_ratio", "tax_per_mu"], "ideal": [None, 1.2, 40.0],
    ... })
    >>> evaluate(tree, {"plot_ratio": 0.9, "tax_per_mu": 50.0}).score
    85.0
    """
    _choose("weights", weights, ("strict", "normalise"))
    _choose("missing", missing, ("propagate", "renormalise"))
    grown = grow(tree)
    told = list(grown.told)
    shares = _shares(grown.below, weights, told)
    leaves = [one for one, _ in grown.nodes if not grown.below[one.name]]
    found = {one.name: _value(one, values or {}, told) for one in leaves}
    table = _table(grown, shares, found, missing)
    told += _tell_leaves(table[table["node"].isin(found)], missing)
    return Evaluation(table, float(table["score"].iloc[0]), tuple(told), weights, missing)


def _choose(option: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        like = nearest(value, choices) or choices[0]
        raise wrong(
            f'{option} = "{value}" is unknown. Did you mean "{like}"? Expected one of {", ".join(choices)}',
            f"{option} = “{value}”不可用。是否指“{like}”？应为 {'、'.join(choices)} 之一",
        )


# ---------------------------------------------------------------- weights


def _shares(below: Mapping[str, Sequence[Node]], weights: str, told: list[_Told]) -> dict[str, Fraction]:
    """Return the weight of each node but the root; under a node they sum to 1."""
    shares: dict[str, Fraction] = {}
    off: list[tuple[str, Fraction, Sequence[Node]]] = []
    for name, children in below.items():
        parts = {one.name: _weight(one) for one in children}
        total = sum(parts.values(), Fraction(0))
        if children and abs(total - 1) > _TOLERANCE:
            off.append((name, total, children))
            parts = {one: part / (total or 1) for one, part in parts.items()}
        shares |= parts
    if off and (weights == "strict" or not all(total for _, total, _ in off)):
        raise _unbalanced(off)
    for name, total, children in off:
        added, rows = f"{float(total):.10g}", _rows(children)
        told.append(
            (
                f'warning: the weights under "{name}" sum to {added}, not 1 (rows {rows}); normalised',
                f"警告：“{name}”之下的权重之和为 {added}，不是 1（第 {rows} 行），已归一",
            )
        )
    return shares


def _weight(node: Node) -> Fraction:
    if node.weight is None or node.weight < 0:
        raise wrong(
            f"a weight is missing or below 0: {listed([node])}. Expected a share of its parent, such as 0.25",
            f"权重缺失或小于 0：{listed_zh([node])}。应为在上级中所占的比例，如 0.25",
        )
    return Fraction(repr(node.weight))  # as written: 0.1 is a tenth


def _unbalanced(off: Sequence[tuple[str, Fraction, Sequence[Node]]]) -> StandardError:
    en, zh = [], []
    for name, total, children in off:
        parts = " + ".join(f"{one.weight:.10g}" for one in children)
        added, rows = f"{float(total):.10g}", _rows(children)
        en.append(f'the weights under "{name}" sum to {added}, not 1 (rows {rows}: {parts})')
        zh.append(f"“{name}”之下的权重之和为 {added}，不是 1（第 {rows} 行：{parts}）")
    return wrong(
        "; ".join(en) + '. Correct them, or set evaluation.weights = "normalise"',
        "；".join(zh) + "。请更正，或设 evaluation.weights = “normalise”",
    )


def _rows(nodes: Sequence[Node]) -> str:
    return ", ".join(str(one.row) for one in nodes)


# ---------------------------------------------------------------- values


def _value(leaf: Node, values: Mapping[str, float | None], told: list[_Told]) -> float:
    """Return the value of a leaf in the unit of its row; NaN where there is none."""
    measured = _measured(leaf, values)
    if leaf.value is None:
        if leaf.score is None and leaf.indicator is not None and leaf.indicator not in values:
            told.append(_unknown(leaf, leaf.indicator, values))
        return measured
    if not math.isnan(measured) and not math.isclose(measured, leaf.value, rel_tol=1e-9):
        stated, other = f"{leaf.value:.10g}", f"{measured:.10g}"
        told.append(
            (
                f"{listed([leaf])}: {stated} of the tree is used, not {other} as measured",
                f"{listed_zh([leaf])}：采用表中的 {stated}，未用测算值 {other}",
            )
        )
    return leaf.value


def _measured(leaf: Node, values: Mapping[str, float | None]) -> float:
    measured = values.get(leaf.indicator or "")
    if measured is None or not math.isfinite(measured):
        return math.nan
    entry = catalogue().get(leaf.indicator or "")
    if leaf.unit is None or entry is None:
        return float(measured)
    try:
        return convert(float(measured), entry.unit, leaf.unit)
    except ParkwiseError as error:
        raise wrong(f"row {leaf.row}: unit: {error.en}", f"第 {leaf.row} 行：单位：{error.zh}") from error


def _unknown(leaf: Node, indicator: str, values: Mapping[str, float | None]) -> _Told:
    like = None if indicator in catalogue() else nearest(indicator, {*values, *catalogue()})
    return (
        f'row {leaf.row}: no value for "{indicator}"' + (f'; did you mean "{like}"?' if like else ""),
        f"第 {leaf.row} 行：没有“{indicator}”的数值" + (f"；是否指“{like}”？" if like else ""),
    )


# ---------------------------------------------------------------- scores


def _table(grown: Tree, shares: Mapping[str, Fraction], found: Mapping[str, float], missing: str) -> pd.DataFrame:
    """Sum the scores upward from the leaves, and multiply the weights downward from the root."""
    score: dict[str, float] = {}
    lacking: dict[str, int] = {}
    for one, _ in reversed(grown.nodes):
        names = [child.name for child in grown.below[one.name]]
        score[one.name] = _sum(names, shares, score, missing) if names else leaf_score(one, found[one.name])
        lacking[one.name] = sum(lacking[name] for name in names) if names else int(math.isnan(score[one.name]))
    effective = {grown.nodes[0][0].name: Fraction(1)}
    for one, _ in grown.nodes[1:]:
        effective[one.name] = effective[str(one.parent)] * shares[one.name]
    rows = [
        {
            "node": one.name,
            "parent": one.parent,
            "level": level,
            "weight": float(shares.get(one.name, Fraction(1))),
            "effective_weight": float(effective[one.name]),
            "score": score[one.name],
            "indicator": one.indicator,
            "value": found.get(one.name, math.nan),
            "ideal": math.nan if one.ideal is None else one.ideal,
            "missing": lacking[one.name],
        }
        for one, level in grown.nodes
    ]
    return pd.DataFrame(rows)


def _sum(names: Sequence[str], shares: Mapping[str, Fraction], score: Mapping[str, float], missing: str) -> float:
    """Return the weighted sum of some nodes, rounded once."""
    there = [name for name in names if not math.isnan(score[name])]
    total = sum((shares[name] for name in there), Fraction(0))
    if total == 0 or (missing == "propagate" and len(there) < len(names)):
        return math.nan
    over = total if len(there) < len(names) else Fraction(1)
    return float(sum(shares[name] * Fraction(score[name]) for name in there) / over)


def _tell_leaves(leaves: pd.DataFrame, missing: str) -> list[_Told]:
    """Name the leaves without a score, and the scores outside the scale."""
    told = []
    gone = leaves.loc[leaves["score"].isna(), "node"]
    if len(gone):
        how_en, how_zh = {
            "propagate": ("the nodes above them are missing too", "其上各级得分也缺失"),
            "renormalise": ("the weights of the others under the same node take their place", "权重由同级其余指标分摊"),
        }[missing]
        count = f"{len(gone)} of {len(leaves)} leaves have no score ({first(gone)})"
        count_zh = f"{len(leaves)} 个末级指标中有 {len(gone)} 个没有得分（{first(gone)}）"
        told.append((f"{count}: {how_en}", f"{count_zh}：{how_zh}"))
    outside = leaves[(leaves["score"] < 0) | (leaves["score"] > 100)]
    if len(outside):
        names = first(f"{row['node']} {row['score']:.6g}" for row in outside.to_dict("records"))
        told.append((f"scores outside 0–100 are used as they stand: {names}", f"0–100 以外的得分照原样计算：{names}"))
    return told
