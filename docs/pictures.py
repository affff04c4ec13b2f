"""Make the pictures of the README anew, from the synthetic example city.

    parkwise demo -o demo
    python docs/pictures.py demo          (needs Chromium, LibreOffice and poppler; the test extra)

A browser shows map and report as a reader has them, LibreOffice turns Word into pages. What they show is written to
docs/pictures as PNG of 256 colours, small enough for a page that is read over a slow line.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).parent / "pictures"
#: Name of a picture, page of the demo, width and height of the window, and where in the page to stand.
SCREENS = (
    ("map", "map.html#candidates", (1366, 768), ""),
    ("report", "report.html", (1366, 768), ""),
    ("phone", "report.html", (390, 844), "#concentration-chart"),
)
_WIDE = 1100


def screens(demo: Path, folder: Path) -> None:
    """Take the pictures a browser shows."""
    browser = next(path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, page, (width, height), place in SCREENS:
            tab = opened.new_page(viewport={"width": width, "height": height})
            tab.goto(f"{demo.resolve().as_uri()}/{page}")
            if place:
                tab.locator(f"#f-{place[1:]}").scroll_into_view_if_needed()
            tab.wait_for_timeout(1500)  # the map draws what is in sight
            tab.screenshot(path=folder / f"{name}.png")
            tab.close()
        opened.close()


def paper(demo: Path, folder: Path) -> None:
    """Take the pictures of Word, as LibreOffice lays it out: the first page, the first of the text, one with a map."""
    home = f"-env:UserInstallation={(folder / 'home').as_uri()}"
    _run("soffice", home, "--headless", "--convert-to", "pdf", "--outdir", folder, demo / "report.docx")
    _run("pdftoppm", "-r", "72", "-png", folder / "report.pdf", folder / "word")
    pages = sorted(folder.glob("word-*.png"))
    lying = [one for one in pages if (size := Image.open(one).size)[0] > size[1]]
    _side_by_side([pages[0], pages[3], *lying[:1]], folder / "word.png")


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=300)  # noqa: S603  (named above)


def _side_by_side(files: list[Path], out: Path) -> None:
    pages = [Image.open(one).convert("RGB") for one in files]
    gap, height = 14, max(page.height for page in pages)
    sheet = Image.new("RGB", (sum(page.width + gap for page in pages) + gap, height + 2 * gap), "#c9d1d3")
    left = gap
    for page in pages:
        sheet.paste(page, (left, gap))
        left += page.width + gap
    sheet.save(out)


def main(demo: Path) -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        screens(demo, folder)
        paper(demo, folder)
        for name in ("map", "report", "phone", "word"):
            image = Image.open(folder / f"{name}.png").convert("RGB")
            if image.width > _WIDE:
                size = (_WIDE, round(image.height * _WIDE / image.width))
                image = image.resize(size, Image.Resampling.LANCZOS)
            image.quantize(256, method=Image.Quantize.FASTOCTREE).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
