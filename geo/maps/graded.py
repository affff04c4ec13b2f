"""Parcels by the grade of their main firm (`grade_themes`, `grade_words`).

The main firm of a parcel is the one with most land on it, the one its card names first. Grades are of firms: a parcel
without a firm, or whose firm has no grade, is hatched and never taken for the lowest. Grades nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.assessment import Assessment
from geo.grading.grades import Grades
from geo.labels import text
from geo.maps.facts import land_of
from geo.maps.themes import Class, Theme, special_class, style, theme_of

__all__ = ["grade_themes", "grade_words"]

_EXEMPT = "exempt"


def grade_themes(assessment: Assessment, grades: Grades | None, facts: pd.DataFrame, language: str) -> list[Theme]:
    """Return the theme of grades, where firms were graded and a parcel's main firm has a grade.

    Parameters
    ----------
    assessment : Assessment
    grades : Grades or None
    facts : DataFrame
        From `facts.parcel_facts`.
    language : str
    """
    grade = _of_parcels(assessment, grades)
    if grade is None or not (shown := grade[facts["industrial"].to_numpy()]).notna().any():
        return []
    there = sorted(set(shown.dropna()), key=lambda one: (one == _EXEMPT, one))
    n = len(there)
    place = grade.map({name: at for at, name in enumerate(there)}).fillna(n).to_numpy("int64")
    of_parcel = np.where(facts["industrial"], place, n + 1)
    classes = [_class(name, language) for name in there]
    classes += [special_class("ungraded", language), special_class("other", language)]
    title, note = text("map.theme.grades", language), text("map.note.grades", language)
    return [theme_of("grades", facts, title, note, of_parcel, classes)]


def grade_words(assessment: Assessment, grades: Grades | None, language: str) -> pd.Series | None:
    """Return what the card of each parcel of `Land.parcels` says of its main firm's grade; None where nobody graded."""
    grade = _of_parcels(assessment, grades)
    if grade is None or not grade.notna().any():
        return None
    return grade.map({name: _word(name, language) for name in grade.dropna().unique()})


def _word(grade: str, language: str) -> str:
    return (
        text("map.class.grade_exempt", language) if grade == _EXEMPT else text("map.class.grade", language, grade=grade)
    )


def _class(grade: str, language: str) -> Class:
    """Return the class of a grade; one that nobody foresaw has the colour of land without a figure, and its name."""
    colour, pattern = style().get(("grade", grade), style()["class", "no_data"])
    return Class(_word(grade, language), colour, pattern)


def _of_parcels(assessment: Assessment, grades: Grades | None) -> pd.Series | None:
    """Grade of each parcel's main firm, missing where there is none."""
    firms = assessment.firms
    if grades is None or firms is None or not len(firms.links):
        return None
    links = firms.links.sort_values(["parcel", "land_area_m2"], ascending=[True, False], kind="stable")
    main = links.drop_duplicates("parcel").set_index("parcel")["firm"]
    grade = grades.table["grade"].astype("object").reset_index(drop=True)
    rows = pd.RangeIndex(len(land_of(assessment).parcels))
    return main.map(grade).reindex(rows).astype("object")
