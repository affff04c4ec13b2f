"""In which encoding text was written, when the file does not say or says it wrong.

A GBK .dbf without .cpg reads as mojibake in most programs, without any error. Here a sample of the raw
bytes is judged instead: what decodes strictly, and what then looks like text. UTF-8 that decodes is
nearly always UTF-8; GB18030 is told from Western encodings by its common characters, which lie in one
corner of the code table where the bytes of Western words do not fall.

Text cut at the end of a fixed field may lose half a character; that half is not held against an encoding.
Knows .dbf, .cpg, delimited text and DXF. Says how it knows: declared, ascii, bom or content.
"""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from layers.errors import ProjectError

__all__ = ["Encoding", "decode", "detect", "given", "of_dbf", "of_dxf", "of_text"]

_SAMPLE = 2_000_000  # bytes looked at
_SOUND = 0.95  # share of pieces that must decode strictly: a file may hold a few damaged values
_LIKELY = 0.7  # share of characters that must be common ones for GB18030

#: Language driver byte of a .dbf → encoding, where one is stated at all.
_LDID = {
    0x4D: "GB18030", 0x4F: "big5", 0x7A: "GB18030", 0x78: "big5", 0x13: "cp932", 0x7B: "cp932", 0x79: "cp949",
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x57: "cp1252", 0x58: "cp1252", 0x64: "cp852", 0x65: "cp866",
    0xC8: "cp1250", 0xC9: "cp1251", 0xCA: "cp1254", 0xCB: "cp1253",
}  # fmt: skip


@dataclass(frozen=True)
class Encoding:
    """An encoding, how it is known (declared, given, ascii, bom, content) and why; what was declared."""

    value: str
    how: str
    why_en: str = ""
    why_zh: str = ""
    declared: str | None = None

    @property
    def contradicts(self) -> bool:
        """Whether the file declares another encoding than the one its text is in."""
        return self.how == "content" and self.declared is not None


def given(name: str) -> Encoding:
    """Return the encoding the user names.

    Raises
    ------
    ProjectError
        There is no encoding of text of that name.

    Examples
    --------
    >>> given("gbk").how
    'given'
    """
    try:
        "".encode(name)
    except (LookupError, ValueError) as error:
        raise ProjectError(
            f'encoding = "{name}" is not known. Expected the name of an encoding, such as "GB18030" or "UTF-8".',
            f"encoding = “{name}” 不可用。应为编码名称，如 GB18030、UTF-8。",
        ) from error
    return Encoding(name, "given")


def detect(pieces: Iterable[bytes], declared: str | None = None) -> Encoding:
    """Judge the encoding of some pieces of text.

    Parameters
    ----------
    pieces : iterable of bytes
        Values as they stand in the file, each possibly cut at its end.
    declared : str, optional
        What the file says of itself; kept unless the text contradicts it.

    Examples
    --------
    >>> detect(["工业用地".encode("gbk"), "杭州".encode("gbk")]).value
    'GB18030'
    >>> detect(["工业用地".encode("utf-8")], declared="ISO-8859-1").value
    'UTF-8'
    """
    declared = _canonical(declared)
    telling = [piece for piece in pieces if not piece.isascii()]
    if not telling:
        return Encoding(declared or "UTF-8", "declared" if declared else "ascii")
    utf8, chinese = _sound_share(telling, "utf-8") >= _SOUND, _common_share(telling)
    if utf8 and not (chinese > 0.9 and _runs(telling) and not _has_han(telling, "utf-8")):
        return _by_content("UTF-8", declared, "all text decodes as UTF-8", "全部文字可按 UTF-8 解码")
    if _sound_share(telling, "gb18030") >= _SOUND and chinese >= _LIKELY:
        percent = f"{chinese:.0%}"
        return _by_content(
            "GB18030",
            declared,
            f"does not decode as UTF-8 but as GB18030, with {percent} common Chinese characters",
            f"不能按 UTF-8 解码；按 GB18030 解码后 {percent} 为常用汉字",
        )
    if declared and declared != "UTF-8" and _sound_share(telling, declared) >= _SOUND:
        return Encoding(declared, "declared")
    return _by_content("cp1252", declared, "neither UTF-8 nor GB18030 fits", "既非 UTF-8 亦非 GB18030")


def _by_content(value: str, declared: str | None, why_en: str, why_zh: str) -> Encoding:
    if declared == value:
        return Encoding(value, "declared")
    return Encoding(value, "content", why_en, why_zh, declared)


