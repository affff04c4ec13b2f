"""The rules of a public version in words (`Redaction`): what was left out, how coarse places are, how many firms count.

Knows neither firms nor shapes; every output prints these words at its head. The limits are the project's own
(`[public]`), no document states them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from layers.errors import Words
from layers.project import Project

__all__ = ["Redaction", "stated"]


@dataclass(frozen=True)
class Redaction:
    """The rules one run was made public by, and what they took.

    Attributes
    ----------
    grid_m : float
        Corners of parcels lie on a grid of this spacing, m.
    fewest_firms : int
        A cell that sums fewer firms is withheld.
    cells, withheld : int
        Figures of firms by place, and how many of them are withheld.
    left_out : tuple of Words
        What else is not in this version.
    """

    grid_m: float
    fewest_firms: int
    cells: int = 0
    withheld: int = 0
    left_out: tuple[Words, ...] = ()

    @property
    def words(self) -> Words:
        """The rules as one paragraph.

        Examples
        --------
        >>> Redaction(20, 3, cells=40, withheld=6).words.zh[:8]
        '公开版：已略去企'
        """
        grid, few = f"{self.grid_m:g}", self.fewest_firms
        return Words(
            "Public version: names and codes of firms and owners are left out, and so is every figure of a single firm "
            f"and every money figure of a single parcel. Figures that sum fewer than {few} firms, or from which such a "
            f"sum could be worked out, are withheld: {self.withheld} of {self.cells}. Parcels are drawn on a grid of "
            f"{grid} m; parks and districts as they are. Areas and concentration are exact."
            + "".join(f" {one.en}" for one in self.left_out),
            "公开版：已略去企业与权属人的名称和代码、单个企业的数据及单宗地块的经济数据。"
            f"涉及企业不足 {few} 家、或可据以推算出此类合计的数值不公开：{self.cells} 项中的 {self.withheld} 项。"
            f"地块图形落在 {grid} 米格网上，园区和区县界线不变。面积与集聚度为精确值。"
            + "".join(one.zh for one in self.left_out),
        )

    def document(self) -> dict[str, Any]:
        """Return the rules as plain data, for `results.json` and the manifest."""
        return {
            "grid_m": self.grid_m,
            "fewest_firms": self.fewest_firms,
            "cells": self.cells,
            "withheld": self.withheld,
            "zh": self.words.zh,
            "en": self.words.en,
        }


def stated(project: Project, *, cells: int = 0, withheld: int = 0, left_out: Sequence[Words] = ()) -> Redaction:
    """Return the rules a project states (`[public]`), with what they took."""
    grid, few = project.number("public.grid_m") or 20.0, project.number("public.fewest_firms") or 3
    return Redaction(float(grid), int(few), cells, withheld, tuple(left_out))
