"""The notebooks run from top to bottom with the network closed, and are committed without outputs."""

import ast
from collections import Counter
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))

# The kernel is another process than the tests, so it closes its own doors: only this machine is open (kernels and
# local clusters talk over the loopback).
CLOSED = """
import sys

def refuse(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        if arguments[1][0] not in ("127.0.0.1", "::1", "localhost"):
            raise RuntimeError(f"a notebook reached for the network: {arguments[1]!r}")

sys.addaudithook(refuse)
"""

# What a reader must find among the outputs of each notebook: the answer it was opened for.
ANSWERS = {
    "01_first_report": ["target 70% (hangzhou-2023 （十）), met: False"],
    "02_candidates_and_plan": [
        "Low-efficiency candidates 低效用地线索",
        "Plan 方案: optimal",
        "≤",
        "Choices 比选",
        "达不到 70.00%",
        "预算",
    ],
    "03_one_zone_multiple_parks": [
        "largest difference of a share: 0.000000",
        "<svg",
        "由远及近的点块 / Points, the farthest first",
        "整合线索 / Leads",
        "其间土地 / land between 5,415 m²",
        "blocks before and after: 3 → 2",
        "1,200 m, way: roads",
        "道路与直线之差 / Roads and straight lines",
    ],
    "04_rule_book_and_grading": [
        '<td style="text-align:left">（十）</td>',
        "符合的条款有 0 条",
        "D → C (C was asked for)",
        "连续 2 年 → 直接认定（zhejiang-2021 七（三））",
        "连续 2 年 → 摘牌或取消资格（zhejiang-2021 七（三））",
        "<svg",
        "2025-Q2",
        "New industrial land outside the parks",
    ],
    "06_rasters_and_heights": [
        ">few_cells</td>",
        "works of 6.0 m a storey",
        'unit = "cm"',
        "cover_built_share",
        ">dark_at_night</td>",
        "land cover only",
    ],
    "05_large_data": ["2 processes", "written anew: 0", "True"],
}


def code(path: Path) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def run(notebook, folder: Path):
    nbclient = pytest.importorskip("nbclient")
    here = {"metadata": {"path": str(folder)}}
    notebook.cells.insert(0, nbformat.v4.new_code_cell(CLOSED))
    return nbclient.NotebookClient(notebook, timeout=120, resources=here).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path):
    cells = code(path)
    assert cells
    assert not any(cell.outputs or cell.execution_count for cell in cells)


def test_no_function_is_defined_twice():
    trees = [ast.parse(cell.source) for path in NOTEBOOKS for cell in code(path)]
    names = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [name for name, times in Counter(names).items() if times > 1] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_ends_with_the_command_that_does_the_same(path):
    last = nbformat.read(path, as_version=4).cells[-1]
    assert last.cell_type == "markdown"
    assert "```\nparkwise " in last.source


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path):
    done = run(nbformat.read(path, as_version=4), path.parents[1])
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    told = [str(output.get("text", "")) + "".join(map(str, output.get("data", {}).values())) for output in outputs]
    for answer in ANSWERS[path.stem]:
        assert answer in "".join(told)
    # Figures are equal to the last bit, and identities hold, or they do not; a clause may well not be met (`met`).
    assert "False" not in told
    tables = [table for table in "".join(told).split("<table") if ">holds</th>" in table]
    assert not [table for table in tables if ">False</td>" in table]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_network_is_closed_in_a_notebook(tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell("import socket; socket.create_connection(('192.0.2.1', 9), timeout=1)")]
    with pytest.raises(Exception, match="reached for the network"):
        run(notebook, tmp_path)
