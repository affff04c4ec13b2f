"""Trees of weighted scores: worked cases, refusals, properties."""

from __future__ import annotations

import math
import re
import tomllib
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.evaluation.tree import evaluate, read_tree
from layers.errors import SourceError, StandardError

CASES = tomllib.loads((Path(__file__).parent / "cases" / "score-trees.toml").read_text("utf-8"))["case"]


def worked_out(text: str) -> float:
    """Work out arithmetic, digits and operators only, over fractions: 0.6 * 0.75 is 0.45."""
    assert re.fullmatch(r"[\d .+*/()-]+", text), text
    exact = re.sub(r"[\d.]+", r'Fraction("\g<0>")', text)
    return float(eval(exact, {"Fraction": Fraction}))  # noqa: S307  (digits and operators of a file of ours)


@pytest.fixture
def tree_of(tmp_path):
    def read(text: str, encoding: str = "utf-8") -> pd.DataFrame:
        file = tmp_path / "tree.csv"
        file.write_bytes(text.strip().encode(encoding))
        return read_tree(file)

    return read


# ---------------------------------------------------------------- worked cases


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_worked_case(case, tree_of):
    found = evaluate(tree_of(case["tree"]), case.get("values"))
    table = found.table.set_index("node")
    for node, text in case["expected"].items():
        assert table.loc[node, "score"] == pytest.approx(worked_out(text), rel=1e-12, abs=1e-12), node
    for node, text in case["effective"].items():
        assert table.loc[node, "effective_weight"] == worked_out(text), node  # to the last bit
    leaves = table[~table.index.isin(table["parent"])]
    assert leaves["effective_weight"].sum() == pytest.approx(1.0, abs=1e-12)
    assert found.score == table["score"].iloc[0]
    assert found.told == ()


def test_levels_count_from_the_root_and_parents_come_first(tree_of):
    table = evaluate(tree_of(CASES[0]["tree"])).table
    assert table["node"].tolist() == ["zone", "use", "plot", "density", "yield"]
    assert table["level"].tolist() == [0, 1, 2, 2, 1]
    assert table["ideal"].tolist()[2:] == [1.2, 0.4, 40.0]


def test_shown_as_text_and_html(tree_of):
    found = evaluate(tree_of("node,parent,weight,score\n<b>zone</b>,,,\na,<b>zone</b>,1,82.456"))
    assert str(found).startswith("<b>zone</b>: 82.46 (weights = strict")
    assert "&lt;b&gt;zone" in found._repr_html_()
    assert "<b>zone" not in found._repr_html_()


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_files_as_people_save_them(tree_of, encoding, mark):
    text = "指标,上级,权重,得分,备注\n总分,—,,,\n用地效益,总分,40%,80,按省里口径\n土地利用,总分,0.6,９０,\n"
    found = evaluate(tree_of(text.replace(",", mark), encoding))
    assert found.score == 0.4 * 80 + 0.6 * 90


def test_lines_are_those_of_the_file(tree_of):
    tree = tree_of("node,parent,weight,score\n\nzone,,,\n\na,zone,0.5,1\nb,zone,0.4,2\n")
    assert tree.index.tolist() == [3, 5, 6]
    with pytest.raises(StandardError, match=r'under "zone" sum to 0.9, not 1 \(rows 5, 6: 0.5 \+ 0.4\)'):
        evaluate(tree)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("node,parent,wieght,score\na,,1,2", 'column "wieght" is not known. Did you mean "weight"?'),
        ("node,指标,weight\na,,1", "entries stand twice: node; 指标"),
        ("node,parent,weight,score\na,,,\nb,a,1,many", 'line 3, score: "many": expected a number'),
        ("node,parent,weight,score\na,,,\nb,a,1,80%", 'line 3, score: "80%": expected points'),
        ("node,parent,weight,ideal\na,,,\nb,a,1,40亩", 'line 3, ideal: "40亩": expected a number'),
        (
            "node,parent,weight,ideal,value\na,,,,\nb,a,1,93%,0.85",
            "line 3, ideal: of ideal and value one is a percentage",
        ),
        ("node,parent,weight\n", "no row below the titles"),
        ("node,parent,weight,score\na,,,\nb,a,0,5,80", "line 3: 5 cells under 4 titles"),
    ],
)
def test_files_that_are_refused(tree_of, text, told):
    with pytest.raises(StandardError, match=re.escape(told)) as caught:
        tree_of(text)
    assert caught.value.exit_code == 2
    assert caught.value.zh != caught.value.en


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SourceError, match=re.escape("none.csv")):
        read_tree(tmp_path / "none.csv")


