"""Wing 2 of Parkwise: frames become answers. Knows land economy, knows no file format.

`geo.concentration(parcels, parks, overlap="split")` answers a whole question; the measures
(`geo.plot_ratio`, `geo.tax_per_mu`, …) take Series and give Series; `geo.assess` runs the whole chain.
Names are loaded when they are first used, so `import geo` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from geo.assessment import Assessment, assess
    from geo.attainments import attainment
    from geo.batches import assess_store
    from geo.charts import draw_radars, draw_zones
    from geo.comparing.runs import compare
    from geo.concentrations import concentration
    from geo.evaluation.ranks import league
    from geo.evaluation.tree import evaluate
    from geo.evaluation.years import judge
    from geo.firms import attach_firms
    from geo.grading.grades import Grades, grade
    from geo.grading.sets import load_rules, rules_for, with_classes
    from geo.indicators import catalogue, measure, tally
    from geo.industry import location_quotient
    from geo.intensity import (
        admin_land_share,
        building_coefficient,
        building_density,
        green_ratio,
        investment_per_mu,
        output_per_km2,
        plot_ratio,
        rd_per_mu,
        revenue_per_mu,
        tax_per_mu,
        value_added_per_mu,
    )
    from geo.land import attach
    from geo.maps import draw_map, map_html, save_map
    from geo.plan.choices import weigh
    from geo.plan.document import options_table
    from geo.plan.planning import plan_renewal
    from geo.ratings import rate
    from geo.renewal import Rules, find_candidates
    from geo.report.comparison_runs import open_run
    from geo.report.run import write_report

__all__ = [
    "Assessment",
    "Grades",
    "Rules",
    "admin_land_share",
    "assess",
    "assess_store",
    "attach",
    "attach_firms",
    "attainment",
    "building_coefficient",
    "building_density",
    "catalogue",
    "compare",
    "concentration",
    "draw_map",
    "draw_radars",
    "draw_zones",
    "evaluate",
    "find_candidates",
    "grade",
    "green_ratio",
    "investment_per_mu",
    "judge",
    "league",
    "load_rules",
    "location_quotient",
    "map_html",
    "measure",
    "open_run",
    "options_table",
    "output_per_km2",
    "plan_renewal",
    "plot_ratio",
    "rate",
    "rd_per_mu",
    "revenue_per_mu",
    "rules_for",
    "save_map",
    "tally",
    "tax_per_mu",
    "value_added_per_mu",
    "weigh",
    "with_classes",
    "write_report",
]

_HOME = {
    "Assessment": "geo.assessment",
    "Grades": "geo.grading.grades",
    "Rules": "geo.renewal",
    "admin_land_share": "geo.intensity",
    "assess": "geo.assessment",
    "assess_store": "geo.batches",
    "attach": "geo.land",
    "attach_firms": "geo.firms",
    "attainment": "geo.attainments",
    "building_coefficient": "geo.intensity",
    "building_density": "geo.intensity",
    "catalogue": "geo.indicators",
    "compare": "geo.comparing.runs",
    "concentration": "geo.concentrations",
    "draw_map": "geo.maps",
    "draw_radars": "geo.charts",
    "draw_zones": "geo.charts",
    "evaluate": "geo.evaluation.tree",
    "find_candidates": "geo.renewal",
    "grade": "geo.grading.grades",
    "green_ratio": "geo.intensity",
    "investment_per_mu": "geo.intensity",
    "judge": "geo.evaluation.years",
    "league": "geo.evaluation.ranks",
    "load_rules": "geo.grading.sets",
    "location_quotient": "geo.industry",
    "map_html": "geo.maps",
    "measure": "geo.indicators",
    "open_run": "geo.report.comparison_runs",
    "options_table": "geo.plan.document",
    "output_per_km2": "geo.intensity",
    "plan_renewal": "geo.plan.planning",
    "plot_ratio": "geo.intensity",
    "rate": "geo.ratings",
    "rd_per_mu": "geo.intensity",
    "revenue_per_mu": "geo.intensity",
    "rules_for": "geo.grading.sets",
    "save_map": "geo.maps",
    "tally": "geo.indicators",
    "tax_per_mu": "geo.intensity",
    "value_added_per_mu": "geo.intensity",
    "with_classes": "geo.grading.sets",
    "write_report": "geo.report.run",
    "weigh": "geo.plan.choices",
}


def __getattr__(name: str) -> object:
    """Load a public name from the room it lives in."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'geo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
