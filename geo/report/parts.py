"""The parts a report is made of: plain frozen values, no layout, no arithmetic.

Every text is ready to print, in the language of the report; every form (HTML, Word) prints it as it is
and escapes it. A `Cell` may carry both sums of its figure (`note`) and the definition it follows (`ref`),
so that a form can show them beside the figure. A `Figure` carries the numbers of its charts, not pictures:
each form draws them in its own way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from geo.charts import Bars, Outline, Radar

__all__ = [
    "Block",
    "Cell",
    "Column",
    "Figure",
    "Headline",
    "Paragraph",
    "Picture",
    "Report",
    "Section",
    "Table",
    "numbered",
    "walk",
]


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text : str
        What is printed.
    note : str
        Both sums of the figure in words; "" where the cell is no figure.
    ref : str
        Key of the definition (an indicator's id) the figure follows.
    tone : str
        ``good``, ``bad`` or "".
    anchor : str
        Name others may jump to.
    """

    text: str
    note: str = ""
    ref: str = ""
    tone: str = ""
    anchor: str = ""


@dataclass(frozen=True)
class Column:
    """Head of a column; `align` is left, right or center, `wide` its share of the width."""

    title: str
    align: str = "left"
    wide: float = 1.0


@dataclass(frozen=True)
class Table:
    """A table with its caption above and its source line below; the first `strong` rows are totals."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: str
    strong: int = 0
    number: int = 0


@dataclass(frozen=True)
class Picture:
    """A printed map as a PNG, and its size on paper."""

    png: bytes
    width_mm: float
    height_mm: float


@dataclass(frozen=True)
class Figure:
    """Bars, or small radars or outlines side by side, or a map, with one caption and a source line below."""

    key: str
    caption: str
    chart: Bars | Picture | tuple[Radar | Outline, ...]
    source: str
    number: int = 0

    @property
    def unit(self) -> str:
        """Unit of the bars; others have none."""
        return self.chart.unit if isinstance(self.chart, Bars) else ""


@dataclass(frozen=True)
class Paragraph:
    """A paragraph; tone ``note`` or ``warning`` sets it apart."""

    text: str
    tone: str = ""


Block = Paragraph | Table | Figure


@dataclass(frozen=True)
class Section:
    """A heading (without its number) with what stands under it."""

    key: str
    title: str
    blocks: tuple[Block, ...] = ()
    sections: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Headline:
    """One figure on the first page; `share` of the bar is filled and `mark` shows the target, both 0–1."""

    label: str
    value: str
    detail: str
    tone: str = ""
    ref: str = ""
    share: float | None = None
    mark: float | None = None


@dataclass(frozen=True)
class Report:
    """Everything a report says.

    Attributes
    ----------
    title, language
    facts : tuple of (label, value)
        City, day, documents: the lines under the title.
    banner : str
        A warning on every first page, such as that the data are synthetic; "" for none.
    headlines, sections
    files : tuple of (name, label)
        Files that lie beside the report.
    words : dict of str to str
        The few words a form needs of its own: table, figure, contents, page, source.
    links : dict of str to tuple of (label, address)
        From a figure, by its `Cell.ref`: to the clauses that ask for it and to its parcels on the map.
    texts : dict of str to str
        Single texts a template may place by name, see `docx_fields`.
    values : dict of str to dict
        ``figures`` and ``zones``: indicator id to its value with unit, of the city and of all zones together.
    """

    title: str
    language: str
    facts: tuple[tuple[str, str], ...]
    banner: str
    headlines: tuple[Headline, ...]
    sections: tuple[Section, ...]
    files: tuple[tuple[str, str], ...]
    words: dict[str, str]
    links: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)


def walk(sections: tuple[Section, ...]) -> Iterator[Block]:
    """Yield every block in the order it is read."""
    for section in sections:
        yield from section.blocks
        yield from walk(section.sections)


def numbered(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Number tables and figures through the whole report, from 1."""
    count = {Table: 0, Figure: 0}

    def block(one: Block) -> Block:
        if isinstance(one, Paragraph):
            return one
        count[type(one)] += 1
        return replace(one, number=count[type(one)])

    def section(one: Section) -> Section:
        blocks = tuple(block(item) for item in one.blocks)
        return replace(one, blocks=blocks, sections=tuple(section(item) for item in one.sections))

    return tuple(section(one) for one in sections)
