"""The pages made from the program are as the program is; README and design words hold."""

import re
import runpy
from pathlib import Path

import pytest

import cli
import geo
import layers

ROOT = Path(__file__).parents[1]
PAGES = runpy.run_path(str(ROOT / "docs" / "make.py"))["pages"]()


@pytest.mark.parametrize("page", PAGES)
def test_a_made_page_is_fresh(page):
    assert (ROOT / "docs" / page).read_text("utf-8") == PAGES[page], "run: python docs/make.py"


def test_every_command_the_readme_names_is_there():
    named = set(re.findall(r"`parkwise (\w+)", (ROOT / "README.md").read_text("utf-8")))
    assert named
    assert named <= set(cli.main.commands)


def test_links_of_the_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert link.startswith("http") or (page.parent / link).exists(), f"{page.name}: {link}"


def test_the_map_of_the_house_shows_rooms_that_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\| .*`(layers|geo|cli)", line)]
    assert len(rows) > 12
    for row in rows:
        folder = ROOT
        for place in re.findall(r"`([\w/*.-]+)`", row.split("|")[2]):
            if place.startswith(("layers/", "geo/", "docs/", "cli")):
                folder = (ROOT / place.replace("ID", "*")).parent
            found = [*ROOT.glob(place.replace("ID", "*")), *folder.glob(place.replace("ID", "*").rstrip("/"))]
            assert found, f"{row}: {place}"


def test_public_names_are_what_they_say():
    for package in (geo, layers):
        for name in package.__all__:
            found = getattr(package, name)
            assert callable(found), f"{package.__name__}.{name} is {found!r}"
