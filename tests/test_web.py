"""The HTTP API: what it answers is what the library gives, and nothing that comes in upsets it."""

import base64
import io
import json
import re
import zlib
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

import tinct
from painted import photo
from tinct.cli.main import main
from tinct.cli.serve_options import Serve
from tinct.compress.prepared import shrunk
from tinct.options import Compress, declared
from tinct.web.app import application
from tinct.web.asked import CALLS, DRAWN, Call, taken
from tinct.web.body import Room
from tinct.web.files import routes
from tinct.web.kept import Kept
from tinct.web.limits import Limits, Refused

PIXELS = np.array(photo())[:64, :96]
LIMITS = Limits(body=300_000, pixels=200_000, seconds=20, workers=1)


def png(pixels):
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


PHOTO = png(PIXELS)


@pytest.fixture(scope="module")
def client():
    with TestClient(application(LIMITS), base_url="http://127.0.0.1:8323") as found:
        yield found


def report(answer):
    assert answer.status_code == 200, answer.text
    return json.loads(answer.headers["x-tinct-report"])


def refused(answer, status):
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert set(told) == {"error", "reason"}
    assert "\n" not in told["error"]
    return told["error"]


# --- compress -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "how",
    [
        {"colors": 16},
        {"colors": 8, "dither": 0.0, "format": "webp"},
        {"colors": 32, "lossy": 0.3, "format": "gif"},
        {"quality": 40.0},
        {"max_bytes": 2500},
        {"colors": "auto", "space": "srgb", "effort": 0, "seed": 3},
    ],
)
def test_the_file_is_the_one_that_the_library_makes(client, how):
    answer = client.post("/api/compress", params=how, content=PHOTO)
    alone = tinct.compress(PHOTO, **how)
    told = report(answer)
    assert answer.content == alone.data
    assert told["bytes_out"] == len(alone.data)
    assert answer.headers["content-type"] == f"image/{alone.format}"
    assert [bytes.fromhex(color) for color in told["palette"]] == [bytes(c) for c in alone.palette]
    assert sum(told["shares"]) == pytest.approx(1, abs=1e-3)


def test_a_picture_is_sent_once_and_named_from_then_on(client):
    first = report(client.post("/api/compress", content=PHOTO, params={"name": "a b.png"}))
    again = client.post("/api/compress", params={"picture": first["picture_id"], "colors": 8})
    assert report(again)["name"] == "a b.png"
    assert again.content == tinct.compress(PHOTO, 8).data
    text = refused(client.post("/api/compress", params={"picture": "0" * 32}), 410)
    assert "send it again" in text


def test_a_form_does_as_the_query_does(client):
    sent = {"file": ("bird.png", PHOTO, "image/png")}
    answer = client.post("/api/compress", files=sent, data={"colors": "8"})
    assert report(answer)["name"] == "bird.png"
    assert answer.content == tinct.compress(PHOTO, 8).data


def test_the_report_comes_as_json_with_the_file_in_it(client):
    told = client.post("/api/compress", params={"answer": "json", "score": "1"}, content=PHOTO)
    assert base64.b64decode(told.json()["data"]) == tinct.compress(PHOTO).data
    assert told.json()["bands"] in ("none", "slight", "visible")
    assert told.json()["ssimulacra2"] == pytest.approx(
        tinct.compress(PHOTO, ssimulacra2=True).report.ssimulacra2
    )


def test_an_undithered_preview_has_the_colors_that_k_means_chose(client):
    whole = client.post("/api/preview", params={"colors": 8, "dither": 0}, content=PHOTO)
    wanted = tinct.palette(tinct.histogram(PIXELS), 8).colors
    assert [list(bytes.fromhex(color)) for color in report(whole)["palette"]] == wanted.tolist()
    assert len(whole.content) == PIXELS.shape[0] * PIXELS.shape[1]
    half = client.post("/api/preview", params={"colors": 8, "dither": 0, "side": 48}, content=PHOTO)
    assert (report(half)["width"], report(half)["height"]) == (48, 32)
    assert report(half)["palette"] == report(whole)["palette"]


