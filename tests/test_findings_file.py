"""Findings lie in a file of their own and come back as they were, or are told to be damaged."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers import findings, findings_file
from layers.errors import SourceError
from layers.findings_file import FINDINGS, open_findings, write_findings
from layers.storage import open_storage

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
plain_value = st.none() | st.booleans() | st.integers() | st.floats() | words
value = st.recursive(plain_value, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3))
fills = st.dictionaries(words, value, max_size=3)
place = st.none() | st.floats()
row = st.tuples(
    st.sampled_from(sorted(findings.codes())), st.sampled_from(["error", "warning", "note"]), st.booleans(),
    words, st.none() | words, st.integers(-1, 2**62), words, words, place, place,
)  # fmt: skip


def table_of(rows):
    return pd.DataFrame([*rows], columns=list(findings.COLUMNS), index=pd.RangeIndex(len(rows)), dtype="object")


def round_trip(table, folder):
    entry = write_findings(table, folder / FINDINGS)
    return open_findings(open_storage(folder), entry).read()


def exactly(table):
    """Every value with its kind: None is not NaN, 1 is not True, and −0.0 is not 0.0."""
    return [[repr(one) for one in values] for values in table.to_numpy()]


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(row, max_size=12), some=st.lists(fills, min_size=1, max_size=4), data=st.data())
def test_what_is_written_comes_back(tmp_path_factory, rows, some, data):
    # Some findings share one dictionary, some have equal ones, over several runs of rows.
    each = [data.draw(st.sampled_from(some)) if data.draw(st.booleans()) else data.draw(fills) for _ in rows]
    table = table_of([(*one, fill) for one, fill in zip(rows, each, strict=True)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(findings_file, "_RUN", 5)
        back = round_trip(table, tmp_path_factory.mktemp("any"))
    assert exactly(back) == exactly(table)
    assert back.index.equals(table.index)
    assert back.columns.tolist() == list(findings.COLUMNS)
    assert (back.dtypes == "object").all()


def test_kinds_that_no_file_knows_become_plain_ones(tmp_path):
    params = {"a": np.int64(3), "b": np.bool_(True), "c": (1, 2), "d": pd.Timestamp("2025-12-31").date()}
    table = table_of([("id-missing", "error", np.True_, "parks", pd.NA, np.int32(7), "", "", pd.NA, np.nan, params)])
    (back,) = exactly(round_trip(table, tmp_path))
    told = "{'a': 3, 'b': True, 'c': [1, 2], 'd': '2025-12-31'}"
    assert back == ["'id-missing'", "'error'", "True", "'parks'", "None", "7", "''", "''", "None", "nan", told]


def test_no_findings_are_a_file_too(tmp_path):
    assert round_trip(findings.empty(), tmp_path).equals(findings.empty())


def test_what_many_share_is_held_once(tmp_path):
    many = findings.finding("geometry-mended", "parcels", ids=range(100), found="环方向", least=3)
    back = round_trip(many, tmp_path)
    pd.testing.assert_frame_equal(back, many)
    assert [back[name].map(id).nunique() for name in ("code", "found", "params")] == [1, 1, 1]
    pd.testing.assert_frame_equal(findings.describe(back), findings.describe(many))


def test_the_order_of_the_rows_is_kept_and_their_index_is_not(tmp_path):
    some = findings.finding("row-duplicate", "parcels", ids=list("cab"), rows=[2, 0, 1]).iloc[[2, 0]]
    assert round_trip(some, tmp_path)["id"].tolist() == ["b", "c"]


# ---------------------------------------------------------------- damage


@pytest.fixture
def lying(tmp_path):
    """A folder with findings, and what its manifest says of them."""
    told = findings.finding("row-duplicate", "parcels", ids=range(500), found=[f"{i} m²" for i in range(500)])
    return tmp_path, write_findings(told, tmp_path / FINDINGS)


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def turn(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize(
    ("harm", "told", "later"),
    [
        (Path.unlink, "it is missing", "it is missing"),
        (cut, r"\d+ bytes, \d+ written", r"\d+ bytes, \d+ written"),
        (lengthen, r"\d+ bytes, \d+ written", r"\d+ bytes, \d+ written"),
        (turn, "another checksum", "another checksum"),
    ],
)
def test_damage_is_told_when_opened_and_when_it_comes_later(lying, harm, told, later):
    folder, entry = lying
    opened = open_findings(open_storage(folder), entry)
    assert len(opened.read()) == 500
    harm(folder / FINDINGS)
    for call, words in ((lambda: open_findings(open_storage(folder), entry), told), (opened.read, later)):
        with pytest.raises(SourceError, match=rf"findings\.parquet is damaged or was changed \({words}\)") as error:
            call()
        assert "parkwise convert" in error.value.en
        assert "已损坏或被改动" in error.value.zh


def rewritten(folder, change):
    """Write other findings into the folder, and say of them what is true."""
    path = folder / FINDINGS
    pq.write_table(change(pq.read_table(path)), path)
    content = path.read_bytes()
    rows = pq.read_metadata(path).num_rows
    return {"file": FINDINGS, "rows": rows, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def with_column(name, values):
    return lambda table: table.set_column(
        table.schema.get_field_index(name), table.schema.field(name), pa.array(values, table.schema.field(name).type)
    )


FOREIGN = {
    "a column less": (lambda table: table.drop_columns("found"), "other columns"),
    "another kind": (lambda table: table.cast(table.schema.set(5, pa.field("row", pa.float64()))), "other columns"),
    "of another version": (with_column("code", ["no-such-code"] * 500), "unknown codes: no-such-code"),
    "no JSON": (with_column("params", ["{"] * 500), "not as it was written"),
    "no object": (with_column("params", ["{}"] * 499 + ["[1]"]), r"params \[1\] are no object"),
    "deep": (with_column("params", ["[" * 100_000] * 500), "not as it was written"),
}


@pytest.mark.parametrize(("change", "told"), FOREIGN.values(), ids=FOREIGN)
def test_what_the_file_holds_is_not_trusted(lying, change, told):
    folder, _ = lying
    entry = rewritten(folder, change)
    opened = open_findings(open_storage(folder), entry)
    with pytest.raises(SourceError, match=told) as error:
        opened.read()
    assert len(error.value.en) < 900


@pytest.mark.parametrize("rows", [499, 501, -1, 1e9, "many", None, [500]])
def test_rows_that_are_not_there_are_told(lying, rows):
    folder, entry = lying
    with pytest.raises(SourceError, match=r"500 of .* rows"):
        open_findings(open_storage(folder), entry | {"rows": rows}).read()


@pytest.mark.parametrize("name", ["../findings.parquet", "parks.parquet", "", None, 7])
def test_findings_lie_in_one_file_of_a_known_name(lying, name):
    folder, entry = lying
    with pytest.raises(ValueError, match="no file of findings"):
        open_findings(open_storage(folder), entry | {"file": name})


def test_findings_are_read_behind_a_url(lying):
    fsspec = pytest.importorskip("fsspec")
    folder, entry = lying
    there = fsspec.filesystem("memory")
    there.put(str(folder), "/told", recursive=True)
    opened = open_findings(open_storage("memory://told"), entry)
    pd.testing.assert_frame_equal(opened.read(), open_findings(open_storage(folder), entry).read())
    there.pipe("/told/findings.parquet", b"x" * entry["bytes"])
    with pytest.raises(SourceError, match="another checksum"):
        open_findings(open_storage("memory://told"), entry)
    there.rm("/told", recursive=True)


# ---------------------------------------------------------------- a million

MEASURED = """
import json, resource, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {tests!r}]
import test_findings_file as here
from layers.findings_file import FINDINGS, open_findings, write_findings
from layers.storage import open_storage

