"""Every finding code has a page that says the same as its table, and every page a code that something tells."""

import ast
import csv

import pytest

from layers import findings

HEADINGS = ["What it finds", "Why it matters", "Example", "How to mend it", "Is the mend safe?"]
MENDED = {"safe": "yes", "unsafe": "no, it needs a decision", "none": "no"}


def test_codes_and_pages_are_the_same(root):
    pages = {page.stem for page in (root / "docs/checks").glob("*.md")}
    assert pages == set(findings.codes())


@pytest.mark.parametrize("code", sorted(findings.codes()))
def test_a_page_says_what_the_table_says(root, code):
    meaning = findings.codes()[code]
    lines = (root / f"docs/checks/{code}.md").read_text("utf-8").splitlines()
    assert lines[0] == f"# {code}"
    assert lines[2] == f"**{meaning.title['en']}** · {meaning.title['zh']}"
    blocks = "yes" if meaning.blocks else "no"
    assert lines[6] == f"| {meaning.severity} | {blocks} | {MENDED[meaning.remedy_is]} |"
    assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS
    places = [lines.index(f"## {heading}") for heading in HEADINGS]
    assert all(lines[place + 2].strip() for place in places)


def test_links_between_pages_lead_somewhere(root):
    for page in (root / "docs/checks").glob("*.md"):
        for part in page.read_text("utf-8").split("](")[1:]:
            assert (page.parent / part.partition(")")[0]).is_file(), page.name


def test_the_table_is_complete_and_each_code_stands_once(root):
    path = root / "layers/tables/codes/findings.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert len({row["code"] for row in rows}) == len(rows)
    for row in rows:
        assert all(row.values()), row["code"]
        assert None not in row, row["code"]
        assert row["severity"] in {"error", "warning", "note"}
        assert row["blocks"] in {"yes", "no"}
        assert row["remedy_is"] in MENDED


def test_no_code_is_dead(root):
    """Each code stands as a text somewhere in the program."""
    texts = set()
    for path in [
        *(root / "layers").rglob("*.py"),
        *(root / "geo").rglob("*.py"),
        *(root / "layers/tables").rglob("*.csv"),
    ]:
        if path.name == "findings.csv":
            continue
        if path.suffix == ".csv":
            texts |= {cell for row in csv.reader(path.read_text("utf-8").splitlines()) for cell in row}
            continue
        tree = ast.parse(path.read_text("utf-8"))
        texts |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    assert set(findings.codes()) - texts == set()