@pytest.mark.parametrize("turned", [1, 6])
def test_a_jpegs_first_preview_tells_of_the_whole_and_looks_like_it(client, turned):
    exif = Image.Exif()
    exif[0x0112] = turned
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG", quality=95, exif=exif)
    how = {"colors": 16, "side": 24}  # a quarter: half of what libjpeg reduces it to
    for _ in range(2):  # in haste, then with the file made
        answer = client.post("/api/preview", params=how, content=stream.getvalue())
        told = report(answer)
        sides = (told["width"], told["height"])
        whole = (told["picture"]["width"], told["picture"]["height"])
        assert (sides, whole) == (((24, 16), (96, 64)), ((16, 24), (64, 96)))[turned == 6]
        colors = np.array([list(bytes.fromhex(color)) for color in told["palette"]])
        seen = colors[np.frombuffer(answer.content, np.uint8)].reshape(*sides[::-1], 3)
        small = shrunk(tinct.read(stream.getvalue()).pixels, 24)
        assert np.abs(seen.mean(axis=(0, 1)) - small.mean(axis=(0, 1))).max() < 6
        assert np.abs(seen.astype(int) - small).mean() < 12
        made = client.post("/api/compress", params={"colors": 16}, content=stream.getvalue())
        assert made.content == tinct.compress(stream.getvalue(), 16).data


def test_the_palette_is_that_of_the_library(client):
    found = client.post("/api/palette", params={"colors": 5}, content=PHOTO).json()["colors"]
    wanted = tinct.palette(tinct.histogram(PIXELS), 5)
    assert [color["rgb"] for color in found] == wanted.colors.tolist()
    assert [color["share"] for color in found] == pytest.approx(wanted.shares, abs=1e-6)
    for format in ("gpl", "ase", "png"):
        file = client.post("/api/palette", params={"colors": 5, "format": format}, content=PHOTO)
        assert file.content == wanted.to_bytes(format)


def test_given_and_reserved_colors_are_those_of_the_library(client):
    for how in ({"palette": "gameboy"}, {"reserve": "#f0f", "colors": "6"}):
        small = client.post("/api/compress", params=how, content=PHOTO)
        same = {name: int(v) if name == "colors" else v for name, v in how.items()}
        assert small.content == tinct.compress(PHOTO, **same).data
        assert client.post("/api/preview", params=how, content=PHOTO).status_code == 200
    for name in ("/etc/passwd", "setup.gpl", "#12"):
        refused = client.post("/api/compress", params={"palette": name}, content=PHOTO)
        assert refused.status_code == 422
        assert refused.json()["error"].startswith("palette must be ")


def test_colors_come_from_palette_files_and_pictures(client):
    ink = tinct.Palette(np.array([[255, 136, 0], [0, 0, 0]], np.uint8), names=("Orange", "Ink"))
    for format in ("gpl", "ase", "hex", "png"):
        sent = client.post(
            "/api/colors", params={"name": f"a.{format}"}, content=ink.to_bytes(format)
        )
        assert [color["hex"] for color in sent.json()["colors"]] == ["ff8800", "000000"]
    text = refused(client.post("/api/colors", params={"name": "a.gpl"}, content=b"no"), 422)
    assert text.startswith("a.gpl: no GPL palette")


def test_an_animation_stays_one_and_its_first_frame_is_the_preview(client):
    film = tinct.Slides([PIXELS, PIXELS[::-1]], 0.5)
    moving = tinct.compress(film, format="gif").data
    for how in ({"colors": 8}, {"colors": 8, "format": "webp"}):
        answer = client.post("/api/compress", params=how, content=moving)
        assert report(answer)["frames"] == 2
        assert answer.content == tinct.compress(moving, **how).data
        assert answer.headers["content-type"] == f"image/{how.get('format', 'gif')}"
        assert report(client.post("/api/preview", params=how, content=moving))["width"] == 96


