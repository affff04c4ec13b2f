"""A base map of picture tiles behind the city, only where the project asks for one (底图): `asked`, `Basemap`.

Reads the settings `[map]` and says no to every address that is not plainly one of tiles. The only part of Parkwise
that makes a page ask for something; it does so in the browser of whoever opens the page, of the named host
alone. A key comes from the environment, goes into the page and nowhere else.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from layers.errors import ProjectError, Words
from layers.project import Project

__all__ = ["KEY_VARIABLE", "Basemap", "asked"]

#: The environment variable that holds what stands for ``{key}``.
KEY_VARIABLE = "PARKWISE_TILE_KEY"

_MOST = 4
_FIELDS = {"z", "x", "y", "-y", "s", "key"}
_LONGEST = 500
_HOST = re.compile(r"(?:[A-Za-z0-9-]|\{s\})+(?:\.(?:[A-Za-z0-9-]|\{s\})+)*(?::\d{1,5})?")
_SIGNS = re.compile(r"[A-Za-z0-9\-._~:/?#@!$&()*+,;=%{}\[\]]*")
_SUBDOMAIN = re.compile(r"[A-Za-z0-9-]{1,20}")
_KEY = re.compile(r"[A-Za-z0-9._~-]{1,200}")
_SECRETS = {"tk", "key", "token", "access_token", "apikey", "api_key", "ak", "appkey", "app_key", "secret"}


@dataclass(frozen=True)
class Basemap:
    """Tiles behind the city.

    Attributes
    ----------
    tiles : tuple of str
        Addresses, drawn one over the other; `{key}` still stands in them.
    attribution : str
    datum : {"wgs84", "gcj02"}
        In which the tiles are drawn.
    subdomains : tuple of str
        What `{s}` may be.
    max_zoom : int
        Deepest level there are tiles of; deeper ones are enlarged.
    """

    tiles: tuple[str, ...]
    attribution: str
    datum: str
    subdomains: tuple[str, ...]
    max_zoom: int

    def document(self) -> dict[str, Any]:
        """Return what the page needs; holds the key.

        Raises
        ------
        ProjectError
            An address asks for a key and the environment has none, or none of plain letters and digits.
        """
        return {
            "tiles": [_keyed(one) for one in self.tiles],
            "attribution": self.attribution,
            "datum": self.datum,
            "subdomains": list(self.subdomains),
            "max_zoom": self.max_zoom,
        }

    @property
    def origins(self) -> tuple[str, ...]:
        """Scheme and host of every place tiles come from, for the policy of the page.

        Examples
        --------
        >>> Basemap(("https://t{s}.example.org/{z}/{x}/{y}.png",), "", "wgs84", ("0", "1"), 18).origins
        ('https://t0.example.org', 'https://t1.example.org')
        """
        found = (_origin(one) for one in self.tiles)
        return tuple(dict.fromkeys(one.replace("{s}", name) for one in found for name in self.subdomains))


def asked(project: Project) -> Basemap | None:
    """Return the base map a project asks for, None where it asks for none.

    Raises
    ------
    ProjectError
        An address cannot be used; the message says why.
    """
    tiles = project.texts("map.basemap")
    if not tiles:
        return None
    if len(tiles) > _MOST:
        raise _refused(
            Words(f"{len(tiles)} addresses of tiles, {_MOST} at most", f"瓦片地址有 {len(tiles)} 个，至多 {_MOST} 个")
        )
    subdomains = project.texts("map.subdomains") or ("a", "b", "c")
    for number, one in enumerate(tiles, start=1):
        wrong = _wrong(one)
        if wrong is not None:
            raise _refused(Words(f"address {number}: {wrong.en}", f"第 {number} 个地址：{wrong.zh}"))
    for name in subdomains:
        if not _SUBDOMAIN.fullmatch(name):
            raise ProjectError(
                f"map.subdomains: {name!r} is no part of a host name. Expected letters, digits and hyphens.",
                f"map.subdomains：{name!r} 不能用于域名。只能是字母、数字和连字符。",
            )
    return Basemap(
        tiles,
        project.text("map.attribution") or "",
        project.text("map.datum") or "wgs84",
        subdomains,
        int(project.number("map.max_zoom") or 18),
    )


def _origin(tiles: str) -> str:
    return "/".join(tiles.split("/")[:3])


def _wrong(tiles: str) -> Words | None:
    """What is wrong with an address of tiles; the address itself is not repeated, it may hold a secret."""
    if len(tiles) > _LONGEST or not _SIGNS.fullmatch(tiles):
        return Words(
            f"more than {_LONGEST} signs, or signs that do not belong into an address",
            f"长度超过 {_LONGEST} 个字符，或含有地址中不应有的字符",
        )
    scheme, _, rest = tiles.partition("://")
    if scheme.lower() not in ("http", "https"):
        return Words("only http:// and https:// are allowed", "只能以 http:// 或 https:// 开头")
    if not _HOST.fullmatch(rest.split("/")[0]):
        return Words("no plain host name after ://", "“://”之后不是普通的主机名")
    return _wrong_fields(tiles)


def _wrong_fields(tiles: str) -> Words | None:
    found = re.findall(r"\{([^{}]*)\}", tiles)
    if not set(found) <= _FIELDS or tiles.count("{") != len(found) or tiles.count("}") != len(found):
        return Words("only {z} {x} {y} {-y} {s} {key} may stand in braces", "花括号中只能是 {z} {x} {y} {-y} {s} {key}")
    if not {"z", "x"} <= set(found) or not {"y", "-y"} & set(found):
        return Words("{z}, {x} and {y} (or {-y}) are needed", "须含 {z}、{x} 和 {y}（或 {-y}）")
    given = {name.lower() for name, value in parse_qsl(urlsplit(tiles).query) if "{key}" not in value}
    if given & _SECRETS:
        return Words(
            f"a key stands in the address. Write {{key}} for it and set the environment variable {KEY_VARIABLE}",
            f"地址中写有密钥。请改写为 {{key}}，并设置环境变量 {KEY_VARIABLE}",
        )
    return None


def _refused(wrong: Words) -> ProjectError:
    return ProjectError(
        f"map.basemap: {wrong.en}. Expected addresses such as https://tiles.example.org/{{z}}/{{x}}/{{y}}.png.",
        f"map.basemap：{wrong.zh}。应为 https://tiles.example.org/{{z}}/{{x}}/{{y}}.png 这样的地址。",
    )


def _keyed(tiles: str) -> str:
    if "{key}" not in tiles:
        return tiles
    key = os.environ.get(KEY_VARIABLE, "")
    if not _KEY.fullmatch(key):
        raise ProjectError(
            f"map.basemap asks for a key: set the environment variable {KEY_VARIABLE} (letters, digits and . _ ~ -). "
            "It is written into the map you make, and into no other file.",
            f"map.basemap 需要密钥：请设置环境变量 {KEY_VARIABLE}（字母、数字和 . _ ~ -）。"
            "密钥只写入所生成的地图，不写入其他文件。",
        )
    return tiles.replace("{key}", key)