def _canonical(name: str | None) -> str | None:
    """Return one name for each encoding; GBK, GB2312 and CP936 are parts of GB18030."""
    if not name:
        return None
    text = name.strip().casefold().removeprefix("ansi_").removeprefix("ansi ")
    if re.fullmatch(r"(?:cp|ms|windows-)?(936|gbk)|gb2312|gb18030|oem ?936", text):
        return "GB18030"
    try:
        found = codecs.lookup(f"cp{text}" if text.isdigit() and not text.startswith("8859") else text).name
    except LookupError:
        return "ISO-8859-1" if text.startswith("8859") else None
    return {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "iso8859-1": "ISO-8859-1", "gbk": "GB18030"}.get(found, found)


def _sound_share(pieces: Sequence[bytes], encoding: str) -> float:
    return sum(decode(piece, encoding)[1] for piece in pieces) / len(pieces)


def decode(piece: bytes, encoding: str) -> tuple[str, bool]:
    """Decode one piece; half a character at its end is left off, bytes that do not fit become �.

    Returns
    -------
    (text, sound)
        Whether all bytes but a half character at the end could be read.
    """
    try:
        return codecs.getincrementaldecoder(encoding)("strict").decode(piece, final=False), True
    except UnicodeDecodeError:
        return piece.decode(encoding, "replace"), False


def _common_share(pieces: Sequence[bytes]) -> float:
    """Share of the non-ASCII characters that are common Chinese (GB 2312 level 1, or its punctuation)."""
    common = total = 0
    for piece in pieces:
        text, _ = decode(piece, "gb18030")
        for character in text:
            if character > "\x7f":
                total += 1
                raw = character.encode("gb18030", "replace")
                common += len(raw) == 2 and (0xB0 <= raw[0] <= 0xD7 or 0xA1 <= raw[0] <= 0xA3) and raw[1] >= 0xA1
    return common / total if total else 0.0


def _has_han(pieces: Sequence[bytes], encoding: str) -> bool:
    return any("\u4e00" <= character <= "\u9fff" for piece in pieces for character in decode(piece, encoding)[0])


def _runs(pieces: Sequence[bytes]) -> bool:
    """Whether Chinese characters stand together; a single one between Latin letters is an accent misread."""
    texts = [decode(piece, "gb18030")[0] for piece in pieces]
    lone = sum(len(re.findall(r"(?<![^\x00-\x7f])[^\x00-\x7f](?![^\x00-\x7f])", text)) for text in texts)
    together = sum(len(run) for text in texts for run in re.findall(r"[^\x00-\x7f]{2,}", text))
    return together > 2 * lone


def of_dbf(path: Path, cpg: Path | None = None) -> Encoding:
    """Judge the encoding of a .dbf by its .cpg, its language byte, its field names and its records."""
    with path.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            return Encoding("UTF-8", "ascii")
        records, header_size, record_size = struct.unpack("<IHH", head[4:12])
        fields = _dbf_fields(file.read(max(header_size - 32, 0)))
        body = file.read(min(_SAMPLE, records * record_size))
    declared = _LDID.get(head[29])
    if cpg is not None and cpg.is_file():
        declared = cpg.read_bytes()[:64].decode("ascii", "replace").strip("\x00\ufffd \r\n") or declared
    pieces = [name for name, _, _, _ in fields]
    if record_size:
        for start in range(0, len(body) - record_size + 1, record_size):
            record = body[start : start + record_size]
            pieces += [record[at : at + size].strip(b" \x00") for _, kind, at, size in fields if kind == "C"]
    return detect(pieces, declared)


def _dbf_fields(block: bytes) -> list[tuple[bytes, str, int, int]]:
    """Return (name, kind, offset in the record, size) of each field."""
    fields, at = [], 1
    for start in range(0, len(block) - 31, 32):
        one = block[start : start + 32]
        if one[0] in (0x0D, 0x00):
            break
        size = one[16] if chr(one[11]) != "C" else one[16] + 256 * one[17]
        fields.append((one[:11].split(b"\x00")[0], chr(one[11]), at, size))
        at += size
    return fields


def of_text(path: Path) -> Encoding:
    """Judge the encoding of a text file by its mark or its content."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if sample.startswith(mark):
            return Encoding(name, "bom")
    return detect(dict.fromkeys(re.split(rb"[\r\n,;\t]+", sample)))


def of_dxf(path: Path) -> Encoding:
    """Judge the encoding of a DXF drawing by its header and its texts."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    version = re.search(rb"\$ACADVER\s+1\s+AC(\d{4})", sample)
    page = re.search(rb"\$DWGCODEPAGE\s+3\s+(\S+)", sample)
    declared = "UTF-8" if version and int(version[1]) >= 1021 else page[1].decode("ascii", "replace") if page else None
    return detect(dict.fromkeys(sample.splitlines()), declared)
