"""What a reader of findings must know first: whether every check was run."""

from __future__ import annotations

from geo.labels import text
from geo.land_use import system
from layers.checks_made import Checks
from layers.project import Project

__all__ = ["checks_lines", "no_industrial_text"]


def checks_lines(checks: Checks, language: str, *, asked: bool = False) -> tuple[str, ...]:
    """Say that not all checks were run, and how to get the others (检查范围); nothing where all of them were.

    Parameters
    ----------
    checks : {"all", "conversion"}
    language : str
    asked : bool
        All of them were asked for: then it is told why that could not be.

    Examples
    --------
    >>> checks_lines("all", "en")
    ()
    >>> checks_lines("conversion", "en")[1]
    'For every check: parkwise convert PROJECT -o DATASET --thorough, or parkwise check PROJECT.'
    """
    if checks == "all":
        return ()
    return tuple(text(f"checks.{key}", language) for key in ("conversion", "in_pieces" if asked else "how"))


def no_industrial_text(project: Project, parcels: int) -> str:
    """Say that none of so many parcels is industrial, so that `measure` will stop (没有工业用地)."""
    name = project.text("land_use.system") or "third-survey"
    classes = ", ".join(project.texts("land_use.industrial") or system(name).industrial)
    return text("checks.no_industrial", project.language, parcels=f"{parcels:,}", system=name, classes=classes)
