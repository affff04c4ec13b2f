"""What makes a site of the tree: mkdocs calls these functions (`hooks` in mkdocs.yml).

Pages stay where people read them in the tree: README, CONTRIBUTING and the notebooks become pages of the site, a
link that leaves docs/ leads to the page or to a copy of the file, and a page nobody put into the nav joins "how-to".
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
HOW_TO = "怎么做 · How-to"
LINK = re.compile(r"(\]\()([^)#\s]+)((?:#[^)\s]*)?\))")
INFO = re.compile(r"^( *```\w+) +([^\n]+)$", re.MULTILINE)
FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)

#: Files of the tree that are pages of the site, and folders that a page stands for.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "notebooks": "notebooks/index.md",
    "docs/adr": "adr/README.md",
    "docs/checks": "findings.md",
    **{f"notebooks/{path.name}": f"notebooks/{path.stem}.md" for path in sorted((ROOT / "notebooks").glob("*.ipynb"))},
}
#: Site page -> file of the tree it comes from.
HOME = {page: source for source, page in PAGES.items() if not page.startswith(("adr", "findings"))}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every page into the nav: what is named there, then the rest of docs/ and the notebooks."""
    named = json.dumps(config.nav)
    others = [path.name for path in sorted((ROOT / "docs").glob("*.md")) if f'"{path.name}"' not in named]
    nav: list[Any] = config.nav or []
    next(part[HOW_TO] for part in nav if isinstance(part, dict) and HOW_TO in part).extend(others)
    notebooks = [page for page in HOME if page.startswith("notebooks/")]
    nav.insert(3, {"笔记本 · Notebooks": notebooks})
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere in the tree, and the files that pages point to."""
    for page, source in HOME.items():
        files.append(File.generated(config, page, content=_markdown(ROOT / source)))
    for page in list(files.documentation_pages()):
        for _, link, _ in LINK.findall(page.content_string):
            path = _in_tree(page.src_uri, link)
            if path is not None and path.is_file() and _elsewhere(path):
                carried = f"files/{path.relative_to(ROOT).as_posix()}"
                if files.get_file_from_path(carried) is None:
                    files.append(File.generated(config, carried, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turn links within the tree into links within the site; examples between fences stay as they are."""

    def turned(found: re.Match[str]) -> str:
        path = _in_tree(page.file.src_uri, found[2])
        if path is None or not path.exists():
            return found[0]
        start = Path(page.file.src_uri).parent
        return f"{found[1]}{os.path.relpath(_in_site(path), start).replace(os.sep, '/')}{found[3]}"

    parts = FENCED.split(INFO.sub(_titled, markdown))
    return "".join(part if part.startswith("```") else LINK.sub(turned, part) for part in parts)


def _titled(found: re.Match[str]) -> str:
    """Return the first line of a block for the highlighter: a file name is its title, "not-run: …" is for tests."""
    return found[1] if found[2].startswith("not-run:") else f'{found[1]} title="{found[2]}"'


def _in_tree(page: str, link: str) -> Path | None:
    """Return what a link of a page points to in the tree; none of a link to elsewhere."""
    if re.match(r"\w+:", link):
        return None
    home = ROOT / HOME.get(page, f"docs/{page}")
    folder = home if home.is_dir() else home.parent
    return Path(os.path.normpath(folder / link))


def _in_site(path: Path) -> str:
    place = path.relative_to(ROOT).as_posix()
    return PAGES.get(place) or (f"files/{place}" if _elsewhere(path) else place.removeprefix("docs/"))


def _elsewhere(path: Path) -> bool:
    """Tell whether a file of the tree is no page of the site and must be carried along."""
    place = path.relative_to(ROOT).as_posix()
    return place not in PAGES and not place.startswith("docs/")


def _markdown(source: Path) -> str:
    """Return a page as Markdown: a notebook cell by cell, the folder of notebooks as a list."""
    if source.is_dir():
        books = [(path, _markdown(path).splitlines()[0].lstrip("# ")) for path in sorted(source.glob("*.ipynb"))]
        return "\n".join(["# 笔记本 · Notebooks", "", *(f"- [{title}]({path.name})" for path, title in books), ""])
    if source.suffix != ".ipynb":
        return source.read_text("utf-8")
    cells = json.loads(source.read_text("utf-8"))["cells"]
    texts = [("".join(cell["source"]), cell["cell_type"]) for cell in cells]
    return "\n\n".join(text if kind == "markdown" else f"```python\n{text}\n```" for text, kind in texts) + "\n"