def test_what_comes_with_a_file_is_kept_or_left_as_the_command_does(client):
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "PNG", dpi=(300, 300))
    for how, metadata in (
        ({}, "density"),
        ({"strip": "1"}, "none"),
        ({"keep-metadata": ""}, "all"),
    ):
        answer = client.post("/api/compress", params=how, content=data.getvalue())
        assert answer.content == tinct.compress(data.getvalue(), metadata=metadata).data
    both = {"strip": "1", "keep_metadata": "1"}
    assert "exclude" in refused(client.post("/api/compress", params=both, content=PHOTO), 422)
    how = {"max_pixels": "6000", "name": "x.png"}
    assert "pixels are more than" in refused(
        client.post("/api/compress", params=how, content=PHOTO), 422
    )
    cut = PHOTO[: len(PHOTO) // 2]
    refused(client.post("/api/compress", content=cut), 422)
    kept = report(client.post("/api/compress", params={"allow_truncated": "1"}, content=cut))
    assert kept["flaw"]


def test_what_browsers_cannot_read_comes_as_png(client):
    data = io.BytesIO()
    Image.fromarray(PIXELS).save(data, "TIFF")
    answer = client.post("/api/original", content=data.getvalue())
    assert answer.status_code == 200, answer.text
    assert np.array_equal(np.array(Image.open(io.BytesIO(answer.content))), PIXELS)


# --- K-means ------------------------------------------------------------------------------------


def test_kmeans_of_points_is_that_of_the_library(client):
    points = np.random.default_rng(1).normal(size=(60, 2)).round(3)
    asked = {"points": points.tolist(), "k": 4, "init": "k-means++", "seed": 5, "labels": True}
    told = client.post("/api/kmeans", json=asked).json()
    run = tinct.kmeans(points, 4, init="k-means++", seed=5, effort=0, tol=0, record=True)
    assert told["labels"] == run.labels.tolist()
    assert told["inertia"] == pytest.approx(run.inertia)
    assert [step["labels"] for step in told["history"]] == [i.labels.tolist() for i in run.history]
    given = client.post("/api/kmeans", json=asked | {"init": told["centers"]}).json()
    assert given["iterations"] <= 2
    assert given["labels"] == told["labels"]


def test_kmeans_of_a_picture_tells_every_step(client):
    told = client.post("/api/kmeans", params={"k": 6, "sample": 50}, content=PHOTO).json()
    inertia = [step["inertia"] for step in told["history"]]
    assert all(a >= b for a, b in pairwise(inertia))
    assert len(told["points"]) == len(told["colors"]) == len(told["weights"]) == 50
    assert told["pixels"] == PIXELS[:, :, 0].size


def test_the_number_of_clusters_is_judged(client):
    corners = [[x + i / 100, y] for i in range(9) for x, y in ((0, 0), (5, 0), (0, 5))]
    told = client.post("/api/kmeans", json={"points": corners, "choose": 6}).json()
    assert told["suggested"] == 3
    assert told["ks"] == [1, 2, 3, 4, 5, 6]


def test_the_steps_come_as_a_film_and_as_a_sheet(client):
    pytest.importorskip("matplotlib")
    kinds = {"webp": b"RIFF", "png": b"\x89PNG"}
    assert set(kinds) <= set(client.get("/api/health").json()["films"])
    for kind, start in kinds.items():
        how = {"k": 2, "kind": kind, "max_iter": 2}
        answer = client.post("/api/film", params=how, content=png(PIXELS[:8, :8]))
        assert answer.content.startswith(start), answer.text
        assert answer.headers["content-type"] == f"image/{kind}"


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "points must be given"),
        ({"points": [[1]], "k": 2}, "k must be 1..1"),
        ({"points": [[1, 2], [3]], "k": 1}, "all rows of one length"),
        ({"points": "abc", "k": 1}, "points must be numbers"),
        ({"points": [[1]], "k": "2"}, "k must be an integer, not str"),
        ({"points": [[1], [2]], "k": 1, "colour": 1}, "there is no option 'colour' here"),
        ({"points": [[1], [2]], "k": 1, "init": "best"}, "init must be one of"),
        ({"points": [[1], [float("1e400")]], "k": 1}, "points|inf"),
    ],
)
def test_wrong_points_are_refused_in_one_sentence(client, asked, text):
    body = json.dumps(asked)
    sent = client.post("/api/kmeans", content=body, headers={"content-type": "application/json"})
    assert re.search(text, refused(sent, 422))


# --- options ------------------------------------------------------------------------------------


def test_the_api_takes_the_options_of_the_command_by_their_names(client):
    described = client.get("/api").json()["paths"]["/api/compress"]["post"]["parameters"]
    named = {parameter["name"] for parameter in described}
    pictures = {"inputs", "output", "out_dir", "suffix", "compare", "as_json", "force", "quiet"}
    files = {"recursive", "include", "exclude", "in_place", "preserve", "jobs", "timeout"}
    files |= {"cluster", "report", "fps", "threads", "keep_profile"}
    ours = {one.attribute for one in declared(Compress)} - pictures - files
    assert ours == set(DRAWN)
    assert named == ours | {"picture", "name", "answer", "progress"}
    assert taken(CALLS["/api/compress"], {"max-bytes": "2k"})["max_bytes"] == 2000


@pytest.mark.parametrize(
    ("option", "value"),
    [("colors", "1000"), ("dither", "much"), ("format", "jpg"), ("effort", "11"), ("seed", "-1")],
)
def test_values_out_of_range_are_refused_in_the_words_of_the_command(client, option, value, capsys):
    text = refused(client.post("/api/compress", params={option: value}, content=PHOTO), 422)
    assert main(["compress", "x.png", f"--{option}", value]) == 2
    assert text in capsys.readouterr().err


