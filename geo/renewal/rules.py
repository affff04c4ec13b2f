"""Rules of the evidence (线索规则): what is looked for, combined how, counted or not; plain frozen values.

A `Test` compares a measure with a limit, or asks for a state; a `Rule` is one test, or several that must all hold
(`all`) or of which one must (`any`). `Rules` are all that one search follows: the settings of the short form, further
rules, exemptions, groups. Limits are the project's own unless `source` says otherwise. Knows neither land nor files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from layers.errors import Words

__all__ = ["COMPARISONS", "STATES", "WITHIN", "Override", "Rule", "Rules", "Test", "standard_rules"]

#: What a mean or a quantile is of.
WITHIN = ("city", "zone", "industry")
#: On which side of its limit a measure is evidence.
COMPARISONS = ("below", "above")
#: States a test may ask for, each with the keys it takes.
STATES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "vacant": (),
        "idle": (),
        "supplied": (),
        "unbuilt": (),
        "unused": (),
        "outside_parks": (),
        "planned_use_differs": (),
        "not_leading": (),
        "grade": ("grades", "years"),
        "control": ("indicators",),
    }
)


@dataclass(frozen=True)
class Test:
    """One comparison, or one state (单项判断).

    Attributes
    ----------
    about : str
        A measure of `measures.MEASURES`, or a state of `STATES`.
    comparison : {"below", "above"}
        Of a measure; strictly below or above.
    limit : float or None
        Absolute, in the unit of the measure.
    of_mean : float or None
        Fraction of the mean of `within`.
    quantile : float or None
        Quantile (0–1) of the values within `within`.
    within : {"city", "zone", "industry"}
        Industries by division of GB/T 4754.
    years : int
        So many years running, the latest included; measures of firms, and the state ``grade``.
    kinds : tuple of str
        Of ``constraint_share``: kinds of constraints; of ``cover_share``: classes of the land cover.
    grades, indicators : tuple of str
        Of the states ``grade`` and ``control``.
    """

    #: Not a test of pytest's.
    __test__ = False

    about: str
    comparison: str = "below"
    limit: float | None = None
    of_mean: float | None = None
    quantile: float | None = None
    within: str = "city"
    years: int = 1
    kinds: tuple[str, ...] = ("redline", "farmland")
    grades: tuple[str, ...] = ("D",)
    indicators: tuple[str, ...] = ("plot_ratio", "building_coefficient")


@dataclass(frozen=True)
class Rule:
    """One kind of evidence (一类线索).

    Attributes
    ----------
    code : str
        Names it in every output.
    tests : tuple of Test
    combine : {"all", "any"}
        Whether all tests must hold, or one.
    title : Words or None
        What people read; by default the word for `code`.
    source : str
        Where the limit comes from; "project" is the project's own.
    counts : bool
        Whether it makes a candidate; otherwise it stands beside other evidence only.
    """

    code: str
    tests: tuple[Test, ...]
    combine: str = "all"
    title: Words | None = None
    source: str = "project"
    counts: bool = True


@dataclass(frozen=True)
class Override:
    """A decision by hand on a parcel (人工核定): keep, drop or add it; `where` names the row it stands in."""

    parcel_id: str
    decision: str
    author: str
    date: str
    reason: str
    where: str = ""


@dataclass(frozen=True)
class Rules:
    """What one search follows; None switches a limit off. Units: 万元/亩, ratios, m², m, years.

    The first eight are the short form. Further rules stand in `rules`; one of the same code goes before the short
    form, and without `standard_rules` the short form is left out. Parcels of new firms (`new_firm_years`), on new land
    (`new_land_years`) and of `exempt_industries` (codes of GB/T 4754) are exempt; `overrides` decide by hand.
    """

    tax_per_mu_below: float | None = None
    tax_per_mu_of_mean: float | None = 0.3
    plot_ratio_below: float | None = None
    plot_ratio_of_mean: float | None = 0.5
    building_density_below: float | None = None
    building_density_of_mean: float | None = 0.5
    vacant: bool = True
    outside_parks: bool = True
    evidence_needed: int = 1
    minimum_area_m2: float = 100.0
    group_within_m: float = 1.0
    group_minimum_m2: float = 0.0
    standard_rules: bool = True
    rules: tuple[Rule, ...] = ()
    new_firm_years: float | None = None
    new_land_years: float | None = None
    exempt_industries: tuple[str, ...] = ()
    overrides: tuple[Override, ...] = ()

    @property
    def sought(self) -> tuple[Rule, ...]:
        """All rules, those of the short form first."""
        own = {rule.code for rule in self.rules}
        short = standard_rules(self) if self.standard_rules else ()
        return (*(rule for rule in short if rule.code not in own), *self.rules)


#: Codes of the short form and the measures they compare.
_SHORT = (
    ("low_tax", "tax_per_mu"),
    ("low_plot_ratio", "plot_ratio"),
    ("low_building_density", "building_density"),
)


def standard_rules(rules: Rules) -> tuple[Rule, ...]:
    """Return the rules the short form stands for (简式规则): an absolute limit goes before a fraction of the mean.

    Examples
    --------
    >>> [rule.code for rule in standard_rules(Rules(tax_per_mu_of_mean=None, vacant=False))]
    ['low_plot_ratio', 'low_building_density', 'outside_parks']
    """
    made = []
    for code, measure in _SHORT:
        limit, fraction = getattr(rules, f"{measure}_below"), getattr(rules, f"{measure}_of_mean")
        if limit is not None:
            made.append(Rule(code, (Test(measure, limit=float(limit)),)))
        elif fraction is not None:
            made.append(Rule(code, (Test(measure, of_mean=float(fraction)),)))
    made += [Rule("vacant", (Test("vacant"),))] if rules.vacant else []
    # Lying outside every park says where a parcel is, not how it does: it stands beside other evidence only.
    made += [Rule("outside_parks", (Test("outside_parks"),), counts=False)] if rules.outside_parks else []
    return tuple(made)
