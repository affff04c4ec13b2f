"""The rule set of a project (项目的评价规则): from ``grade.rules``, ``[grade.scores]`` and ``grade.classes``.

Knows the keys of the project file and which of them exclude each other; what a rule set is, `geo.grading.sets` knows.
"""

from __future__ import annotations

from geo.grading.rules import RuleSet
from geo.grading.sets import load_rules, rules_from_project, with_classes
from layers.errors import ProjectError
from layers.project import Project

__all__ = ["stated_rules"]


def stated_rules(project: Project) -> RuleSet | None:
    """Return the rule set a project states (项目的评价规则), or names by id or file; None where it has none.

    Its own classes go before those of the set.

    Raises
    ------
    ProjectError
        Both ``grade.rules`` and ``[grade.scores]`` are given, or classes and nothing to score by.
    StandardError, SourceError
        The rule set cannot be used; the message names the file and the place in it.
    """
    scores, named = project["grade.scores"], project.text("grade.rules")
    classes = project["grade.classes"]
    if isinstance(scores, dict) and scores:
        if named is not None:
            raise ProjectError(
                f'{project.path}: both grade.rules = "{named}" and [grade.scores] are given. Keep one of them.',
                f"{project.path}：同时给出了 grade.rules = “{named}”和 [grade.scores]。请只保留其一。",
            )
        return rules_from_project(scores, classes if isinstance(classes, list) else None)
    if named is None:
        if classes:
            raise ProjectError(
                f"{project.path}: grade.classes is given, but nothing to score by. Add grade.rules or [grade.scores].",
                f"{project.path}：给出了 grade.classes，但没有评分规则。请增加 grade.rules 或 [grade.scores]。",
            )
        return None
    rules = load_rules(project.folder / named if named.endswith(".toml") else named)
    return with_classes(rules, classes) if isinstance(classes, list) and classes else rules