# ---------------------------------------------------------------- what is no tree


def tree(*rows: tuple, columns: str = "node parent weight score") -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


IDEALS = "node parent weight indicator ideal direction rule"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (tree(("a", None, None, None), ("b", "a", 1, 5), ("b", "a", 0, 5)), 'stands twice: row 2 "b", row 3 "b"'),
        (tree(("a", None, None, 1), ("b", None, None, 5)), '2 nodes have no parent: row 1 "a", row 2 "b"'),
        (tree(("a", None, None, None), ("b", "a", 1, 5), ("c", "q", 1, 5)), 'a parent is no node: row 3 "q"'),
        (tree(("a", "b", 1, None), ("b", "a", 1, None)), 'in a circle, no root among them: row 1 "a", row 2 "b"'),
        (
            tree(("a", None, None, 3), ("b", "c", 1, None), ("c", "b", 1, None)),
            'in a circle, no root among them: row 2 "b"',
        ),
        (tree(("a", None, None, 3), ("b", "b", 1, None)), 'in a circle, no root among them: row 2 "b"'),
        (tree(("a", None, None, None), ("b", "a", None, 3)), 'a weight is missing or below 0: row 2 "b"'),
        (tree(("a", None, None, None), ("b", "a", -1, 3), ("c", "a", 2, 3)), 'below 0: row 2 "b"'),
        (tree(("a", None, None, 7), ("b", "a", 1, 3)), 'row 1 "a" has nodes under it'),
        (tree(("a", None, None), ("b", "a", 1), columns="node parent weight"), 'row 2 "b" is a leaf without score'),
        (tree(("a", None), columns="node parent"), "weight is missing"),
        (tree(("a", None, 1, 2), columns="node parent weight scor"), 'unknown column "scor"; nearest: score'),
        (tree((None, None, None, 3)), "row 1 has no name"),
        (tree(("a", None, None, "x")), "row 1: score is 'x'"),
        (
            tree(("a", None, None, 5.0, "i", 3.0), columns="node parent weight score indicator ideal"),
            'row 1 "a" has a score and an ideal or rule',
        ),
        (tree(("a", None, None, "i", 0.0, None, None), columns=IDEALS), "has the ideal 0: expected more than 0"),
        (tree(("a", None, None, "i", -2.0, None, None), columns=IDEALS), "has the ideal -2"),
        (tree(("a", None, None, "i", 1.0, "less", None), columns=IDEALS), 'direction = "less" without a rule'),
        (tree(("a", None, None, "i", 1.0, "less", "cubic"), columns=IDEALS), 'unknown rule "cubic"'),
        (tree(("a", None, None, "i", 0.5, "less", "100*(1-value)"), columns=IDEALS), "has an ideal, which"),
        (tree(("a", None, None, "i", None, "less", "linear(0.3)"), columns=IDEALS), "needs an ideal of at least 0"),
        (tree(("a", None, None, "i", 0.3, "less", "linear(0.3)"), columns=IDEALS), "below 0.3 for linear(0.3)"),
        (tree(("a", None, None, "i", 1.0, None, "linear(3)"), columns=IDEALS), 'a rule but not direction = "less"'),
        (tree(("a", None, None, "i", 1.0, "down", None), columns=IDEALS), 'direction is "down"'),
        (
            tree(("a", None, None, "industrial_concentration", 93.0, None, None), columns=IDEALS),
            'ideal 93 of a share: write 0.93, or the unit "%"',
        ),
    ],
)
def test_what_is_no_tree_is_refused(table, told):
    with pytest.raises(StandardError, match=re.escape(told)) as caught:
        evaluate(table)
    assert caught.value.exit_code == 2
    assert caught.value.zh != caught.value.en


def test_a_unit_of_another_kind_is_refused():
    table = tree(("a", None, None, "tax_per_mu", 40.0, "公顷"), columns="node parent weight indicator ideal unit")
    with pytest.raises(StandardError, match="row 1: unit"):
        evaluate(table, {"tax_per_mu": 30.0})


@pytest.mark.parametrize("option", [{"weights": "normalize"}, {"missing": "zero"}])
def test_unknown_options_are_refused(option):
    with pytest.raises(StandardError, match=r"is unknown\. Did you mean"):
        evaluate(tree(("a", None, None, 1.0)), **option)


def test_faults_of_leaves_are_told_together():
    table = tree(
        ("a", None, None, None, None), ("b", "a", 0.5, "i", 0.0), ("c", "a", 0.5, "j", -1.0),
        columns="node parent weight indicator ideal",
    )  # fmt: skip
    with pytest.raises(StandardError, match=r'row 2 "b" has the ideal 0.*row 3 "c" has the ideal -1'):
        evaluate(table)