folder, act = Path(sys.argv[1]), sys.argv[2]
table = here.made(1_000_000) if act == "write" else None
before = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
if act == "write":
    (folder / "entry.json").write_text(json.dumps(write_findings(table, folder / FINDINGS)))
else:
    opened = open_findings(open_storage(folder), json.loads((folder / "entry.json").read_text()))
    table = opened.read() if act == "read" else None
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print((int(peak) * 1024 - before) / 2**20)
"""


def made(n):
    """Findings none of which is like another, but for what fills their texts."""
    x = np.linspace(100, 130, n)
    found = [f"ring-self-crossing: {i / 7:,.2f} → {i / 9:,.2f} m²" for i in range(n)]
    told = {"ids": range(n), "rows": range(n), "found": found, "places": np.column_stack([x, x / 4])}
    return findings.finding("geometry-mended", "parcels", column="geometry", **told)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read as Linux gives it")
def test_a_million_findings_need_little(root, tmp_path):
    code = MEASURED.format(root=str(root), tests=str(root / "tests"))

    def grown(act):
        command = [sys.executable, "-c", code, str(tmp_path), act]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    limits = {"write": 250, "open": 40, "read": 700}  # the table itself has some 400 MiB
    assert {act: mib for act, most in limits.items() if (mib := grown(act)) > most} == {}
    assert (tmp_path / FINDINGS).stat().st_size < 40 << 20
    entry = json.loads((tmp_path / "entry.json").read_text(encoding="utf-8"))
    pd.testing.assert_frame_equal(open_findings(open_storage(tmp_path), entry).read(), made(1_000_000))
