"""How quickly the page answers, in headless Chromium: medians of 20.

    python -m bench.page [PICTURE ...]

For each picture: from the drop to the first preview; from a large K to 16 or fewer that were not
seen before, to the new picture on screen and to the whole file; then the slider is dragged from 2
to 256 in two seconds, and what is told is how long after the last move its preview came. Worst
cases stand in brackets. The longest task of the main thread is from the browser's own trace, by
the clock and by its CPU time, which other work on the machine does not stretch. No request may
leave this machine.
"""

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROUNDS = 20
FEW = 10  # rounds with one picture: its colors are 16 to 7, in indices of 4 bits
SAMPLE = Path(__file__).parent.parent / "src/tinct/web/static/samples/palace.jpg"


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
            print("| picture | drop to preview | new K | whole file | longest task | drag | load |")
            print("|---|---|---|---|---|---|---|")
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
    for round in range(ROUNDS):
        if round == FEW:
            dropped(page, picture, ROUNDS)
            wait(page, "whole")
            browser.start_tracing(page=page, categories=["toplevel"])
        set_k(page, 255 - round)
        wait(page, "whole")
        page.wait_for_timeout(300)
        start = now(page)
        set_k(page, 16 - round % FEW)  # not one that was seen, or made ahead
        wait(page, "shown")
        previews.append(mark(page, "shown") - start)
        wait(page, "whole")
        wholes.append(mark(page, "whole") - start)
    left = drag(page)
    clock, cpu = longest(browser.stop_tracing())
    cells = [f"{statistics.median(c):.0f} ms ({max(c):.0f})" for c in (drops, previews, wholes)]
    cells += [f"{clock:.0f} ms ({cpu:.0f} CPU)", f"{left:.0f} ms"]
    print(f"| {Path(picture).name} | {' | '.join(cells)} | {os.getloadavg()[0]:.0f} |", flush=True)
    assert not strangers, strangers


def fresh(browser, address, strangers):
    page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
    page.on(
        "request",
        lambda r: strangers.append(r.url) if not r.url.startswith((address, "blob:")) else None,
    )
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


def longest(trace):
    """The longest task of the pages' main threads, by the clock and by CPU time, in ms."""
    events = json.loads(trace)["traceEvents"]
    names = [e for e in events if e["name"] == "thread_name"]
    main = {(e["pid"], e["tid"]) for e in names if e["args"]["name"] == "CrRendererMain"}
    tasks = [e for e in events if "RunTask" in e["name"] and (e["pid"], e["tid"]) in main]
    return (max(e.get(kind, 0) for e in tasks) / 1000 for kind in ("dur", "tdur"))


def wait(page, what):
    page.wait_for_selector(f"html[data-{what}]", timeout=60000, state="attached")


def now(page):
    return page.evaluate("performance.now()")


def mark(page, what):
    return page.evaluate("(w) => performance.getEntriesByName(`tinct-${w}`).at(-1).startTime", what)


if __name__ == "__main__":
    main(sys.argv[1:] or [SAMPLE])
