"""Hostile names through every face at once: nothing runs, nothing is lost, whatever a file brings along."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree as ET

import hand_city
import hand_report
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
from openpyxl.utils.escape import unescape as plain

from geo.report.map_chapter import printed_maps
from geo.report.run import write_report
from layers.errors import OutputError, Words

NAMES = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)></style></textarea></title>--><b>]]>&amp;",
    "quotes": "\"double\" 'single' `back` \\ ${alert(3)} {{ 7*7 }} {% for x in y %} #{1} %s %d %(x)s {0} {x}",
    "signs": "园区🏭👩‍🔬 甲\u202eخطر\u2066园\u2069",
    "command": "=cmd|' /C calc'!A0",
    "link": '=HYPERLINK("http://example.invalid/","x")',
    "minus": "-2+3+cmd|' /C calc'!A0",
    "at": "@SUM(1+1)",
    "tab": "\t=1+1",
    "long": "长" * 10_000,
}


def city_of(name: str):
    """The hand city in which every name is `name`, with dates, decimals and missing values among the data."""
    frames = hand_city.frames() | {"targets": hand_report.targets()}
    for layer, column in (("parks", "park_name"), ("parks", "zone_name"), ("districts", "district_name")):
        frames[layer][column] = [f"{name}{place}" for place in range(len(frames[layer]))]
    parcels = frames["parcels"]
    parcels["parcel_id"] = [f"{name}{place}" for place in range(len(parcels))]
    parcels["land_use_name"] = name
    parcels["agreed_start"] = pd.Timestamp("2024-02-29")
    firms = frames["enterprises"]
    firms["enterprise_name"] = [f"{name}{place}" for place in range(len(firms))]
    firms["revenue_cny"] = [np.nan, -0.1, 0.1, 1 / 3, 1e12][: len(firms)]
    return hand_report.city(frames=frames, called=name[:200], found_in=hand_report.found(name))


@pytest.fixture(scope="module", params=list(NAMES))
def run(request, tmp_path_factory):
    """Every file of a run in which everything bears one hostile name."""
    folder = tmp_path_factory.mktemp("hostile")
    write_report(city_of(NAMES[request.param]), folder)
    return NAMES[request.param], folder


def held(name: str, text: str) -> bool:
    """Whether a name is in a text whole, but for the signs no document holds."""
    return name.strip() in text


def test_nothing_runs_and_nothing_is_lost(run):
    name, folder = run
    for check in (page_is_quiet, word_is_plain, workbook_is_plain, map_is_quiet, layers_are_whole, tables_are_plain):
        check(name, folder)


class Markup(HTMLParser):
    """The elements of a page and their attributes, as a browser takes them apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def tags(self):
        return {tag for tag, _ in self.elements}

    def attributes(self):
        return {attribute for _, attributes in self.elements for attribute in attributes}

    def addresses(self):
        return {
            attributes[one] or "" for _, attributes in self.elements for one in ("src", "href") if one in attributes
        }


def page_is_quiet(name, folder):
    page = (folder / "report.html").read_text("utf-8")
    seen = Markup(page)
    assert not seen.tags() & {"script", "iframe", "object", "link", "form", "b"}
    assert not any(one.startswith("on") for one in seen.attributes())
    assert all(
        one.startswith(("#", "data:image/png;base64,")) or re.match(r"[\w.]+(#|$)", one) for one in seen.addresses()
    )
    assert held(name, unescape(page))


def word_is_plain(name, folder):
    with zipfile.ZipFile(folder / "report.docx") as package:
        for part in package.namelist():
            if part.endswith((".xml", ".rels")):
                ET.XML(package.read(part))
        root = ET.XML(package.read("word/document.xml"))
        assert b"External" not in package.read("word/_rels/document.xml.rels")
    told = "\n".join(one.text or "" for one in root.iterfind(".//{*}t"))
    assert held(name, told)
    fields = [one.text.split()[0] for one in root.iterfind(".//{*}instrText")]
    assert set(fields) <= {"PAGEREF", "PAGE"}


def workbook_is_plain(name, folder):
    book = openpyxl.load_workbook(folder / "report.xlsx")
    texts = set()
    for sheet in book:
        for line in sheet.iter_rows():
            for one in line:
                if one.data_type == "f":
                    assert name not in str(one.value) or len(name) < 6, one.coordinate
                    assert "cmd" not in str(one.value)
                    assert "HYPERLINK" not in str(one.value)
                elif isinstance(one.value, str):
                    texts.add(plain(one.value))
    assert f"{name}0" in texts
    with zipfile.ZipFile(folder / "report.xlsx") as package:
        assert b"External" not in b"".join(package.read(one) for one in package.namelist() if one.endswith(".rels"))


def map_is_quiet(name, folder):
    page = (folder / "map.html").read_text("utf-8")
    # What a name brings never stands as markup: neither between elements nor where a script could end.
    assert "<script>alert(1)" not in page
    seen = Markup(page)
    assert not seen.tags() & {"img", "iframe", "object", "form", "b", "textarea"}
    assert not any(one.startswith("on") for one in seen.attributes())
    assert not any("example.invalid" in one for one in seen.addresses())


def layers_are_whole(name, folder):
    file = folder / "results.gpkg"
    texts = set()
    for layer in pyogrio.list_layers(file)[:, 0]:
        frame = pyogrio.read_dataframe(file, layer=layer)
        for column in frame.select_dtypes(exclude=["number", "bool", "geometry"]):
            texts |= {str(one) for one in frame[column].dropna()}
    assert f"{name}0" in texts


def tables_are_plain(name, folder):
    rows = list(csv.reader(io.StringIO((folder / "findings.csv").read_text("utf-8-sig"))))
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"\s*[=+@\t\r]", cell), cell[:40]
        assert not cell.startswith("-") or re.fullmatch(r"-[\d.,]+", cell), cell[:40]
    told = json.loads((folder / "results.json").read_text("utf-8"))
    assert f"{name}0" in {one["scope"]["name"] for one in told["indicators"]}


def test_a_map_prints_or_says_why_not():
    for name in NAMES.values():
        drawn = printed_maps(city_of(name))
        assert isinstance(drawn, Words) or all(one.picture.png.startswith(b"\x89PNG") for one in drawn)


@pytest.mark.parametrize("file", ["report.docx", "report.xlsx", "map.html", "results.gpkg", "manifest.json"])
def test_a_file_open_elsewhere_is_named_and_the_earlier_report_stays(tmp_path, monkeypatch, file):
    city, replace = hand_report.city(), os.replace
    write_report(city, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def locked(source, target):
        # As Windows refuses to replace a file that Word holds open.
        if Path(target) == tmp_path / file and Path(source).parent.parent == tmp_path and "old-" not in str(source):
            raise PermissionError(13, "The process cannot access the file", str(source), 32, str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", locked)
    with pytest.raises(OutputError) as caught:
        write_report(city, tmp_path, overwrite=True)
    assert str(tmp_path / file) in caught.value.en
    assert "Close it there" in caught.value.en
    assert f"{file}：无法替换" in caught.value.zh
    assert "请关闭后重新运行" in caught.value.zh
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
