"""The fields of a Word template (Word 模板字段): which there are, and what may be written around them.

Texts are placed with ``{{ title }}``, whole parts of the report with ``{{p overview }}`` in a paragraph of
their own. Beside fields a template may hold ``if`` and one ``for`` over `facts`; anything else, calls above
all, is refused before it is rendered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from jinja2 import nodes

from geo.indicators import catalogue

__all__ = ["CHAPTERS", "FACT", "FACTS", "PLACES", "TEXTS", "VALUES", "Fault", "faults", "known"]

#: Single texts.
TEXTS = ("title", "project", "city", "as_of", "policies", "redaction", "banner")
#: The lines under the title, one after the other.
FACTS = "facts"
FACT = ("label", "value")
#: Values of indicators with their unit: of the city, and of all zones together.
VALUES = ("figures", "zones")
#: Chapters, by their key.
CHAPTERS = (
    "overview", "provenance", "quality", "structure", "concentration", "intensity", "benefit", "attainment",
    "composition", "candidates", "plan", "ratings", "appendix", "maps",
)  # fmt: skip
#: Whole parts: ``chapters`` are all that have no place of their own.
PLACES = ("headlines", "contents", "chapters", *CHAPTERS)

_PLAIN = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.CondExpr, nodes.Const,
          nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not)  # fmt: skip


class Fault(NamedTuple):
    """What a template may not hold: a field that is not there, or (`name` empty) code; and the line."""

    name: str
    line: int


def known() -> tuple[str, ...]:
    """Return every field as it is written.

    Examples
    --------
    >>> "title" in known(), "figures.tax_per_mu" in known(), "fact.label" in known()
    (True, True, False)
    """
    return (*TEXTS, FACTS, *PLACES, *(f"{name}.{one}" for name in VALUES for one in catalogue()))


def faults(node: nodes.Node, items: frozenset[str] = frozenset()) -> Iterator[Fault]:
    """Yield what is wrong with a parsed template; `items` are the names a loop over `facts` has given.

    Examples
    --------
    >>> from jinja2 import Environment
    >>> [one.name for one in faults(Environment().parse("{{ title }} {{ titel }} {{ figures.tax }}"))]
    ['titel', 'figures.tax']
    >>> [one.name for one in faults(Environment().parse("{{ title.__class__.mro() }}"))]
    ['']
    """
    if isinstance(node, nodes.Name):
        if node.name not in {*TEXTS, FACTS, *PLACES}:
            yield Fault(node.name, node.lineno)
    elif isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        yield from _of_owner(node, node.node.name, items)
    elif isinstance(node, nodes.For) and _over_facts(node) and not items:
        inside = frozenset({node.target.name}) if isinstance(node.target, nodes.Name) else frozenset()
        for child in node.body:
            yield from faults(child, inside)
    elif isinstance(node, _PLAIN):
        for child in node.iter_child_nodes():
            yield from faults(child, items)
    else:
        yield Fault("", node.lineno)


def _of_owner(node: nodes.Getattr, owner: str, items: frozenset[str]) -> Iterator[Fault]:
    there = FACT if owner in items else tuple(catalogue()) if owner in VALUES else ()
    if node.attr not in there:
        # What is asked of a text or of a chapter is no field, but a way into the program.
        is_code = node.attr.startswith("_") or owner in {*TEXTS, FACTS, *PLACES}
        yield Fault("" if is_code else f"{owner}.{node.attr}", node.lineno)


def _over_facts(node: nodes.For) -> bool:
    """Whether a loop is a plain one over `facts`."""
    plain = isinstance(node.iter, nodes.Name) and isinstance(node.target, nodes.Name)
    return plain and node.iter.name == FACTS and not (node.else_ or node.test or node.recursive)  # type: ignore[attr-defined]