def test_options_that_exclude_each_other_and_targets_out_of_reach_are_told(client):
    both = client.post("/api/compress", params={"quality": 70, "lossy": 0.5}, content=PHOTO)
    assert "exclude each other" in refused(both, 422)
    tiny = client.post("/api/compress", params={"max_bytes": 20}, content=PHOTO)
    assert tiny.json()["reason"] == "out of reach"
    assert "there is no option 'colour'" in refused(
        client.post("/api/compress", params={"colour": 2}, content=PHOTO), 422
    )


def test_every_call_is_described(client):
    paths = client.get("/api").json()["paths"]
    assert set(paths) == {*CALLS, "/api/health", "/api/progress"}
    assert isinstance(CALLS["/api/film"], Call)


# --- what must be refused -----------------------------------------------------------------------


def bomb(side):
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head = chunk(b"IHDR", side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0]))
    rows = chunk(b"IDAT", zlib.compress(bytes(100_000)))
    return b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"", 422, "send a picture"),
        (b"hello", 422, "x.png: a text file, not a picture"),
        (PHOTO[:200], 422, "x.png: "),
        (PHOTO[:-30], 422, "x.png: "),
        (bytes(1000), 422, "x.png: not a picture"),
        (bomb(60_000), 422, "pixels are more than"),
        (bomb(1_000), 422, "pixels are more than"),
        (bytes(300_001), 413, "larger than the limit of 300000 bytes"),
    ],
)
def test_bodies_that_are_no_pictures_are_refused(client, body, status, text):
    answer = client.post("/api/compress", params={"name": "x.png"}, content=body)
    assert text in refused(answer, status)
    assert client.post("/api/palette", content=PHOTO).status_code == 200


def test_a_body_that_never_says_its_length_is_measured(client):
    def parts():
        for _ in range(40):
            yield bytes(10_000)

    refused(client.post("/api/compress", content=parts()), 413)


def test_bodies_on_their_way_share_what_room_there_is():
    room = Room(100)
    room.take(60)
    with pytest.raises(Refused, match="too much is being sent"):
        room.take(41)
    assert room.left == 40


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=x", "application/json"]
)
def test_broken_bodies_are_refused(client, kind):
    path = "/api/kmeans" if "json" in kind else "/api/compress"
    answer = client.post(path, content=b'{"points', headers={"content-type": kind})
    assert answer.status_code in (400, 422)
    assert "error" in answer.json()


def test_only_names_of_this_machine_are_served(client):
    for host in ("127.0.0.1:8323", "localhost", "[::1]:80", "192.168.0.7"):
        assert client.get("/api/health", headers={"host": host}).status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "[::1"):
        refused(client.get("/api/health", headers={"host": host}), 421)


def test_pages_of_other_origins_are_not_served(client):
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    ):
        refused(client.post("/api/palette", content=PHOTO, headers=headers), 403)
    own = {"origin": "http://127.0.0.1:8323"}
    answer = client.post("/api/palette", content=PHOTO, headers=own)
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_unknown_paths_and_methods_are_told_in_json(client):
    assert refused(client.get("/nothing"), 404)
    assert refused(client.get("/../pyproject.toml"), 404)
    assert refused(client.get("/api/compress"), 405)


# --- the page's files ---------------------------------------------------------------------------


def test_the_page_has_no_inline_code_and_asks_no_other_machine(client):
    page = client.get("/")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<script(?![^>]*src)|<style|\sstyle=|\son\w+=", page.text)
    for route in routes():
        if route.path.endswith((".js", ".css", ".html")):
            text = client.get(route.path).text
            assert not re.search(r"(?<!http://www.w3.org/2000/)https?://(?!www\.w3)", text)
            for name in re.findall(r'from "\.(/[\w.]+)"|import\("\.(/[\w.]+)"\)', text):
                assert client.get(name[0] or name[1]).status_code == 200


def test_files_are_asked_for_again_only_when_they_changed(client):
    tag = client.get("/main.js").headers["etag"]
    assert client.get("/main.js", headers={"if-none-match": tag}).status_code == 304


# --- memory -------------------------------------------------------------------------------------


def test_what_is_kept_stays_within_its_bytes_and_its_time():
    kept = Kept(100, 60.0)
    for i in range(50):
        kept.put(str(i), i, 30)
        kept.get("48")
    assert kept.size <= 100
    assert kept.get("49") == 49
    old = Kept(100, 0.0)
    old.put("a", 1, 1)
    assert old.get("a") is None
    assert old.size == 0


def test_the_command_declares_the_limits_as_they_are():
    usual = {one.attribute: one.default for one in declared(Serve)}
    limits = Limits()
    assert (usual["max_body"], usual["time_limit"]) == (limits.body, limits.seconds)
    assert (usual["max_pixels"] * 1e6, usual["cache"]) == (limits.pixels, limits.cache)
    assert usual["max_requests"] == limits.requests
