"""The page in a real browser: headless Chromium, driven by Playwright, asking a real server."""

import io
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tinct
from painted import alpha, photo
from test_web import png
from test_web_process import serving

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(
    BROWSER is None,
    reason="NO BROWSER: the page is not tested; apt-get install chromium, as .ci/run does",
)
PHOTO, ICON = png(np.array(photo())[:200, :300]), png(np.array(alpha()))


# From 2 to 256 in half a second, a move in each frame.
DRAG = """() => new Promise((done) => {
  const [slider, start] = [document.getElementById("k"), performance.now()];
  const move = () => {
    slider.value = Math.min(1000, 2 * (performance.now() - start));
    slider.dispatchEvent(new Event("input"));
    slider.value < 1000 ? requestAnimationFrame(move) : done();
  };
  move();
})"""


@pytest.fixture(scope="module")
def address():
    with serving("--workers", "2") as server:
        yield f"http://127.0.0.1:{server.port}/"


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        found = play.chromium.launch(
            executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


@pytest.fixture(scope="module")
def window(browser):
    """One window for all tests, and lists of what it said and of whom it asked."""
    context = browser.new_context(reduced_motion="reduce")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    found = context.new_page()
    found.set_default_timeout(15_000)
    said, asked = [], []
    found.on("console", lambda m: said.append(m.text) if m.type in ("error", "warning") else None)
    found.on("pageerror", lambda error: said.append(str(error)))
    found.on("request", lambda request: asked.append(request.url))
    yield found, said, asked
    context.close()


@pytest.fixture
def page(window, address):
    """The page, freshly opened. It may not complain, nor ask another machine."""
    found, said, asked = window
    said.clear()
    asked.clear()
    found.set_viewport_size({"width": 1200, "height": 800})
    found.goto("about:blank")
    found.goto(address)
    found.wait_for_selector("html[data-ready]")
    yield found
    ours = (address, f"blob:{address}", "about:")
    assert not [url for url in asked if not url.startswith(ours)]
    assert not [text for text in said if "422" not in text]  # a picture refused is no mistake


def drop(page, *files):
    page.set_input_files(
        "#pick", [{"name": n, "mimeType": "image/png", "buffer": b} for n, b in files]
    )


def whole(page):
    page.wait_for_selector("html[data-whole]", state="attached")


def press(page, *keys):
    """Press keys, and wait for the file that comes of them."""
    page.evaluate("delete document.documentElement.dataset.whole")
    for key in keys:
        page.keyboard.press(key)
    whole(page)


def downloaded(page, button="#download"):
    with page.expect_download() as found:
        page.click(button)
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def copied(page, what):
    page.click("#copy-open")
    page.click(f"#copy-{what}")
    return page.evaluate("navigator.clipboard.readText()")


def choose(page, option, value):
    page.evaluate("delete document.documentElement.dataset.whole")
    if page.is_hidden("#drawer"):
        page.click("#options-open")
    page.select_option(f"#o-{option}", value)


def test_a_sample_opens_and_its_numbers_are_told(page):
    page.click("#samples button >> nth=0")
    whole(page)
    assert page.inner_text("#k-now") == "8"
    assert re.fullmatch(r"75 kB → \d+ kB \W\d+ %", page.inner_text("#bytes"))
    assert "looks" in page.inner_text("#looks")
    assert "8 colors on the right" in page.get_attribute("#canvas", "aria-label")


def test_the_file_the_command_and_python_agree_to_the_byte(page, tmp_path):
    drop(page, ("it's a photo.png", PHOTO))
    (tmp_path / "it's a photo.png").write_bytes(PHOTO)
    whole(page)
    choose(page, "format", "webp")
    whole(page)
    page.evaluate("delete document.documentElement.dataset.whole")
    page.fill("#o-dither", "0.4")
    whole(page)
    name, data = downloaded(page)
    command, python = copied(page, "command"), copied(page, "python")
    made = tmp_path / name
    shell = command.replace("tinct", f"'{sys.executable}' -m tinct", 1)
    subprocess.run(shell, shell=True, check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
    assert made.read_bytes() == data
    made.unlink()
    subprocess.run([sys.executable, "-c", python], check=True, cwd=tmp_path)
    assert made.read_bytes() == data
    assert command == "tinct compress 'it'\\''s a photo.png' -k 16 --dither 0.4 --format webp"


def test_an_animation_plays_and_its_file_is_what_command_and_python_write(page, tmp_path):
    frames = [np.array(photo())[at : at + 60, :80] for at in (0, 8, 30)]
    moving = tinct.compress(tinct.Slides(frames, 0.1), format="gif").data
    page.set_input_files("#pick", [{"name": "a.gif", "mimeType": "image/gif", "buffer": moving}])
    (tmp_path / "a.gif").write_bytes(moving)
    whole(page)
    assert "an animation of 3 frames" in page.inner_text("#looks")
    page.wait_for_selector("#play")
    page.keyboard.press("p")
    page.wait_for_selector("#play[aria-label=Pause]")
    page.click("#options-open")
    page.select_option("#o-metadata", "none")
    page.check("#o-allow_truncated")
    assert downloaded(page) == ("a-tinct.gif", tinct.compress(moving, 16, metadata="none").data)
    command, python = copied(page, "command"), copied(page, "python")
    assert command == "tinct compress a.gif -k 16 --strip --allow-truncated"
    run = [sys.executable, "-c", python]
    subprocess.run(run, check=True, cwd=tmp_path)
    assert (tmp_path / "a-tinct.gif").read_bytes() == tinct.compress(moving, 16).data


def test_a_palette_file_that_is_dropped_is_drawn_with(page):
    drop(page, ("a.png", PHOTO), ("ink.gpl", b"GIMP Palette\n#\n255 136 0 O\n0 0 0 I\n9 9 99 B\n"))
    page.wait_for_selector("text=Drawn with the 3 colors of ink.gpl.")
    whole(page)
    page.click("#options-open")
    page.check("#o-keep_order")
    how = {"palette": "ff8800,000000,090963", "keep_order": True}
    assert downloaded(page)[1] == tinct.compress(PHOTO, **how).data
    assert copied(page, "command").endswith(f"--palette {how['palette']} --keep-order")


def test_keys_move_k_and_undo_takes_it_back(page):
    drop(page, ("a.png", PHOTO))
    whole(page)
    press(page, "ArrowRight", "ArrowRight", "Shift+ArrowRight")
    assert page.inner_text("#k-now") == "28"
    assert page.get_attribute("#k", "aria-valuetext") == "28 colors"
    assert downloaded(page)[1] == tinct.compress(PHOTO, 28).data
    press(page, "Control+z")
    assert page.inner_text("#k-now") == "16"


def test_a_link_brings_its_settings_along(page, address):
    page.goto(f"{address}?colors=5&dither=0&format=gif")
    page.wait_for_selector("html[data-ready]")
    drop(page, ("a.png", PHOTO))
    whole(page)
    assert downloaded(page) == (
        "a-tinct.gif",
        tinct.compress(PHOTO, 5, dither=0.0, format="gif").data,
    )
    assert page.url.endswith("?colors=5&dither=0&format=gif#compress")


def test_an_aim_makes_the_file_that_the_command_makes(page):
    drop(page, ("a.png", PHOTO))
    whole(page)
    choose(page, "aim", "size")
    page.fill("#o-max_bytes", "9k")
    page.keyboard.press("Enter")
    whole(page)
    page.wait_for_selector("#progress", state="hidden")
    page.wait_for_timeout(700)
    whole(page)
    assert copied(page, "command") == "tinct compress a.png --max-bytes 9k"
    assert len(downloaded(page)[1]) <= 9000


def test_a_color_is_shown_where_it_is(page):
    drop(page, ("icon.png", ICON))
    whole(page)
    page.click("#options-open")
    page.wait_for_selector("#drawer .swatches button")
    page.click("#drawer .swatches button >> nth=3")
    text = page.inner_text("#swatch span")
    assert re.fullmatch(r"#[0-9a-f]{6,8} · \S+( 0\.1)? % of the pixels", text)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    assert page.is_hidden("#swatch")


def test_a_color_is_pinned_and_another_replaced_in_the_file_the_lines_and_the_link(page):
    drop(page, ("a.png", PHOTO))
    whole(page)
    page.click("#options-open")
    page.wait_for_selector("#drawer .swatches button")
    page.click("#drawer .swatches button >> nth=3")
    pinned = page.inner_text("#swatch span >> nth=0")[1:7]
    page.evaluate("delete document.documentElement.dataset.whole")
    page.click("#swatch button:has-text('Pin')")
    whole(page)
    press(page, "ArrowLeft", "ArrowLeft")
    assert downloaded(page)[1] == tinct.compress(PHOTO, 14, reserve=pinned).data
    assert copied(page, "command") == f"tinct compress a.png -k 14 --reserve {pinned}"
    assert page.inner_text("#swatch span >> nth=0")[1:7] == pinned
    page.evaluate("delete document.documentElement.dataset.whole")
    near = f"#{int(pinned, 16) ^ 0x040404:06x}"
    page.fill("#swatch input[type=color]", near)
    whole(page)
    page.wait_for_selector(f"text=/^{near}/")
    palette = copied(page, "python").split('palette="')[1].split('"')[0]
    assert pinned not in palette
    assert f"palette={palette.replace(',', '%2C')}" in page.url
    assert downloaded(page)[1] == tinct.compress(PHOTO, palette=palette).data
    page.click("#undo")
    assert page.inner_text("#k-now") == "14"


def test_a_palette_by_name_draws_and_comes_as_any_file(page, address):
    page.goto(f"{address}?palette=gameboy")
    page.wait_for_selector("html[data-ready]")
    drop(page, ("a.png", PHOTO))
    whole(page)
    small = tinct.compress(PHOTO, palette="gameboy")
    assert downloaded(page)[1] == small.data
    assert page.inner_text("#k-now") == str(len(small.palette))
    page.click("#copy-open")
    page.select_option("#palette-format", "ase")
    name, data = downloaded(page, "#save-palette")
    assert (name, data) == ("a.ase", tinct.Palette(small.palette).to_bytes("ase"))
    press(page, "ArrowRight")
    assert downloaded(page)[1] == tinct.compress(PHOTO, 17).data


def test_views_and_keys_of_the_stage_work(page):
    drop(page, ("a.png", PHOTO))
    whole(page)
    for key in ("d", "d", "l", "l", "f", "g", "3"):
        page.keyboard.press(key)
    assert page.inner_text("#zoom") == "300 %"
    page.focus("#divider")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#divider", "aria-valuenow") == "52"
    page.keyboard.press("?")
    assert "undo" in page.inner_text("#help")


def test_several_files_each_have_their_state_and_come_as_a_zip(page):
    broken = ("broken.png", b"\x89PNG\r\n\x1a\nno")
    tiny = tinct.compress(png(np.zeros((1, 1, 3), np.uint8))).data
    drop(page, broken, ("a.png", PHOTO), ("b.png", ICON), ("a.png", PHOTO), ("tiny.png", tiny))
    page.wait_for_selector("text=/^5 files, 1 failed/")
    whole(page)
    assert page.inner_text("#files li >> nth=0").split()[:2] == ["broken.png", "failed"]
    assert "broken.png: a broken PNG file" in page.inner_text("#notice")
    _, data = downloaded(page)
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        assert found.testzip() is None
        names = ["a-tinct.png", "b-tinct.png", "a-tinct-2.png", "tiny.png"]
        assert found.namelist() == names
        assert found.read("a-tinct.png") == tinct.compress(PHOTO, 16).data
        assert found.read("tiny.png") == tiny  # already small: left as it is
    page.click("#copy-open")
    assert downloaded(page, "#save-one") == ("a-tinct.png", tinct.compress(PHOTO, 16).data)


def test_what_is_no_picture_is_told_and_the_page_goes_on(page):
    drop(page, ("notes.txt", b"hello"))
    page.wait_for_selector("#notice.error")
    assert page.inner_text("#notice") == "notes.txt: a text file, not a picture"
    assert page.is_visible("#empty")
    drop(page, ("a.png", PHOTO))
    whole(page)


def test_a_format_that_the_browser_cannot_read_is_shown_all_the_same(page):
    data = io.BytesIO()
    Image.fromarray(np.array(photo())[:90, :120]).save(data, "TIFF")
    drop(page, ("scan.tiff", data.getvalue()))
    whole(page)
    assert page.is_visible("#divider")


def test_a_drag_of_the_slider_leaves_no_queue_behind(page):
    drop(page, ("a.png", PHOTO))
    whole(page)
    asked = []
    page.on("request", lambda r: asked.append(r.url))
    page.evaluate("delete document.documentElement.dataset.whole")
    page.evaluate(DRAG)
    whole(page)
    assert downloaded(page)[1] == tinct.compress(PHOTO, 256).data
    assert sum("/api/compress" in url for url in asked) <= 3
    assert 2 <= sum("/api/preview" in url for url in asked) < 60


def test_points_are_stepped_through_and_the_inertia_never_rises(page, address):
    page.goto(f"{address}#points?k=4&data=moons")
    page.wait_for_selector("html[data-step]", state="attached")
    sentences, inertia = [], []
    for _ in range(100):
        page.keyboard.press("s")
        sentences.append(page.inner_text(".sentence"))
        inertia.append(float(page.inner_text(".pane .tag").removeprefix("inertia ")))
        if "converged" in sentences[-1]:
            break
    assert sentences[0] == "Assign: each of the 300 points takes its nearest center."
    assert sentences[1].startswith("Move: center")
    assert re.fullmatch(r"Nothing changed: it has converged, after \d+ iterations\.", sentences[-1])
    assert inertia == sorted(inertia, reverse=True)
    page.keyboard.press("b")
    assert page.inner_text(".sentence") == sentences[-2]


def test_centers_go_where_a_hand_puts_them_and_two_starts_stand_side_by_side(page, address):
    page.goto(f"{address}#points?k=3")
    page.wait_for_selector("html[data-step]", state="attached")
    page.focus("#points .pane canvas")
    page.keyboard.press("Shift+ArrowUp")

    assert page.input_value("#p-start") == "hand"
    page.check("#p-compare")
    page.wait_for_selector("#points .pane >> nth=1")
    page.click("#points button:has-text('How many?')")
    page.wait_for_selector("text=The silhouette is highest at K =")


def test_the_cloud_shows_why_these_colors(page):
    drop(page, ("icon.png", ICON))
    whole(page)
    page.click("nav a >> nth=1")
    page.wait_for_selector("html[data-step]", state="attached")
    for _ in range(3):
        page.keyboard.press("s")
    assert page.inner_text("#why .sentence").startswith("Assign: ")
    assert page.locator("#why .centers button").count() == 16
    page.click("#why .centers button >> nth=2")
    assert page.inner_text("#why .told p >> nth=0").startswith("Center 3 is #")
    page.keyboard.press("b")
    assert page.inner_text("#why .sentence").startswith("Move: ")


@pytest.mark.parametrize("width", [360, 3840])
def test_nothing_is_wider_than_the_window(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    drop(page, ("a.png", PHOTO))
    whole(page)
    for view in range(3):
        page.click(f"nav a >> nth={view}")
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate("document.body.scrollWidth") == width


def test_whatever_can_be_pressed_has_a_name(page):
    drop(page, ("a.png", PHOTO), ("b.png", ICON))
    whole(page)
    page.click("#options-open")
    tree = page.locator("body").aria_snapshot()
    assert not re.search(r"- (button|slider|link|combobox|checkbox)$", tree, re.M), tree


def test_a_download_waits_for_what_was_asked_last(page):
    drop(page, ("a.png", PHOTO))
    whole(page)
    page.focus("#k")
    page.keyboard.press("ArrowRight")  # and at once:
    assert downloaded(page)[1] == tinct.compress(PHOTO, 17).data


def test_a_finger_adds_a_point_by_a_tap_and_moves_it_by_a_drag(page, address):
    page.goto(f"{address}#points?k=1&data=empty")
    page.wait_for_selector("#points .pane canvas")
    box = page.locator("#points .pane canvas").bounding_box()
    fingers = page.context.new_cdp_session(page)

    def touch(*places):
        at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in places]
        for kind, some in (("touchStart", at[:1]), *[("touchMove", [to]) for to in at[1:]]):
            points = [{"x": x, "y": y} for x, y in some]
            fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    touch((0.5, 0.4))
    touch((0.5, 0.6))
    page.wait_for_selector("#points canvas[aria-label^='Plane with 2 points']")
    for _ in range(2):  # the center goes to the middle
        page.keyboard.press("s")
    before = float(page.inner_text("#points .pane .tag").removeprefix("inertia "))
    touch((0.5, 0.4), (0.5, 0.5), (0.5, 0.55))  # a quarter of the way is left
    page.wait_for_timeout(300)
    for _ in range(3):
        page.keyboard.press("s")
    after = float(page.inner_text("#points .pane .tag").removeprefix("inertia "))
    assert after == pytest.approx(before / 16, rel=0.02)
    assert page.get_attribute("#points .pane canvas", "aria-label").startswith("Plane with 2 ")
