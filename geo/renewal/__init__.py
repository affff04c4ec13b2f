"""Low-efficiency candidates (低效工业用地候选): evidence by rules that are data, exemptions, contiguous groups.

No national definition exists and local thresholds are mostly unpublished, so limits are the project's own unless a
source is stated. A candidate is where enough evidence meets; it is never a legal finding. What is not known of a
parcel is named, not taken for zero.

    facts, measures → rules → rule_tables → ready, stated
                        ↓
    sources → tests (limits, states, idle) → finding ← exemptions, groups
"""

from __future__ import annotations

from geo.renewal.facts import parcel_facts, says_idle, tax_by_parcel
from geo.renewal.finding import Candidates, find_candidates
from geo.renewal.rules import Rule, Rules, Test
from geo.renewal.sources import Sources

__all__ = [
    "Candidates",
    "Rule",
    "Rules",
    "Sources",
    "Test",
    "find_candidates",
    "parcel_facts",
    "says_idle",
    "tax_by_parcel",
]
