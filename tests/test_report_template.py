"""Templates of the Word report: what users place stands where they placed it, and nothing in a template runs."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import docx
import hand_report
import pytest
from click.testing import CliRunner
from docx.oxml.ns import qn
from docx.shared import Mm

import cli
from geo.report.content import Figure, Table, compose_report, walk
from geo.report.docx import write_docx
from geo.report.docx_fields import CHAPTERS, FACT, PLACES, TEXTS, known
from geo.report.docx_template import require_template, write_template
from layers.errors import ProjectError

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def report():
    return compose_report(hand_report.city(name="演练（合成数据）"))


def template_of(path: Path, *lines: str, header: str = "") -> Path:
    """A Word file of one paragraph a line, in Word's own styles."""
    document = docx.Document()
    for line in lines:
        document.add_paragraph(line)
    if header:
        document.sections[0].header.paragraphs[0].text = header
    document.save(str(path))
    return path


def written(report, tmp_path, *lines: str, header: str = "") -> docx.document.Document:
    made = tmp_path / "report.docx"
    write_docx(report, made, template_of(tmp_path / "my.docx", *lines, header=header))
    return docx.Document(str(made))


def lines_of(document) -> list[str]:
    return [line.text for line in document.paragraphs]


def headings(document) -> list[str]:
    return [line.text for line in document.paragraphs if line.style.name == "Heading 1"]


# ---------------------------------------------------------------- what is placed


def test_the_template_written_out_makes_the_report_of_the_one_on_board(report, tmp_path):
    write_template(tmp_path / "my.docx")
    write_docx(report, tmp_path / "a.docx")
    write_docx(report, tmp_path / "b.docx", tmp_path / "my.docx")
    with zipfile.ZipFile(tmp_path / "a.docx") as one, zipfile.ZipFile(tmp_path / "b.docx") as other:
        assert one.namelist() == other.namelist()
        for name in one.namelist():  # the sheets of charts bear the time they were made
            assert "embeddings" in name or "core.xml" in name or one.read(name) == other.read(name), name


def test_texts_stand_where_they_are_placed(report, tmp_path):
    made = written(
        report, tmp_path, "{{ city }}人民政府", "集聚度 {{ figures.industrial_concentration }}，截至{{ as_of }}",
        "税收 {{ zones.tax_per_mu }}", "{{p chapters }}", header="{{ title }} · 内部资料",
    )  # fmt: skip
    told = lines_of(made)
    headline = next(one for one in report.headlines if one.ref == "industrial_concentration")
    assert told[:2] == ["示例市人民政府", f"集聚度 {headline.value}，截至2025-12-31"]
    assert told[2] == f"税收 {report.values['zones']['tax_per_mu']}"
    assert made.sections[0].header.paragraphs[0].text == "示例市工业用地报告 · 内部资料"


def test_chapters_follow_the_template_and_are_numbered_anew(report, tmp_path):
    made = written(
        report, tmp_path, "{{p candidates }}", "其间的话", "{{p contents }}", "{{p chapters }}", "{{p overview }}"
    )
    titles = headings(made)
    assert titles[0] == "一、低效用地"
    assert re.fullmatch(r".+、概况", titles[-1])
    assert len(titles) == len(report.sections)
    told = lines_of(made)
    assert told.index("一、低效用地") < told.index("其间的话") < told.index(titles[1])
    contents = [line.text for line in made.paragraphs if line.style.name == "toc 1"]
    assert len(contents) == len(titles)
    for kind, sign in ((Table, "表"), (Figure, "图")):
        numbers = [int(found[1]) for line in told if (found := re.match(rf"{sign} (\d+)  ", line))]
        assert numbers == list(range(1, len([one for one in walk(report.sections) if isinstance(one, kind)]) + 1))


def test_a_chapter_without_a_place_is_left_out_and_told(report, tmp_path, caplog):
    made = written(report, tmp_path, "{{p overview }}")
    assert headings(made) == ["一、概况"]
    assert "no place for" in caplog.text
    assert "集聚度" in caplog.text


def test_a_chapter_the_data_do_not_give_leaves_no_trace(report, tmp_path):
    assert not [one for one in report.sections if one.key == "ratings"]
    made = written(report, tmp_path, "前", "{{p ratings }}", "{%p if ratings %}", "有评价", "{%p endif %}", "后")
    assert lines_of(made) == ["前", "后"]