def test_a_root_named_by_others_only_is_taken_and_told():
    found = evaluate(tree(("b", "a", 0.5, 80.0), ("c", "a", 0.5, 60.0)))
    assert (found.score, found.table["node"].tolist()) == (70.0, ["a", "b", "c"])
    assert '"a" has no row of its own' in found.told[0][0]


def test_a_weight_of_the_root_is_not_used_and_told():
    found = evaluate(tree(("a", None, 100, None), ("b", "a", 1, 80.0)))
    assert found.score == 80.0
    assert "weight 100 of the root" in found.told[0][0]


# ---------------------------------------------------------------- weights


def test_weights_must_sum_to_one_at_every_node():
    table = tree(
        ("a", None, None, None), ("b", "a", 0.5, None), ("c", "a", 0.4, 1.0), ("d", "b", 60, 1.0), ("e", "b", 40, 2.0)
    )
    with pytest.raises(StandardError) as caught:
        evaluate(table)
    assert 'under "a" sum to 0.9, not 1 (rows 2, 3: 0.5 + 0.4)' in caught.value.en
    assert 'under "b" sum to 100, not 1 (rows 4, 5: 60 + 40)' in caught.value.en
    assert "“a”之下的权重之和为 0.9" in caught.value.zh


@pytest.mark.parametrize(("off", "refused"), [(9e-10, False), (2e-9, True)])
def test_the_tolerance_of_weights(off, refused):
    table = tree(("a", None, None, None), ("b", "a", 0.5, 50.0), ("c", "a", 0.5 + off, 50.0))
    if refused:
        with pytest.raises(StandardError, match="sum to"):
            evaluate(table)
    else:
        assert evaluate(table).score == pytest.approx(50.0)


def test_ten_tenths_are_one():
    rows = [(f"n{i}", "a", 0.1, 70.0) for i in range(10)]  # as floats they sum to 0.9999999999999999
    assert evaluate(tree(("a", None, None, None), *rows)).score == 70.0


def test_normalised_weights_are_told_with_node_and_sum():
    table = tree(("a", None, None, None), ("b", "a", 3, 80.0), ("c", "a", 1, 60.0))
    found = evaluate(table, weights="normalise")
    assert found.score == (3 * 80 + 1 * 60) / 4
    assert found.told == (
        (
            'warning: the weights under "a" sum to 4, not 1 (rows 2, 3); normalised',
            "警告：“a”之下的权重之和为 4，不是 1（第 2, 3 行），已归一",
        ),
    )


def test_weights_that_are_all_zero_cannot_be_normalised():
    with pytest.raises(StandardError, match='under "a" sum to 0'):
        evaluate(tree(("a", None, None, None), ("b", "a", 0, 80.0)), weights="normalise")


# ---------------------------------------------------------------- values

MEASURED = tree(
    ("zone", None, None, None, None), ("use", "zone", 0.5, None, None), ("plot", "use", 0.8, "plot_ratio", 1.0),
    ("density", "use", 0.2, "building_density", 0.5), ("tax", "zone", 0.5, "tax_per_mu", 40.0),
    columns="node parent weight indicator ideal",
)  # fmt: skip


@pytest.mark.parametrize("gone", [None, float("nan"), float("inf")])
def test_a_missing_value_is_never_zero(gone):
    values = {"plot_ratio": 0.5, "building_density": gone, "tax_per_mu": 20.0}
    found = evaluate(MEASURED, values)
    table = found.table.set_index("node")
    assert math.isnan(found.score)
    assert math.isnan(table.loc["use", "score"])
    assert table.loc["tax", "score"] == 50.0
    assert table["missing"].to_dict() == {"zone": 1, "use": 1, "plot": 0, "density": 1, "tax": 0}
    assert "1 of 3 leaves have no score (density): the nodes above them are missing too" in found.told[0][0]


def test_renormalised_over_what_is_there_when_asked():
    found = evaluate(MEASURED, {"plot_ratio": 0.5, "building_density": None, "tax_per_mu": 30.0}, missing="renormalise")
    # use = 0.8 × 50 ÷ 0.8; zone = 0.5 × 50 + 0.5 × 75
    assert found.score == 0.5 * 50 + 0.5 * 75
    assert "take their place" in found.told[0][0]


