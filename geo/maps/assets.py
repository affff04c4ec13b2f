"""What a browser needs to show the map, taken from installed packages (`disown`, `inline`, `lock`).

Knows Leaflet, jQuery and how to put them into a page; knows no land. folium 0.20 would load ten files
from four hosts; the two libraries a map of polygons needs come from the packages xstatic-leaflet and
xstatic-jquery, in the very versions folium names, and pictures in the style sheet become data. A page
that was locked carries a content security policy that lets run what is in it and load nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module, metadata, resources
from pathlib import Path

from branca.element import Element, Figure
from folium import Map

from layers.errors import ParkwiseError

__all__ = ["OWNED", "Verbatim", "asset", "disown", "inline", "lock", "our_file", "versions"]

#: What of folium's own list is inlined: its name there, the package, and the file in it.
OWNED = {
    "leaflet": ("xstatic-leaflet", "xstatic.pkg.leaflet", "leaflet.js"),
    "jquery": ("xstatic-jquery", "xstatic.pkg.jquery", "jquery.min.js"),
    "leaflet_css": ("xstatic-leaflet", "xstatic.pkg.leaflet", "leaflet.css"),
}


class Verbatim(Element):
    """Text that goes into the page as it is: what branca reads as a template may hold no data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def render(self, **_: object) -> str:
        """Return the text."""
        return self.text


def versions() -> dict[str, str]:
    """Return the versions of the libraries at hand, as folium names them (``1.9.3``)."""
    return {name: ".".join(metadata.version(OWNED[name][0]).split(".")[:3]) for name in ("leaflet", "jquery")}


@cache
def asset(name: str) -> str:
    """Return the text of one of `OWNED`, fit for a page: pictures as data, no end tag, no source map.

    Raises
    ------
    ParkwiseError
        The package is not installed, or lacks the file.
    """
    package, module, file = OWNED[name]
    try:
        folder = Path(import_module(module).BASE_DIR)
        text = (folder / file).read_text("utf-8")
    except (ImportError, OSError) as error:
        raise ParkwiseError(
            f"The map needs {file} from the package {package}, which is not there ({error}). "
            f'Run "pip install {package}".',
            f"地图需要软件包 {package} 中的 {file}，但未找到（{error}）。请执行 pip install {package}。",
        ) from error
    text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)
    if file.endswith(".css"):
        text = re.sub(r"url\(([^)#]+\.png)\)", lambda found: f"url({_as_data(folder / found[1])})", text)
    return text.replace("</script", "<\\/script").replace("</style", "<\\/style")


def _as_data(picture: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(picture.read_bytes()).decode("ascii")


def our_file(name: str) -> str:
    """Return a script or style sheet of ours."""
    return resources.files("geo.maps").joinpath(name).read_text("utf-8")


def disown(folium_map: Map, *, only: bool) -> None:
    """Take from a map the links to what is inlined instead; with `only` no other link stays either."""
    for kind in ("default_js", "default_css"):
        links = [] if only else [link for link in getattr(folium_map, kind) if link[0] not in OWNED]
        setattr(folium_map, kind, links)


def inline(figure: Figure) -> None:
    """Put the libraries into the head of the page, before anything that builds on them."""
    for place, name in enumerate(OWNED):
        tag = "style" if name.endswith("_css") else "script"
        written = Verbatim(f"<{tag}>{asset(name)}</{tag}>")
        figure.header.add_child(written, name=f"inlined_{name}", index=place + 1)


def lock(page: str, pictures: Iterable[str] = ()) -> str:
    """Add a content security policy: the scripts in the page run, no other does, and nothing is loaded but pictures.

    These may be in the page, or come from the hosts named (scheme and host each).

    Evaluation stays allowed for the tools that drive browsers; no script in the page evaluates text.

    Examples
    --------
    >>> lock("<head></head><script>1</script>").count("sha256-")
    1
    """
    allowed = " ".join(sorted(set(_digests(page))))
    pictured = " ".join(["data:", "blob:", *pictures])
    policy = (
        f"default-src 'none'; script-src 'unsafe-eval' {allowed}; style-src 'unsafe-inline'; img-src {pictured}; "
        "base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta charset="utf-8" />\n<meta http-equiv="Content-Security-Policy" content="{policy}" />'
    return page.replace("<head>", f"<head>\n{meta}", 1)


def _digests(page: str) -> Iterator[str]:
    for found in re.finditer(r"<script>(.*?)</script>", page, flags=re.DOTALL):
        digest = hashlib.sha256(found[1].encode("utf-8")).digest()
        yield f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
