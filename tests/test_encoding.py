"""The doctor of encodings: bytes in, a verdict with its reason out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers import encoding

COMMON = "工业用地园区面积税收企业名称开发区杭州滨江萧山余杭地块建筑高新技术产业园规划容积率编号"


def judge(words, codec, declared=None):
    return encoding.detect([word.encode(codec) for word in words], declared)


@pytest.mark.parametrize(
    ("words", "codec", "expected"),
    [
        (["工业用地", "杭州"], "gbk", "GB18030"),
        (["工业用地"], "utf-8", "UTF-8"),
        (["联通"], "gbk", "GB18030"),  # the classic that looks like UTF-8
        (["宁围镇", "①号园", "（一）区"], "gb18030", "GB18030"),
        (["Pyörämatkailureitti", "Hämeentie"], "utf-8", "UTF-8"),
        (["Pyörämatkailureitti", "Hämeentie"], "latin-1", "cp1252"),
        (["São Miguel", "Povoação"], "cp1252", "cp1252"),
        (["Минск", "Завод"], "utf-8", "UTF-8"),
        (["plain", "words"], "ascii", "UTF-8"),
    ],
)
def test_hand_table(words, codec, expected):
    assert judge(words, codec).value == expected


@pytest.mark.parametrize("declared", ["ISO-8859-1", "UTF-8", "cp1252"])
def test_wrong_declaration_is_overruled_and_told(declared):
    verdict = judge(["工业用地", "杭州市"], "gbk", declared)
    assert (verdict.value, verdict.how, verdict.contradicts) == ("GB18030", "content", True)


@pytest.mark.parametrize("declared", ["GBK", "936", "CP936", "ANSI 936", "gb2312"])
def test_right_declaration_needs_no_word(declared):
    verdict = judge(["工业用地"], "gbk", declared)
    assert (verdict.value, verdict.how) == ("GB18030", "declared")


def test_half_a_character_at_the_end_is_forgiven():
    cut = "规划容积率".encode()[:10]
    assert encoding.detect([cut]).value == "UTF-8"
    assert encoding.decode(cut, "utf-8") == ("规划容", True)
    assert encoding.decode("规划容积率".encode("gbk")[:9], "gb18030") == ("规划容积", True)


def test_a_few_damaged_values_do_not_change_the_verdict():
    pieces = [f"工业用地{number}".encode() for number in range(100)] + [b"\xe5\xff\xb7"]
    assert encoding.detect(pieces).value == "UTF-8"


@given(st.lists(st.text(COMMON, min_size=2, max_size=8), min_size=3, max_size=20))
def test_chinese_text_is_recognised_in_both_encodings(words):
    assert judge(words, "utf-8").value == "UTF-8"
    assert judge(words, "gbk").value == "GB18030"


def test_text_files_by_mark_and_by_content(tmp_path):
    for codec, expected in (
        ("utf-8-sig", "utf-8-sig"),
        ("gb18030", "GB18030"),
        ("utf-16", "utf-16"),
        ("utf-8", "UTF-8"),
    ):
        path = tmp_path / f"{codec}.csv"
        path.write_text("企业名称,税收\n甲厂,1\n", encoding=codec)
        assert encoding.of_text(path).value == expected


def test_dxf_by_header_and_by_content(tmp_path):
    old = tmp_path / "old.dxf"
    head = b"  0\nSECTION\n  2\nHEADER\n  9\n$ACADVER\n  1\nAC1015\n  9\n$DWGCODEPAGE\n  3\nANSI_936\n"
    old.write_bytes(head + "  8\n工业用地\n".encode("gbk"))
    assert encoding.of_dxf(old).value == "GB18030"
    new = tmp_path / "new.dxf"
    new.write_bytes(head.replace(b"AC1015", b"AC1024") + "  8\n工业用地\n".encode())
    assert (encoding.of_dxf(new).value, encoding.of_dxf(new).how) == ("UTF-8", "declared")