def test_a_node_with_nothing_under_it_is_missing_even_when_renormalised():
    found = evaluate(
        MEASURED, {"plot_ratio": None, "building_density": None, "tax_per_mu": 30.0}, missing="renormalise"
    )
    assert math.isnan(found.table.set_index("node").loc["use", "score"])
    assert found.score == 75.0
    assert math.isnan(evaluate(MEASURED, dict.fromkeys(("plot_ratio", "building_density", "tax_per_mu")),
                               missing="renormalise").score)  # fmt: skip


def test_an_indicator_nobody_measured_is_named():
    table = MEASURED.replace("tax_per_mu", "tax_per_muu")
    found = evaluate(table, {"plot_ratio": 1.0, "building_density": 0.5, "tax_per_mu": 20.0})
    assert math.isnan(found.score)
    assert found.told[0][0] == 'row 5: no value for "tax_per_muu"; did you mean "tax_per_mu"?'


def test_a_value_in_the_tree_goes_before_the_measured_one_and_is_told():
    found = evaluate(MEASURED.assign(value=[None, None, None, None, 10.0]),
                     {"plot_ratio": 1.0, "building_density": 0.5, "tax_per_mu": 20.0})  # fmt: skip
    assert found.score == 0.5 * 100 + 0.5 * 25
    assert found.told[0][0] == 'row 5 "tax": 10 of the tree is used, not 20 as measured'


def test_a_score_that_is_missing_leaves_the_root_missing():
    found = evaluate(tree(("a", None, None, None), ("b", "a", 0.5, 80.0), ("c", "a", 0.5, None)))
    assert math.isnan(found.score)


def test_scores_outside_the_scale_are_told():
    found = evaluate(tree(("a", None, None, None), ("b", "a", 0.5, 120.0), ("c", "a", 0.5, 60.0)))
    assert found.score == 90.0
    assert "outside 0–100 are used as they stand: b 120" in found.told[0][0]


# ---------------------------------------------------------------- properties

scores = st.lists(st.floats(0, 100), min_size=2, max_size=8)


@st.composite
def trees(draw):
    """A root, branches under it, leaves under those; weights of whole hundredths that sum to 1."""
    rows: list[tuple] = [("root", None, None, None)]
    branches = draw(st.integers(1, 4))
    for branch, weight in enumerate(_split(draw, branches)):
        rows.append((f"b{branch}", "root", weight, None))
        leaves = draw(st.integers(1, 4))
        rows += [(f"b{branch}l{leaf}", f"b{branch}", part, draw(st.floats(0, 100)))
                 for leaf, part in enumerate(_split(draw, leaves))]  # fmt: skip
    return tree(*rows)


def _split(draw, count):
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=count - 1, max_size=count - 1)))
    return [(high - low) / 100 for low, high in zip([0, *cuts], [*cuts, 100], strict=True)]


@given(trees(), st.randoms())
def test_the_order_of_rows_does_not_matter(table, random):
    order = list(range(len(table)))
    random.shuffle(order)
    shuffled = evaluate(table.iloc[order].reset_index(drop=True))
    left, right = (one.table.set_index("node").sort_index()[["score", "effective_weight", "level"]]
                   for one in (evaluate(table), shuffled))  # fmt: skip
    assert left.equals(right)


@given(trees())
def test_the_root_is_the_sum_of_leaves_by_effective_weight(table):
    found = evaluate(table).table
    leaves = found[~found["node"].isin(found["parent"])]
    expected = math.fsum(leaves["effective_weight"] * leaves["score"])
    assert found["score"].iloc[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert leaves["score"].min() - 1e-9 <= found["score"].iloc[0] <= leaves["score"].max() + 1e-9


@given(trees(), st.integers(2, 50))
def test_normalising_undoes_a_common_factor(table, factor):
    scaled = table.assign(weight=table["weight"] * factor)
    found = evaluate(scaled, weights="normalise")
    assert found.score == pytest.approx(evaluate(table).score, rel=1e-12, abs=1e-12)
    assert all("warning" in en for en, _ in found.told)


@given(st.floats(0, 3), st.floats(0, 3))
def test_more_is_never_worse_nor_less_where_less_is_better(one, other):
    low, high = sorted((one, other))

    def score(value, direction, rule, ideal):
        rows = tree(("a", None, None, "i", ideal, direction, rule), columns=IDEALS)
        return evaluate(rows, {"i": value}).score

    assert score(low, "more", None, 1.2) <= score(high, "more", None, 1.2) <= 100
    for rule, ideal in (("100*(1-value)", None), ("linear(2)", 0.5), ("linear(200%)", 0.0)):
        assert 0 <= score(high, "less", rule, ideal) <= score(low, "less", rule, ideal) <= 100
