"""Radars of targets reached: a drawing for each zone, beside its peers (`draw_radars`)."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from geo.attainments import Attainment
from geo.charts.radar import Radar, radar_css, radar_svg
from geo.indicators import catalogue
from geo.labels import text, value_text

__all__ = ["CORNERS", "Radars", "draw_radars", "radar_of"]

#: A polygon needs so many corners.
CORNERS = 3


@dataclass(frozen=True)
class Radars:
    """The radars of several zones; a notebook shows them side by side."""

    radars: tuple[Radar, ...]

    def _repr_html_(self) -> str:
        drawn = "".join(
            f'<div style="flex:1 1 300px;max-width:420px">{radar_svg(one, one.name)}</div>' for one in self.radars
        )
        return f'<style>{radar_css()}</style><div style="display:flex;flex-wrap:wrap;gap:12px">{drawn}</div>'


def draw_radars(found: Attainment, language: str = "zh") -> Radars:
    """Draw how far each zone has come (目标达成雷达图), in order of the table.

    Parameters
    ----------
    found : Attainment
        From `attainments.attainment`.
    language : str
        ``zh`` or ``en``.

    Returns
    -------
    Radars
        Without zones of which fewer than three figures are known: they make no polygon.
    """
    drawn = (radar_of(found, zone, language) for zone in found.zones)
    return Radars(tuple(radar for radar in drawn if radar is not None))


def radar_of(found: Attainment, zone: str, language: str = "zh") -> Radar | None:
    """Return the radar of one zone, by its id; None where fewer than three of its figures are known."""
    rows = found.table[found.table["scope_id"] == zone].to_dict("records")
    if sum(not math.isnan(row["attainment"]) for row in rows) < CORNERS:
        return None
    known, group = catalogue(), rows[0]["peer_group"]
    return Radar(
        name=str(rows[0]["scope_name"]),
        axes=tuple(known[row["indicator"]].title(language) for row in rows),
        texts=tuple(_reached_of(row, language) for row in rows),
        reached=tuple(row["attainment"] for row in rows),
        peers=tuple(row["peer_mean"] for row in rows),
        peers_name=text(f"attainment.peers_{group}", language),
        target_name=text("attainment.target", language),
    )


def _reached_of(row: Mapping[Hashable, Any], language: str) -> str:
    """Write a figure, and how much of its target that is."""
    share = "—" if math.isnan(row["attainment"]) else f"{row['attainment']:.1%}"
    figure = value_text(catalogue()[row["indicator"]], row["value"], language, with_unit=False)
    return f"{figure} ({share})" if language == "en" else f"{figure}（{share}）"
