"""How quickly the page answers, in headless Chromium: medians of 20.

    python -m bench.page [PICTURE ...]

For each picture: from the drop to the first preview; from a large K to a small one that was not
seen before, to the new picture on screen and to the whole file; then the slider is dragged from 2
to 256 in two seconds. Says the longest task of the main thread, and which requests left this
machine.
"""

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROUNDS = 20
SAMPLE = Path(__file__).parent.parent / "src/tinct/web/static/samples/palace.jpg"
WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration);
}).observe({ type: "longtask", buffered: true });
"""


def main(pictures):
    server = subprocess.Popen(
        [sys.executable, "-m", "tinct", "serve", "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        address = re.search(r"http://\S+", server.stdout.readline())[0]
        with sync_playwright() as play:
            browser = play.chromium.launch(
                executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                args=["--no-sandbox", "--disable-gpu"],
            )
            print("| picture | drop to preview | K to preview | to whole | longest task | drag |")
            print("|---|---|---|---|---|---|")
            for picture in pictures:
                measure(browser, address, picture)
    finally:
        server.terminate()
        server.wait()


def measure(browser, address, picture):
    strangers, drops, previews, wholes = [], [], [], []
    page = fresh(browser, address, strangers)
    for round in range(ROUNDS):
        drops.append(dropped(page, picture, round))
    wait(page, "whole")
    page.evaluate("window.longest = 0")
    for round in range(ROUNDS):
        set_k(page, 255 - round)
        wait(page, "whole")
        page.wait_for_timeout(300)
        start = now(page)
        set_k(page, 17 + 2 * round)  # not one that was seen, or made ahead
        wait(page, "shown")
        previews.append(mark(page, "shown") - start)
        wait(page, "whole")
        wholes.append(mark(page, "whole") - start)
    longest = page.evaluate("window.longest")
    left = drag(page)
    cells = [f"{statistics.median(c):.0f} ms" for c in (drops, previews, wholes)]
    print(
        f"| {Path(picture).name} | {' | '.join(cells)} | {longest:.0f} ms | {left:.0f} ms |",
        flush=True,
    )
    assert not strangers, strangers


def fresh(browser, address, strangers):
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.on(
        "request",
        lambda r: strangers.append(r.url) if not r.url.startswith((address, "blob:")) else None,
    )
    page.add_init_script(WATCH)
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    return page


def dropped(page, picture, round):
    """A picture with other bytes each time, so that nothing is known of it."""
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("html[data-ready]")
    data = Path(picture).read_bytes() + bytes([round])
    page.set_input_files(
        "#pick", {"name": Path(picture).name, "mimeType": "image/jpeg", "buffer": data}
    )
    wait(page, "shown")
    return mark(page, "shown") - mark(page, "dropped")


def set_k(page, k):
    page.evaluate(
        """(k) => {
          for (const name of ["shown", "whole"]) delete document.documentElement.dataset[name];
          const slider = document.getElementById("k");
          slider.value = 1000 * Math.log2(k / 2) / 7;
          slider.dispatchEvent(new Event("input"));
        }""",
        k,
    )


def drag(page):
    """From 2 to 256 in two seconds; how long after the last move the last picture came."""
    page.evaluate(
        """() => new Promise((done) => {
          const slider = document.getElementById("k");
          const start = performance.now();
          const move = () => {
            const t = Math.min(1, (performance.now() - start) / 2000);
            slider.value = 1000 * t;
            slider.dispatchEvent(new Event("input"));
            if (t < 1) requestAnimationFrame(move);
            else done();
          };
          delete document.documentElement.dataset.whole;
          move();
        })"""
    )
    start = now(page)
    wait(page, "whole")
    return mark(page, "shown") - start


def wait(page, what):
    page.wait_for_selector(f"html[data-{what}]", timeout=60000, state="attached")


def now(page):
    return page.evaluate("performance.now()")


def mark(page, what):
    return page.evaluate("(w) => performance.getEntriesByName(`tinct-${w}`).at(-1).startTime", what)


if __name__ == "__main__":
    main(sys.argv[1:] or [SAMPLE])