def test_conditions_and_the_lines_under_the_title(report, tmp_path):
    made = written(
        report, tmp_path, "{%p if banner %}", "注意：{{ banner }}", "{%p endif %}", "{%p for one in facts %}",
        "{{ one.label }}={{ one.value }}", "{%p endfor %}",
    )  # fmt: skip
    assert lines_of(made) == [f"注意：{report.banner}", *(f"{label}={value}" for label, value in report.facts)]


def test_a_field_cut_into_runs_is_one_field(report, tmp_path):
    document = docx.Document()
    line = document.add_paragraph()
    for piece in ("{", "{ ti", "tle }", "}"):
        line.add_run(piece).bold = piece == "{ ti"
    document.save(str(tmp_path / "my.docx"))
    write_docx(report, tmp_path / "report.docx", tmp_path / "my.docx")
    assert lines_of(docx.Document(str(tmp_path / "report.docx"))) == [report.title]


def test_styles_of_the_template_win_and_missing_ones_are_added(report, tmp_path):
    document = docx.Document()
    document.styles["Heading 1"].font.name = "Impact"
    document.sections[0].left_margin = document.sections[0].right_margin = Mm(40)
    document.sections[0].page_width = Mm(200)
    document.add_paragraph("{{p chapters }}")
    document.save(str(tmp_path / "my.docx"))
    write_docx(report, tmp_path / "report.docx", tmp_path / "my.docx")
    made = docx.Document(str(tmp_path / "report.docx"))
    assert made.styles["Heading 1"].font.name == "Impact"
    assert {"Table Text", "Source", "toc 2"} <= {style.name for style in made.styles}
    widths = [
        sum(int(column.get(qn("w:w"))) for column in table.iter(qn("w:gridCol")))
        for table in made.element.body.iter(qn("w:tbl"))
    ]
    assert max(widths) <= Mm(120).twips


def test_text_from_data_is_no_template(tmp_path):
    frames = hand_report.hand_city.frames()
    frames["parks"]["zone_name"] = "{{ title }}{% for x in facts %}<w:p/>"
    report = compose_report(hand_report.city(frames=frames, called="{{ city }}<b>&"))
    made = written(report, tmp_path, "{{ city }}", "{{p chapters }}")
    assert lines_of(made)[0] == "{{ city }}<b>&"
    cells = {one.text for one in made.element.body.iter(qn("w:t"))}
    assert "{{ title }}{% for x in facts %}<w:p/>" in cells


def test_every_field_is_documented():
    page = (ROOT / "docs" / "word-template.md").read_text("utf-8")
    assert {*re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE)} == {*TEXTS, *PLACES, "figures.ID", "zones.ID"}
    assert all(f"fact.{one}" in page for one in FACT)


def test_every_chapter_can_be_placed(report):
    assert {section.key for section in report.sections} <= set(CHAPTERS)


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{{ titel }}", 'paragraph 2 ("{{ titel }}"): there is no field "titel". Did you mean "title"?'),
        ("甲 {{ figures.tax_per_mou }} 乙", 'no field "figures.tax_per_mou". Did you mean "figures.tax_per_mu"?'),
        ("{{p overveiw }}", 'no field "overveiw". Did you mean "overview"?'),
        ("{{ fact.label }}", 'no field "fact.label"'),
        ("{{ title.__class__.__mro__ }}", "nothing else is run"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "nothing else is run"),
        ("{{ figures.__init__.__globals__ }}", "nothing else is run"),
        ("{{ figures['__class__'] }}", "nothing else is run"),
        ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", "nothing else is run"),
        ("{{ lipsum.__globals__ }}", "nothing else is run"),
        ("{{ title|attr('__class__') }}", "nothing else is run"),
        ("{{ title.format(title) }}", "nothing else is run"),
        ("{{ 'x' * 1000000000 }}", "nothing else is run"),
        ("{% for i in range(1000000000) %}x{% endfor %}", "nothing else is run"),
        ("{% for a in facts %}{% for b in facts %}x{% endfor %}{% endfor %}", "nothing else is run"),
        ("{% include '/etc/passwd' %}", "nothing else is run"),
        ("{% set x = title %}", "nothing else is run"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "nothing else is run"),
        ("{{ title }", "nothing else is run"),
        ("{% if title %}", "nothing else is run"),
        ("章：{{ overview }}", 'write {{p overview }}, alone in a paragraph'),
    ],
)  # fmt: skip
def test_what_is_no_field_is_refused_with_its_place(tmp_path, line, told):
    path = template_of(tmp_path / "my.docx", "一段文字", line)
    with pytest.raises(ProjectError) as caught:
        require_template(path)
    assert told in caught.value.en
    assert "my.docx" in caught.value.zh
    assert "第 2 段" in caught.value.zh or "占一段" in caught.value.zh or "{{ title }" in line


