"""Assessments of the hand city for the tests of reports, also with names that mean harm, also with Latin names only."""

import json
from pathlib import Path

import geopandas as gpd
import hand_city
import pandas as pd

from geo.assessment import Assessment, assess
from layers import findings
from layers.project import loads

PROJECT = """
[project]
name = {name}
city = {city}
as_of = 2025-12-31
policies = ["hangzhou-2023"]
language = "{language}"
area = "planar"
overlap = "priority"
[land_use]
system = "third-survey"
"""

HOSTILE = "<script>alert(1)</script>\"'`${x}&amp;<img src=x onerror=alert(2)>\x00\x0b\u202e=cmd|' /C calc'!A0"

LATIN = dict(
    pair.split("=")
    for pair in [
        "甲园=North",
        "乙园=South",
        "丙园=East",
        "一区=Zone_one",
        "二区=Zone_two",
        "东区=Right",
        "西区=Left",
        "在用=in_use",
        "闲置=idle",
        "一厂=F_one",
        "二厂=F_two",
        "三厂=F_three",
        "四厂=F_four",
        "五厂=F_five",
    ]
)


def ledger():
    """Parcels: one of six set aside; parks whole."""
    return {
        "parcels": {
            "read": 6,
            "used": 5,
            "area_read_m2": 72_000.0,
            "area_used_m2": 70_000.0,
            "set_aside": [{"reason": "geometry-empty", "count": 1, "area_m2": 2000.0, "ids": ["x9"]}],
            "source": {"paths": ["data/DLTB.shp"], "layer": None, "format": "ESRI Shapefile", "encoding": "GB18030"},
            "crs": {"declared": None, "used": "EPSG:4549", "how": "proposed", "reason": "eastings"},
            "columns": {"parcel_id": {"title": "TBBH", "unit": None, "how": "alias"}},
            "guessed": [{"what": "encoding", "value": "GB18030", "why_en": "the bytes", "why_zh": "字节如此"}],
        },
        "parks": {"read": 3, "used": 3, "set_aside": []},
    }


def found(name="p1"):
    """Two findings, one of them with a place."""
    return findings.concat(
        [
            findings.finding("geometry-invalid", "parcels", ids=[name], found=name, places=[(120.5, 30.25)]),
            findings.finding("encoding-guessed", "parcels", encoding="GB18030", why_zh="字节", why_en="bytes"),
        ]
    )


def city(
    *,
    language: str = "zh",
    name: str = "2025",
    called: str = "示例市",
    frames: dict[str, pd.DataFrame] | None = None,
    found_in: pd.DataFrame | None = None,
    more: str = "",
) -> Assessment:
    """Assess the hand city with the whole of what a report shows."""
    project = loads(
        PROJECT.format(name=_quoted(name), city=_quoted(called), language=language) + more, hand_city_path()
    )
    return assess(
        frames or hand_city.frames(),
        project,
        findings=found() if found_in is None else found_in,
        ledger=ledger(),
    )


def _quoted(text: str) -> str:
    """A text as TOML writes it: JSON's escapes are TOML's too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def hand_city_path():
    """Where the project would lie; nothing is read there."""
    return Path("hand") / "project.toml"


def targets():
    """Three figures that every zone is to reach."""
    return pd.DataFrame(
        {
            "indicator": ["亩均税收", "工业用地综合容积率", "建筑密度"],
            "scope": "每个开发区",
            "year": 2025,
            "value": [40.0, 1.2, 0.3],
            "source": "三年行动计划",
        }
    )


def hostile() -> Assessment:
    """Every name that comes from data is hostile."""
    frames = hand_city.frames() | {"targets": targets()}
    for layer, column in (("parks", "park_name"), ("parks", "zone_name"), ("districts", "district_name")):
        frames[layer][column] = [f"{value}{HOSTILE}" for value in frames[layer][column]]
    frames["parcels"]["parcel_id"] = [f"{value}{HOSTILE}" for value in frames["parcels"]["parcel_id"]]
    frames["parcels"]["land_use_name"] = HOSTILE
    return city(frames=frames, found_in=found(HOSTILE))


def latin(language: str = "en") -> Assessment:
    """The same city with Latin names only."""
    return city(language=language, called="Sample", frames={k: _renamed(v) for k, v in hand_city.frames().items()})


def _renamed(frame: pd.DataFrame) -> pd.DataFrame:
    made = frame.copy()
    for column in made.columns:
        if not isinstance(made[column].dtype, gpd.array.GeometryDtype):
            made[column] = made[column].map(lambda value: LATIN.get(value, value))
    return made
