"""Draw the pictures of docs/serve.md: the page in headless Chromium.

    python docs/make_page.py

Needs Debian's chromium and Playwright from PyPI.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

import tinct

FOLDER = Path(__file__).parent / "page"


def main():
    """Serve, look and write."""
    command = [sys.executable, "-m", "tinct", "serve", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        address = re.search(r"http://\S+", server.stdout.readline())[0]
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            size = {"width": 1400, "height": 900}
            page = browser.new_page(viewport=size, reduced_motion="reduce")
            page.set_default_timeout(60_000)
            page.goto(address)
            draw(page, address)
    finally:
        server.terminate()
        server.wait()


def draw(page, address):
    """One after the other."""
    page.click("#samples button >> nth=0")
    page.wait_for_selector("html[data-whole]", state="attached")
    keep(page, "compress")
    page.click("nav a >> nth=1")
    steps(page, 7)
    keep(page, "why")
    page.goto(f"{address}#points?k=4&data=blobs")
    page.check("#p-compare")
    page.click("button:has-text('How many?')")
    page.wait_for_selector("text=The silhouette is highest")
    steps(page, 20)
    keep(page, "points")


def steps(page, count):
    """Half-steps of K-means."""
    page.wait_for_selector("html[data-step]", state="attached")
    for _ in range(count):
        page.keyboard.press("s")


def keep(page, name):
    """What is seen, as a small file."""
    page.wait_for_timeout(500)
    shot = tinct.compress(page.screenshot(), dither=0)
    shot.save(FOLDER / f"{name}.png", overwrite=True)


if __name__ == "__main__":
    main()
