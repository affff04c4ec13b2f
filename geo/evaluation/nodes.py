"""The nodes of a tree of weighted scores (指标体系的层级): one root, each other node under one, leaves with a score.

Turns a table into nodes and refuses what is no tree, or a leaf that says too little or too much, naming the rows.
Knows the two rules there are for indicators where less is better, and how a leaf gets its score from a value.
What weights must sum to and how scores go upward is in `geo.evaluation.tree`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from geo.evaluation.tree_file import COLUMNS, NUMBERS, wrong
from geo.indicators import catalogue
from layers.errors import StandardError, first, nearest
from layers.units import parse_unit

__all__ = ["Node", "Tree", "grow", "leaf_score", "listed", "listed_zh"]

#: A share above this is a percentage without its sign.
_MOST_OF_A_SHARE = 1.5
_REQUIRED = ("node", "parent", "weight")
_DIRECTIONS = dict.fromkeys(("more", "正向", "正"), "more") | dict.fromkeys(("less", "负向", "逆向", "负"), "less")

_Told = tuple[str, str]  # in English, in Chinese


@dataclass(frozen=True)
class Node:
    """One row of a tree; None where a cell is empty. Row 0: a root without a row of its own."""

    row: int
    name: str
    parent: str | None = None
    weight: float | None = None
    score: float | None = None
    indicator: str | None = None
    ideal: float | None = None
    value: float | None = None
    unit: str | None = None
    direction: str = "more"
    rule: str | None = None


@dataclass(frozen=True)
class Tree:
    """Nodes that hang together: each with its level (0 for the root), before those under it; and what was assumed."""

    nodes: tuple[tuple[Node, int], ...]
    below: Mapping[str, tuple[Node, ...]]
    told: tuple[_Told, ...]


def grow(table: pd.DataFrame) -> Tree:
    """Turn a table into a tree (指标体系建树).

    Parameters
    ----------
    table : DataFrame
        As `tree_file.read_tree` gives it. Rows are named by their line in the file, else counted from 1.

    Raises
    ------
    StandardError
        A column is unknown or missing, a node stands twice, there are several roots or none, a parent is no node, or a
        node cannot be scored.

    Examples
    --------
    >>> table = pd.DataFrame({"node": ["a", "b"], "parent": [None, "a"], "weight": [None, 1.0], "score": [None, 80.0]})
    >>> [(node.name, level) for node, level in grow(table).nodes]
    [('a', 0), ('b', 1)]
    """
    told: list[_Told] = []
    nodes = _rooted(_nodes(table), told)
    below: dict[str, list[Node]] = {one.name: [] for one in nodes}
    for one in nodes[1:]:
        below[str(one.parent)].append(one)
    order = tuple(_walk(nodes[0], below))
    reached = {one.name for one, _ in order}
    if len(reached) < len(nodes):
        raise _circle([one for one in nodes if one.name not in reached])
    _leaves_hold(nodes, below, "score" in table.columns)
    return Tree(order, {name: tuple(children) for name, children in below.items()}, tuple(told))


def _nodes(table: pd.DataFrame) -> list[Node]:
    for name in table.columns:
        if name not in COLUMNS:
            like = nearest(str(name), COLUMNS)
            raise wrong(f'unknown column "{name}"; nearest: {like}', f"不认识列“{name}”，最接近的是 {like}")
    lacking = [name for name in _REQUIRED if name not in table.columns]
    if lacking or table.empty:
        needs = ", ".join(_REQUIRED)
        raise wrong(
            f"{', '.join(lacking) or 'every row'} is missing. A tree needs the columns {needs} and a row for each node",
            f"缺少 {'、'.join(lacking) or '内容'}。应有 {needs} 三列，每个节点一行",
        )
    rows = table.index if table.index.name == "line" else range(1, len(table) + 1)
    return [_node(int(row), cells) for row, cells in zip(rows, table.to_dict("records"), strict=True)]


def _node(row: int, cells: Mapping[object, object]) -> Node:
    given = {str(name): cell for name, cell in cells.items() if not _empty(cell) and name not in ("source", "note")}
    if "node" not in given:
        raise wrong(f"row {row} has no name under node", f"第 {row} 行的节点名称为空")
    name = str(given.pop("node")).strip()
    numbers = {key: _number(row, key, cell) for key, cell in given.items() if key in NUMBERS}
    words = {key: str(cell).strip() for key, cell in given.items() if key not in NUMBERS}
    if parse_unit(words.get("unit", "")) == "%":
        words["unit"] = "%"  # however it is written
    if "direction" in words:
        words["direction"] = _direction(row, words["direction"])
    return Node(row=row, name=name, **words, **numbers)  # type: ignore[arg-type]


def _empty(cell: object) -> bool:
    return bool(pd.isna(cell)) or (isinstance(cell, str) and not cell.strip())  # type: ignore[call-overload]


def _number(row: int, name: str, cell: object) -> float:
    try:
        number = float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise wrong(f"row {row}: {name} is {cell!r}. Expected a number", f"第 {row} 行：{name} 为 {cell!r}，应为数值")
    return number


def _direction(row: int, word: str) -> str:
    if word.casefold() not in _DIRECTIONS:
        raise wrong(
            f'row {row}: direction is "{word}". Expected more or less',
            f"第 {row} 行：方向为“{word}”，应为 more（正向）或 less（负向）",
        )
    return _DIRECTIONS[word.casefold()]


# ---------------------------------------------------------------- what hangs on what


def _rooted(nodes: Sequence[Node], told: list[_Told]) -> list[Node]:
    """Return the nodes with the root first, after refusing names that stand twice, several roots and orphans."""
    names = [one.name for one in nodes]
    twice = [one for one in nodes if names.count(one.name) > 1]
    if twice:
        raise wrong(f"a node stands twice: {listed(twice)}", f"节点重复：{listed_zh(twice)}")
    roots = [one for one in nodes if one.parent is None]
    orphans = [one for one in nodes if one.parent is not None and one.parent not in names]
    if not roots and len({one.parent for one in orphans}) == 1:
        # The top is often named by those under it alone; a name that is merely misspelt leaves a root elsewhere.
        implied = str(orphans[0].parent)
        told.append((f'"{implied}" has no row of its own: taken as the root', f"“{implied}”没有单独的行，视为最上级"))
        return [Node(0, implied), *nodes]
    if orphans:
        raise wrong(
            f"a parent is no node: {listed(orphans, parent=True)}. Add its row, or correct the name",
            f"上级不在表中：{listed_zh(orphans, parent=True)}。请补上该行或更正名称",
        )
    if not roots:
        raise _circle(nodes)
    if len(roots) > 1:
        raise wrong(
            f"{len(roots)} nodes have no parent: {listed(roots)}. Expected one; put a row above them",
            f"有 {len(roots)} 个节点没有上级：{listed_zh(roots)}。应只有一个，请在其上加一行",
        )
    root = roots[0]
    if root.weight is not None and root.weight != 1:
        used = f"{root.weight:g}"
        told.append(
            (f'the weight {used} of the root "{root.name}" is not used', f"最上级“{root.name}”的权重 {used} 不用")
        )
    return [root, *(one for one in nodes if one is not root)]


def _walk(root: Node, below: Mapping[str, Sequence[Node]]) -> Iterator[tuple[Node, int]]:
    """Give each node with its level, a node before those under it."""
    waiting = [(root, 0)]
    while waiting:
        one, level = waiting.pop()
        yield one, level
        waiting += [(child, level + 1) for child in reversed(below[one.name])]


def _circle(nodes: Sequence[Node]) -> StandardError:
    return wrong(
        f"nodes are above each other in a circle, no root among them: {listed(nodes)}",
        f"节点互为上下级，成环而没有最上级：{listed_zh(nodes)}",
    )


# ---------------------------------------------------------------- what a leaf must have


def _leaves_hold(nodes: Sequence[Node], below: Mapping[str, Sequence[Node]], scored: bool) -> None:
    """Refuse what cannot be scored, all of it at once."""
    faults = []
    for one in nodes:
        fault = _inner_fault(one) if below[one.name] else _leaf_fault(one, scored)
        if fault is not None:
            faults.append((f'row {one.row} "{one.name}" {fault[0]}', f"第 {one.row} 行“{one.name}”{fault[1]}"))
    if faults:
        raise wrong("; ".join(en for en, _ in faults), "；".join(zh for _, zh in faults))


def _inner_fault(node: Node) -> _Told | None:
    if all(cell is None for cell in (node.score, node.ideal, node.value, node.rule)):
        return None
    return (
        "has nodes under it and gets its score from them: empty its other cells",
        "有下级，得分由下级算出：请清空其余格",
    )


def _leaf_fault(leaf: Node, scored: bool) -> _Told | None:
    """Say what is wrong with a leaf; None where it can be scored, or its score is merely missing."""
    ruled = leaf.ideal is not None or leaf.rule is not None
    if leaf.score is not None:
        return ("has a score and an ideal or rule: keep one", "既有得分又有理想值或规则：只留其一") if ruled else None
    if leaf.direction == "less":
        return _less_fault(leaf)
    if leaf.rule is not None:
        return 'has a rule but not direction = "less"', "有规则，但方向不是 less（负向）"
    if leaf.ideal is not None:
        return _ideal_fault(leaf, leaf.ideal) or _share_fault(leaf, "value", "现状值", leaf.value)
    if scored and leaf.indicator is None and leaf.value is None:
        return None
    return "is a leaf without score and ideal", "是末级指标，但既没有得分，也没有理想值"


def _ideal_fault(leaf: Node, ideal: float) -> _Told | None:
    if ideal <= 0:
        return f"has the ideal {ideal:g}: expected more than 0", f"理想值为 {ideal:g}，应大于 0"
    return _share_fault(leaf, "ideal", "理想值", ideal)


def _share_fault(leaf: Node, name: str, name_zh: str, number: float | None) -> _Told | None:
    """Say that a share is written as a percentage without saying so."""
    entry = catalogue().get(leaf.indicator or "")
    if number is None or entry is None or not entry.percent or leaf.unit is not None or number <= _MOST_OF_A_SHARE:
        return None
    return (
        f'has the {name} {number:g} of a share: write {number / 100:g}, or the unit "%"',
        f"的{name_zh} {number:g} 是比例：应写 {number / 100:g}，或注明单位“%”",
    )


def _less_fault(leaf: Node) -> _Told | None:
    if leaf.rule is None:
        return (
            'has direction = "less" without a rule: state 100*(1-value) or linear(worst), the standard\'s is not known',
            "方向为 less（负向）而没有规则：请写明 100*(1-value) 或 linear(最差值)，标准的规则未核实",
        )
    worst = _worst(leaf)
    if worst is not None and (leaf.ideal is None or not 0 <= leaf.ideal < worst):
        return (
            f"needs an ideal of at least 0 and below {worst:g} for {leaf.rule}",
            f"用 {leaf.rule} 时须有理想值，不小于 0 且小于 {worst:g}",
        )
    if worst is None and _plain_rule(leaf.rule) != _COMPLEMENT:
        return (
            f'has the unknown rule "{leaf.rule}": expected 100*(1-value) or linear(worst)',
            f"的规则“{leaf.rule}”不可用：应为 100*(1-value) 或 linear(最差值)",
        )
    if worst is None and leaf.ideal:
        return f"has an ideal, which {leaf.rule} does not use: empty it", f"有理想值，而 {leaf.rule} 用不到：请清空"
    return None


_COMPLEMENT = "100*(1-value)"
_LINEAR = re.compile(r"linear\((\d+(?:\.\d+)?)(%?)\)")


def _plain_rule(rule: str) -> str:
    text = unicodedata.normalize("NFKC", rule).casefold()
    return re.sub(r"\s+", "", text.replace("×", "*").replace("−", "-"))


def _worst(leaf: Node) -> float | None:
    """Return the worst value that ``linear(worst)`` names, in the unit of the row; None for another rule."""
    found = _LINEAR.fullmatch(_plain_rule(leaf.rule or ""))
    if found is None:
        return None
    return float(found[1]) / (100 if found[2] and leaf.unit != "%" else 1)


def leaf_score(leaf: Node, value: float) -> float:
    """Return the score of a leaf (指标得分), 0 to 100; NaN where its value is missing.

    Parameters
    ----------
    leaf : Node
    value : float
        In the unit of the leaf's ideal; NaN where missing.

    Examples
    --------
    >>> leaf_score(Node(1, "plot ratio", ideal=1.2), 0.9)
    75.0
    >>> leaf_score(Node(1, "idle land", ideal=0.0, direction="less", rule="linear(0.2)"), 0.05)
    75.0
    """
    if leaf.score is not None:
        return leaf.score
    if math.isnan(value):
        return math.nan
    if leaf.direction == "more":
        return math.nan if leaf.ideal is None else min(100.0, max(0.0, 100.0 * value / leaf.ideal))
    worst = _worst(leaf)
    share = value / 100 if leaf.unit == "%" else value
    raw = 100.0 * (1.0 - share) if worst is None else 100.0 * (worst - value) / (worst - (leaf.ideal or 0.0))
    return min(100.0, max(0.0, raw))


# ---------------------------------------------------------------- words


def listed(nodes: Sequence[Node], *, parent: bool = False) -> str:
    """Name rows and nodes (or their parents), the first few."""
    return first(f'row {one.row} "{one.parent if parent else one.name}"' for one in nodes)


def listed_zh(nodes: Sequence[Node], *, parent: bool = False) -> str:
    """Name rows and nodes (or their parents) in Chinese (行号与节点)."""
    return first(f"第 {one.row} 行“{one.parent if parent else one.name}”" for one in nodes)
