"""The rules of a project and what they may ask (项目的线索规则与数据来源), read from its settings and layers.

Knows the keys ``candidates.*`` of the project file and where the other settings stand that rules hang on; what a rule
means is known elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping

import geopandas as gpd
import pandas as pd

from geo.firms import Firms
from geo.grading.stated import stated_rules
from geo.holding import asks_control, hold_land
from geo.land import Land
from geo.renewal.exemptions import read_overrides
from geo.renewal.rule_tables import pick_ready, read_rule_file, read_rules
from geo.renewal.rules import Rule, Rules
from geo.renewal.sources import Sources
from layers.project import Project

__all__ = ["project_rules", "project_sources"]

#: Settings that are read into something else than their value.
_READ = ("also", "rules", "overrides", "exempt_industries")


def project_rules(project: Project) -> Rules:
    """Return the rules a project looks for candidates by (项目的线索规则).

    Its own rules (``candidates.rules``) go before ready-made ones (``candidates.also``), those before the short form.
    Where the project asks for control indicators, land is held against them too.

    Raises
    ------
    ProjectError, StandardError, SourceError
        A ready-made rule is not on board, a rule or the table of decisions cannot be used.
    """
    plain = {
        name.removeprefix("candidates."): setting.value
        for name, setting in project.settings.items()
        if name.startswith("candidates.") and name.removeprefix("candidates.") not in _READ
    }
    overrides = project.file("candidates.overrides")
    return Rules(
        **plain,  # type: ignore[arg-type]
        rules=_rules(project),
        exempt_industries=project.texts("candidates.exempt_industries"),
        overrides=() if overrides is None else read_overrides(overrides),
    )


def _rules(project: Project) -> tuple[Rule, ...]:
    given = project["candidates.rules"]
    if isinstance(given, str) and given:
        own = read_rule_file(project.folder / given)
    else:
        own = read_rules(given, "candidates.rules") if isinstance(given, list) else ()
    also = project.texts("candidates.also")
    also += ("below_control",) if asks_control(project) and project["candidates.standard_rules"] else ()
    codes = {rule.code for rule in own}
    return (*(rule for rule in pick_ready(also) if rule.code not in codes), *own)


def project_sources(
    project: Project, land: Land, firms: Firms | None, frames: Mapping[str, pd.DataFrame], system: str
) -> Sources:
    """Return what rules may ask of a project (线索数据来源).

    Parameters
    ----------
    project : Project
    land : Land
    firms : Firms or None
    frames : mapping
        `enterprises`, `holdings` and `constraints` are taken from here.
    system : str
        Land-use system the land was attached by.
    """
    constraints = frames.get("constraints")
    enterprises = frames.get("enterprises")
    return Sources(
        land=land,
        firms=firms,
        as_of=project.as_of,
        enterprises=enterprises if enterprises is not None and "year" in enterprises else None,
        holdings=frames.get("holdings"),
        constraints=constraints if isinstance(constraints, gpd.GeoDataFrame) else None,
        system=system,
        industrial=project.texts("land_use.industrial") or None,
        leading=project.texts("industry.leading"),
        leading_count=int(project.number("industry.leading_count") or 1),
        hold=(lambda: hold_land(project, land, firms, by="parcel")[0]) if asks_control(project) else None,
        grading=stated_rules(project),
    )
