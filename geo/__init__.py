"""Wing 2 of Parkwise: frames become answers. Knows land economy, knows no file format.

`geo.concentration(parcels, parks, overlap="split")` answers a whole question; the measures
(`geo.plot_ratio`, `geo.tax_per_mu`, …) take Series and give Series; `geo.assess` runs the whole chain.
Names are loaded when they are first used, so `import geo` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_WHERE = {
    "Assessment": "assess",
    "Rules": "renewal",
    "admin_land_share": "intensity",
    "assess": "assess",
    "attach": "land",
    "attach_firms": "firms",
    "building_coefficient": "intensity",
    "building_density": "intensity",
    "catalogue": "indicators",
    "concentration": "concentrations",
    "draw_map": "maps",
    "find_candidates": "renewal",
    "green_ratio": "intensity",
    "investment_per_mu": "intensity",
    "location_quotient": "industry",
    "map_html": "maps",
    "measure": "indicators",
    "output_per_km2": "intensity",
    "plot_ratio": "intensity",
    "rd_per_mu": "intensity",
    "revenue_per_mu": "intensity",
    "save_map": "maps",
    "tally": "indicators",
    "tax_per_mu": "intensity",
    "value_added_per_mu": "intensity",
}

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:  # noqa: ANN401  (whatever the room holds)
    if name not in _WHERE:
        raise AttributeError(f"module 'geo' has no attribute {name!r}")
    return getattr(import_module(f"geo.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
