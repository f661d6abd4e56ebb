// The compressor: a picture, its preview at once, the whole file when the hand rests.
import { call, follow, Latest } from "./api.js";
import { aside } from "./aside.js";
import { Band, fromSlider, toSlider } from "./band.js";
import { $, make, notice } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Drawing } from "./drawing.js";
import { copy } from "./exits.js";
import { Film } from "./film.js";
import { tellNumbers } from "./numbers.js";
import { PictureFile, Strip } from "./pictures.js";
import * as settings from "./settings.js";
import { Stage } from "./stage.js";
import { words } from "./words.js";

const REST = 150; // ms without a move, after which the whole file is made
const AGAIN = 30; // ms, where a preview is still to come
const SCORED = 2e6; // pixels: of larger pictures the score comes later, by itself
const SIDE = 1024;
const SEEN = 24; // drawings kept, of at most a megabyte each
const IDLE = 600; // ms after the whole file
const START = 400; // ms in which the first preview has the machine for itself

export class Compressor {
  constructor(limits, films) {
    this.limits = limits;
    this.films = films; // kinds that the server can make of K-means
    this.files = [];
    this.file = null;
    this.drawing = null;
    this.chosen = null;
    this.seen = new Map(); // drawings of this file by what was asked
    this.previews = new Latest(400);
    this.wholes = new Latest(0);
    this.stage = new Stage((p) => this.pickPixel(p));
    this.band = new Band((k) => this.setK(k), (hex) => this.choose(hex));
    this.film = new Film(this.stage);
    this.drawer = new Drawer((hex) => this.choose(hex), (own) => this.setOwn(own), (file) => this.drawWith(file));
    this.strip = new Strip((file) => this.show(file), (file) => this.remove(file));
    settings.listen((why) => this.settled(why));
    $("k").addEventListener("input", () => this.setK(fromSlider(Number($("k").value))));
    this.settled("start");
  }

  // --- files ---

  add(blobs) {
    mark("dropped", blobs.length);
    const added = [];
    for (const blob of blobs) {
      if (blob.size > this.limits.body) notice(words.tooLarge(blob.name, this.limits.body), true);
      else added.push(new PictureFile(blob, blob.name || "pasted.png"));
    }
    if (!added.length) return;
    this.files.push(...added);
    this.show(added[0]);
    this.fill();
  }

  async show(file) {
    delete document.documentElement.dataset.whole;
    this.previews.stop();
    this.wholes.stop();
    this.film.show(null);
    this.file = file;
    this.drawing = this.staged = null;
    this.seen.clear();
    this.choose(null);
    $("empty").hidden = true;
    $("bar").hidden = $("add").hidden = false;
    $("title").textContent = file.name;
    const previewed = new Promise((done) => {
      this.previewed = done;
      setTimeout(done, START);
    });
    settings.show(file.own); // asks for a preview
    await previewed;
    if (this.file !== file) return;
    try {
      const bitmap = await file.decode();
      if (this.file !== file) return bitmap.close();
      const { width, height } = file.pixels ?? bitmap;
      if (this.staged === file) this.stage.join(bitmap);
      else this.stage.show(bitmap, width, height);
      this.staged = file;
    } catch (error) {
      if (this.file === file) this.failed(file, error);
    }
  }

  remove(file) {
    const at = this.files.indexOf(file);
    this.files.splice(at, 1);
    if (this.file === file && this.files.length) this.show(this.files[Math.min(at, this.files.length - 1)]);
    this.strip.update(this.files, this.file);
  }

  next(by) {
    if (this.files.length < 2) return;
    const n = this.files.length;
    this.show(this.files[(this.files.indexOf(this.file) + by + n) % n]);
  }

  // Works through the files that are not shown, a few at a time; what is shown goes first.
  fill() {
    clearTimeout(this.filling);
    this.filling = setTimeout(() => {
      this.round?.abort();
      this.round = new AbortController();
      for (let i = 0; i < Math.min(4, this.limits.processes); i++) this.lane(this.round.signal);
    }, this.files.length > 1 ? 500 : 0);
    this.strip.update(this.files, this.file);
  }

  async lane(signal) {
    while (!signal.aborted) {
      const file = this.files.find((f) => f !== this.file && !f.busy && f.error === null && !isFresh(f));
      if (!file) return;
      await this.whole(file, signal).catch((error) => error.name !== "AbortError" && (file.error = error.message));
      this.strip.update(this.files, this.file);
    }
  }

  // --- what was asked for ---

  setK(k) {
    const now = settings.current();
    const colors = Math.min(256, Math.max(2, k));
    const aim = now.aim === "lossy" ? "lossy" : "colors";
    if (colors !== now.colors || aim !== now.aim || now.palette) settings.set({ colors: Math.max(colors, settings.pins().length), aim, palette: "" });
  }

  // The colors of a palette file, or of a picture, become those to draw with.
  async drawWith(blob) {
    try {
      const { told } = await call("/api/colors", {}, { blob, name: blob.name, key: null });
      const { aim } = settings.current();
      settings.set({ palette: told.colors.map(({ hex }) => settings.plain(hex)).join(), aim: settings.QUICK.includes(aim) ? aim : "colors" });
      notice(words.drawnWith(blob.name, told.colors.length));
    } catch (error) {
      notice(error.message, true);
    }
  }