def test_a_part_in_a_header_a_table_or_twice_is_refused(tmp_path):
    template_of(tmp_path / "a.docx", "正文", header="{{p overview }}")
    document = docx.Document()
    document.add_table(1, 1).cell(0, 0).text = "{{p overview }}"
    document.save(str(tmp_path / "b.docx"))
    template_of(tmp_path / "c.docx", "{{p overview }}", "{{p overview }}")
    for name in "abc":
        with pytest.raises(ProjectError, match=r"body"):
            require_template(tmp_path / f"{name}.docx")


def rewritten(path: Path, change) -> Path:
    """The same package with parts changed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    path.write_bytes(stream.getvalue())
    return path


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b"<w:p/>" * 20_000_000)


FILES = {
    "nothing": lambda path: None,
    "text": lambda path: path.write_bytes(b"{{ title }}"),
    "locked": lambda path: path.write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + b"\0" * 600),
    "zip": lambda path: zipfile.ZipFile(path, "w").close(),
    "bomb": bomb,
    "macros": lambda path: rewritten(
        template_of(path, "x"),
        lambda name, data: data.replace(
            b"wordprocessingml.document.main+xml", b"wordprocessingml.document.macroEnabled.main+xml"
        ),
    ),
    "torn": lambda path: path.write_bytes(template_of(path, "x").read_bytes()[:-300]),
    "entities": lambda path: rewritten(
        template_of(path, "x"),
        lambda name, data: b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + data[data.index(b"<w:doc"):]
        .replace(b">x<", b">&e;<") if name == "word/document.xml" else data,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in FILES if kind != "entities"])
def test_a_file_that_is_no_template_is_refused(tmp_path, kind):
    path = tmp_path / "my.docx"
    FILES[kind](path)
    with pytest.raises(ProjectError) as caught:
        require_template(path)
    assert "my.docx: " in caught.value.en
    assert "模板" in caught.value.zh


def test_an_entity_reads_no_file(report, tmp_path):
    FILES["entities"](tmp_path / "my.docx")
    try:
        write_docx(report, tmp_path / "report.docx", tmp_path / "my.docx")
    except ProjectError:
        return
    with zipfile.ZipFile(tmp_path / "report.docx") as package:
        assert b"root:" not in package.read("word/document.xml")


def test_a_picture_from_outside_is_refused(tmp_path):
    document = docx.Document()
    document.part.relate_to("http://example.invalid/logo.png", docx.opc.constants.RELATIONSHIP_TYPE.IMAGE, True)
    document.save(str(tmp_path / "my.docx"))
    with pytest.raises(ProjectError, match=re.escape("loads something from outside (http://example.invalid/logo.png)")):
        require_template(tmp_path / "my.docx")


def test_where_the_styles_came_from_is_forgotten(report, tmp_path):
    document = docx.Document()
    document.add_paragraph("{{ title }}")
    settings = document.part._settings_part
    key = settings.relate_to(
        "http://example.invalid/a.dotm",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate",
        True,
    )
    attached = docx.oxml.OxmlElement("w:attachedTemplate")
    attached.set(qn("r:id"), key)
    settings.element.insert(0, attached)
    document.save(str(tmp_path / "my.docx"))
    write_docx(report, tmp_path / "report.docx", tmp_path / "my.docx")
    with zipfile.ZipFile(tmp_path / "report.docx") as package:
        assert b"example.invalid" not in b"".join(package.read(name) for name in package.namelist())
        assert b"attachedTemplate" not in package.read("word/settings.xml")


# ---------------------------------------------------------------- the command


def test_the_command_writes_a_template_and_refuses_a_wrong_one_before_any_work(tmp_path):
    run = CliRunner().invoke
    path = str(tmp_path / "my.docx")
    assert run(cli.main, ["template", "-o", path, "--lang", "en", "-q"]).exit_code == 0
    assert "Contents" in lines_of(docx.Document(path))
    again = run(cli.main, ["template", "-o", path])
    assert again.exit_code == 2
    assert "--overwrite" in again.output
    template_of(tmp_path / "bad.docx", "{{ titel }}")
    told = run(cli.main, ["report", str(tmp_path / "none"), "-o", str(tmp_path / "out"), "--template",
                          str(tmp_path / "bad.docx"), "--lang", "en"])  # fmt: skip
    assert told.exit_code == 2
    assert 'Did you mean "title"?' in told.output


def test_known_fields_are_all_that_a_suggestion_can_name():
    assert {"title", "chapters", "figures.plot_ratio"} <= set(known())
