"""Control indicators for industrial projects (工业项目建设用地控制指标): limits by industry, held against land.

Limits stand in `policy/control`: the edition of 2008 is on board; later editions and the plot ratios of
sub-regions are tables the user loads, and nothing in them is believed without a source. A limit is found
by edition of the indicators, edition of the industry codes, and division.

    words → codes → rows → limits → finding → demands → tallies, notes → holding
                           sub_regions ↗

Knows no geometry. Areas are in m², summed as integers and divided once; shares are fractions (0.30, not 30).
"""

from __future__ import annotations

from geo.control.codes import CODE_EDITIONS, translate
from geo.control.finding import SEVERAL, find_limit
from geo.control.holding import hold
from geo.control.limits import INDICATORS, Limit, load_limits, standard_limits
from geo.control.sub_regions import SubRegion, find_sub_regional, load_sub_regions

__all__ = [
    "CODE_EDITIONS",
    "INDICATORS",
    "SEVERAL",
    "Limit",
    "SubRegion",
    "find_limit",
    "find_sub_regional",
    "hold",
    "load_limits",
    "load_sub_regions",
    "standard_limits",
    "translate",
]