  setOwn(yes) {
    this.file.own = yes ? { ...settings.common() } : null;
    settings.show(this.file.own);
    this.fill();
  }

  // Settings have changed, or those of another file hold.
  settled(why) {
    const s = settings.current();
    if (!s.palette) $("k-now").textContent = words.kNow(s.colors);
    const k = $("k");
    if (fromSlider(Number(k.value)) !== s.colors) k.value = toSlider(s.colors);
    k.setAttribute("aria-valuetext", words.kSaid(s.colors));
    $("undo").disabled = !settings.canUndo();
    this.drawer.update(this.files.length);
    if (!this.file) return;
    this.file.error = null;
    this.refresh();
    if (why === "show") return;
    for (const file of this.files) file.error = null; // they may do now
    this.fill();
  }

  refresh() {
    const { file } = this;
    const s = settings.current();
    clearTimeout(this.rest);
    this.wholes.stop();
    const quick = settings.QUICK.includes(s.aim);
    if (quick || !this.drawing) this.previews.ask((signal) => this.preview(file, s, signal));
    const rest = () => {
      // Beside a preview the file would have half of the machine, and a process that may not know the picture.
      if (this.drawing && !this.previews.running) this.wholes.ask((signal) => this.showWhole(file, signal));
      else if (!file.error) this.rest = setTimeout(rest, AGAIN);
    };
    this.rest = setTimeout(rest, quick ? REST : 2 * REST);
  }

  // --- answers ---

  async preview(file, s, signal) {
    try {
      const drawing = await this.drawn(file, s, signal);
      if (this.file !== file) return;
      const bitmap = await drawing.bitmap();
      if (this.file !== file || signal.aborted) return bitmap.close();
      this.shown(file, drawing, bitmap);
      mark("shown", drawing.palette.length);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.failed(file, error);
    } finally {
      if (this.file === file) this.previewed();
    }
  }

  // The drawing for these settings; those seen lately are still here.
  async drawn(file, s, signal) {
    const { quality, max_bytes, keep_metadata, strip, ...options } = settings.query(s);
    const key = JSON.stringify(options);
    let drawing = this.seen.get(key);
    if (!drawing) {
      const { told, answer } = await call("/api/preview", { ...options, side: SIDE }, file, signal);
      drawing = new Drawing(new Uint8Array(await answer.arrayBuffer()), told.width, told.height, told.palette);
      file.pixels = { width: told.picture.width, height: told.picture.height };
    }
    if (this.file === file) {
      this.seen.delete(key);
      this.seen.set(key, drawing); // now the latest
      if (this.seen.size > SEEN) this.seen.delete(this.seen.keys().next().value);
    }
    return drawing;
  }

  // A new picture under the divider; the old one stayed until now.
  shown(file, drawing, bitmap) {
    this.film.show(null);
    this.drawing = drawing;
    const { width, height } = file.pixels;
    if (this.staged !== file) this.stage.show(null, width, height); // its original is still to come
    this.staged = file;
    this.stage.set({ result: bitmap });
    this.band.set(drawing.palette, drawing.shares);
    if (settings.current().palette) $("k-now").textContent = words.kNow(drawing.palette.length);
    this.choose(this.chosen && drawing.nearest(this.chosen));
    if (this.wanted && settings.plain(this.chosen) !== this.wanted) notice(words.unused(this.wanted));
    this.wanted = null;
    $("canvas").setAttribute("aria-label", words.picture(file.name, width, height, drawing.palette.length));
  }

  async whole(file, signal, score, more = {}) {
    const key = asked(file);
    file.busy = true;
    this.strip.update(this.files, this.file);
    try {
      const options = { ...JSON.parse(key), ...(score ? { score: true } : {}), ...more };
      const { told, answer } = await call("/api/compress", options, file, signal);
      const blob = await answer.blob();
      file.result = { asked: key, blob, report: told };
      file.error = null;
    } finally {
      file.busy = false;
    }
  }

  async showWhole(file, signal) {
    const late = setTimeout(() => ($("progress").hidden = false), 400);
    const few = file.pixels && file.pixels.width * file.pixels.height <= SCORED;
    try {
      const known = isFresh(file) && (!few || file.result.report.ssimulacra2 !== null);
      if (!known) await this.searched(file, signal, few);
      const { report, blob } = file.result;
      const { width, height } = this.drawing;
      const bitmap = await aside("decode", { blob, drawing: { palette: report.palette, width, height } });
      if (this.file !== file || signal.aborted) return bitmap.close();
      this.shown(file, new Drawing(bitmap.indices, width, height, report.palette, report.shares), bitmap);
      if (report.frames > 1) this.film.show([file.blob, blob]);
      tellNumbers(file);
      mark("whole", file.name);
      this.goOn(file);
    } catch (error) {
      if (error.name !== "AbortError") this.failed(file, error);
    } finally {
      clearTimeout(late);
      $("progress").hidden = true;
      this.strip.update(this.files, this.file);
    }
  }

