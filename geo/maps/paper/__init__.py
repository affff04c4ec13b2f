"""Maps to print and hang up (`write_sheet`): one page, or an atlas of one page a zone, as PDF or PNG.

    fonts → pen (words on paper) ┐
    extent (where, at what scale)├→ sheet → pages
    shapes → ground (what lies there), legend, furniture (bar, arrow, lines of text) ┘

Drawn by matplotlib, an optional extra, without pyplot and without any state of its own; colours, classes and words are
those of the web map. This face is all that others import: it says what to install where matplotlib is missing.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal

import pandas as pd

from geo.assessment import Assessment
from geo.planned import Planned
from layers.errors import ParkwiseError

__all__ = ["PAPERS", "is_sheet", "write_sheet"]

#: Sizes of paper, lying: width and height in mm.
PAPERS = {"A4": (297.0, 210.0), "A3": (420.0, 297.0)}


def is_sheet(path: Path) -> bool:
    """Tell whether a file is to be a printed map.

    Examples
    --------
    >>> is_sheet(Path("map.html")), is_sheet(Path("sheet.PDF"))
    (False, True)
    """
    return path.suffix.lower() in {".pdf", ".png"}


def write_sheet(
    assessment: Assessment,
    path: str | Path,
    *,
    form: Literal["pdf", "png"] = "pdf",
    paper: str = "A4",
    theme: str | None = None,
    atlas: bool = False,
    plan: Planned | None = None,
    drawn_on: date | None = None,
    dpi: int = 300,
    facts: pd.DataFrame | None = None,
) -> int:
    """Draw a map to print.

    Parameters
    ----------
    assessment : Assessment
        With land.
    path : path
        The file to make.
    form : {"pdf", "png"}
    paper : {"A3", "A4"}
        Lying.
    theme : str, optional
        Id of a theme of the web map: zones (default), land_use, tax_per_mu, plot_ratio, building_density,
        candidates, plan, as far as the data have them.
    atlas : bool
        After the overview one page a zone; PDF only.
    plan : Planned, optional
        What was planned.
    drawn_on : date, optional
        Day that is printed as that of drawing; today by default.
    dpi : int
        Dots an inch of a PNG, and of the parcels in a PDF.
    facts : DataFrame, optional
        What `geo.maps.facts.parcel_facts` found, where it is there already.

    Returns
    -------
    int
        Number of pages.

    Raises
    ------
    ParkwiseError
        matplotlib is not installed, or no font with Chinese characters is found; the message says what to install.
    ProjectError
        There are no parcels, the data have no such theme, or an atlas is asked for as PNG.
    """
    try:
        from geo.maps.paper.pages import draw  # noqa: PLC0415  (an optional extra)
    except ImportError as error:
        raise ParkwiseError(
            f"Printed maps need matplotlib, which is not there ({error}). "
            'Run "pip install parkwise[print]", or write the map as .html.',
            f"打印地图需要 matplotlib，但未找到（{error}）。请执行 pip install parkwise[print]，或输出 .html 地图。",
        ) from error
    return draw(
        assessment, Path(path), form=form, size_mm=PAPERS[paper], paper=paper, theme=theme, atlas=atlas, plan=plan,
        drawn_on=drawn_on or date.today(), dpi=dpi, facts=facts,  # noqa: DTZ011  (a calendar day)
    )  # fmt: skip
