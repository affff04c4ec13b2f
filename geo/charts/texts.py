"""How wide a text is, how to cut it, and which of its signs XML can hold.

Widths are in em and about right for Chinese and Latin print; nothing is laid out here.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean", "shorten", "text_width", "two_lines"]

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean(text: str) -> str:
    """Take out the signs XML cannot hold.

    Examples
    --------
    >>> clean("甲" + chr(0) + "厂")
    '甲厂'
    """
    return _NOT_XML.sub("", text)


def text_width(text: str) -> float:
    """Return about how wide a text is, in em: a Chinese character 1, a Latin one 0.56.

    Examples
    --------
    >>> text_width("高新区"), round(text_width("ab"), 2)
    (3.0, 1.12)
    """
    return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.56 for sign in text)


def shorten(text: str, most: float) -> str:
    """Cut a text to at most `most` em, with an ellipsis.

    Examples
    --------
    >>> shorten("钱塘高新技术产业开发区", 6)
    '钱塘高新技…'
    """
    if text_width(text) <= most:
        return text
    room, kept = most - 0.56, 0
    while kept < len(text) and (room := room - text_width(text[kept])) >= 0:
        kept += 1
    return text[:kept] + "…"


def two_lines(text: str, most: float) -> tuple[str, ...]:
    """Break a text of more than `most` em into two lines about as long as each other, and cut what is still too long.

    Latin words stay whole; Chinese may break between any two characters.

    Examples
    --------
    >>> two_lines("Labour productivity", 10), two_lines("研发经费占营业收入比重", 10), two_lines("亩均税收", 10)
    (('Labour', 'productivity'), ('研发经费占', '营业收入比重'), ('亩均税收',))
    """
    if text_width(text) <= most:
        return (text,)
    breaks = [
        place for place in range(1, len(text))
        if " " in text[place - 1 : place + 1] or not (text[place - 1].isascii() and text[place].isascii())
    ]  # fmt: skip
    if not breaks:
        return (shorten(text, most),)
    parts = [(text[:place].strip(), text[place:].strip()) for place in breaks]
    first, second = min(parts, key=lambda two: max(map(text_width, two)))
    return shorten(first, most), shorten(second, most)