  // The whole file, and meanwhile which drawing a search is at.
  async searched(file, signal, score) {
    const [progress, done] = [`${performance.timeOrigin}-${performance.now()}`, new AbortController()];
    const box = $("drawing");
    const { aim } = file.own ?? settings.common();
    if (!settings.QUICK.includes(aim)) {
      const say = (text) => {
        box.textContent = text;
        $("progress").setAttribute("aria-valuetext", text);
      };
      box.hidden = false;
      say(words.searching);
      follow(progress, done.signal, ({ drawings, bytes }) => say(words.drawing(drawings, bytes)));
    }
    try {
      await this.whole(file, signal, score, { progress });
    } finally {
      done.abort();
      box.hidden = true;
    }
  }

  // When nothing else is to be done: the neighbours of K ahead, and the score of a large picture, which takes seconds.
  goOn(file) {
    clearTimeout(this.rest);
    this.rest = setTimeout(() => this.wholes.ask(async (signal) => {
      const s = settings.current();
      const near = s.aim === "colors" && !s.palette ? [s.colors + 1, s.colors - 1].filter((k) => k >= Math.max(2, settings.pins(s).length) && k <= 256) : [];
      for (const colors of near) await this.drawn(file, { ...s, colors }, signal);
      if (file.result.report.ssimulacra2 !== null) return;
      await this.whole(file, signal, true);
      if (this.file === file && !signal.aborted) tellNumbers(file);
    }), IDLE);
  }

  // When these files are what was asked for last, or have failed.
  async finished(files) {
    while (!files.every((f) => f.error !== null || isFresh(f))) await new Promise((done) => setTimeout(done, 30));
  }

  failed(file, error) {
    file.error = error.message;
    notice(error.message, true);
    $("progress").hidden = true;
    this.strip.update(this.files, this.file);
    const better = this.files.find((f) => f.error === null);
    if (error.reason === "not a picture" && this.file === file && !file.pixels) better ? this.show(better) : this.empty();
  }

  // Nothing is open any more.
  empty() {
    this.files = [];
    this.file = null;
    this.stage.show(null, 0, 0);
    $("empty").hidden = false;
    $("bar").hidden = $("add").hidden = true;
    $("title").textContent = "";
    this.strip.update(this.files, null);
  }

  // --- one color ---

  async choose(hex) {
    this.chosen = hex;
    if (hex) this.film.rest(); // the colors shown are the first frame's
    this.band.choose(hex, settings.pins());
    const { drawing } = this;
    const box = $("swatch");
    box.hidden = !hex || !drawing;
    this.drawer.palette(drawing?.palette ?? [], drawing?.shares ?? [], hex);
    if (box.hidden) return this.stage.set({ mask: null });
    const chip = make("i", { class: "chip" });
    chip.style.background = `#${hex}`;
    const button = (word, act, more = {}) => make("button", { type: "button", class: "quiet", onclick: act, ...more }, word);
    const text = words.share(hex, drawing.shares[drawing.palette.indexOf(hex)]);
    const focused = [...box.querySelectorAll("button")].indexOf(document.activeElement);
    box.replaceChildren(chip, make("span", {}, text),
      button(words.copyHex, () => copy(`#${hex}`)), ...this.holds(hex, button), button(words.everywhere, () => this.choose(null)));
    if (focused >= 0) box.querySelectorAll("button")[focused]?.focus();
    const mask = await drawing.mask(hex);
    if (this.chosen === hex && this.drawing === drawing) this.stage.set({ mask });
  }

  // Ways to hold a color: as it is, or another in its place, which fixes the whole palette.
  holds(hex, button) {
    if (hex.length === 8 && hex.endsWith("00")) return [];
    const held = settings.pins().includes(settings.plain(hex));
    const other = make("input", { type: "color", value: `#${hex.slice(0, 6)}`, tabindex: "-1", "aria-label": words.replaceWith(hex) });
    other.addEventListener("change", () => {
      const next = settings.plain(other.value.slice(1) + hex.slice(6));
      const palette = this.drawing.palette.map((one) => (one === hex ? next : settings.plain(one)));
      this.chosen = this.wanted = next;
      settings.set({ palette: palette.join(), aim: settings.QUICK.includes(settings.current().aim) ? settings.current().aim : "colors" }, true);
    });
    const pin = button(held ? words.unpin : words.pin, () => settings.pin(hex), { "aria-pressed": `${held}` });
    return [...(settings.current().palette ? [] : [pin]), make("span", { class: "replace" }, button(words.replace, () => other.click()), other)];
  }

  pickPixel(p) {
    if (!p || !this.drawing) return this.choose(null);
    const { width, height } = this.stage.size;
    const hex = this.drawing.at(p.x / width, p.y / height);
    this.choose(hex === this.chosen ? null : hex);
  }
}

// For whoever watches from outside: tests and measurements.
function mark(what, value) {
  performance.mark(`tinct-${what}`);
  document.documentElement.dataset[what] = value;
}

// Whether its result is what was asked for last.
export const isFresh = (file) => file.result?.asked === asked(file);
const asked = (file) => JSON.stringify(settings.query(file.own ?? settings.common()));
