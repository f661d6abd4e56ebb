// Why these colors: the picture's own as a cloud, centers moving through it, the picture sharpening beside it.
import { call, Latest } from "./api.js";
import { Cloud } from "./cloud.js";
import { $, css, fitted, framed, make, notice, save } from "./dom.js";
import { fromPoint, hex, toPoint } from "./oklab.js";
import { Player } from "./player.js";
import { current, reading } from "./settings.js";
import { nearest, Run } from "./steps.js";
import { words } from "./words.js";

const SIDE = 360; // of the picture that sharpens
const MOST_K = 64;

export class View {
  constructor(root, compressor) {
    this.root = root;
    this.compressor = compressor;
    this.file = null;
    this.ask = { k: 8, init: "random", seed: 1, space: "oklab" };
    this.latest = new Latest(0);
    this.chosen = null;
    this.cloud = new Cloud((i) => this.choose(i));
    this.player = new Player((at) => this.show(at));
    this.canvas = make("canvas", { role: "img", "aria-label": words.result });
    this.centers = make("div", { class: "centers", role: "group", "aria-label": words.palette });
    this.about = make("p", { class: "small" }, words.whyIntro);
    this.player.sentence.before(this.about);
    this.player.box.append(this.centers);
    this.none = make("div", { class: "none" }, make("p", {}, words.needPicture), make("a", { class: "button main", href: "#compress" }, words.goPick));
    this.scene = make("div", { class: "scene" }, this.cloud.box, make("div", { class: "pane" }, this.canvas), this.player.box);
    this.all = make("div", { class: "steps" }, this.controls(), this.scene);
    root.append(this.none, this.all);
    this.draw = framed(() => this.paint());
    new ResizeObserver(this.draw).observe(this.canvas);
    this.canvas.addEventListener("click", (event) => this.pickPixel(event));
  }

  step() { this.player.step(); }
  back() { this.player.back(); }
  play() { this.player.play(); }

  async open() {
    const { file } = this.compressor;
    this.none.hidden = !!file;
    this.all.hidden = !file;
    if (!file) return;
    if (file === this.file) return this.player.go(this.player.at);
    this.file = file;
    this.ask.k = Math.min(MOST_K, current().colors);
    this.k.value = this.kShown.textContent = this.ask.k;
    const bitmap = await file.decode();
    this.picture = scaled(bitmap);
    bitmap.close();
    this.cloud.arrive();
    await this.run();
  }

  controls() {
    const select = (name, choices, texts) =>
      make("select", { onchange: (e) => this.set({ [name]: e.target.value }) }, ...choices.map((c) => make("option", { value: c }, texts[c])));
    this.k = make("input", { type: "range", id: "w-k", min: "1", max: `${MOST_K}`, value: "8" });
    this.kShown = make("output", { for: "w-k" }, "8");
    this.k.addEventListener("input", () => {
      this.kShown.textContent = this.k.value;
      this.set({ k: Number(this.k.value) });
    });
    const { films } = this.compressor;
    const film = (kind) => make("button", { type: "button", onclick: () => this.film(kind) }, words.films[kind]);
    return make("div", { class: "controls" },
      make("label", { for: "w-k" }, words.k, this.k, this.kShown),
      make("label", {}, words.start, select("init", ["random", "k-means++", "divisive"], words.starts)),
      make("button", { type: "button", onclick: () => this.set({ seed: this.ask.seed + 1 }) }, words.seed),
      make("label", {}, words.space3, select("space", ["oklab", "srgb"], words.axes)),
      make("span", { class: "grow" }), make("span", { class: "small", hidden: !films.length }, words.film), ...films.map(film));
  }

  set(changes) {
    Object.assign(this.ask, changes);
    this.run();
  }

  run() {
    return new Promise((ready) => this.latest.ask(async (signal) => {
      try {
        const { told } = await call("/api/kmeans", { ...this.ask, ...reading() }, this.file, signal);
        this.load(told);
      } catch (error) {
        if (error.name === "AbortError") throw error;
        notice(error.message, true);
      }
      ready();
    }));
  }

  load(told) {
    const space = this.ask.space;
    const flat = Float32Array.from(told.points.flat());
    this.told = told;
    this.own = told.colors.map((h) => `#${h}`);
    this.choose(null, false);
    this.cloud.load(flat, told.weights, space);
    this.cloud.canvas.setAttribute("aria-label", words.cloud(told.colors.length));
    this.cloud.tag.textContent = words.cloudSaid(told.distinct, told.pixels);
    const { data, width, height } = this.picture;
    this.places = new Float32Array(3 * width * height);
    for (let i = 0; i < width * height; i++) this.places.set(toPoint(space, data[4 * i], data[4 * i + 1], data[4 * i + 2]), 3 * i);
    this.drawn = new Map();
    this.player.stop();
    if (this.cloud.arriving) this.cloud.arrive(); // only now is there something to see
    this.player.set([new Run(flat, 3, told, false)], 0);
  }

  // --- a step ---

  show(at) {
    const run = this.player.runs[0];
    if (!run) return;
    const state = run.states[at];
    const labels = run.labels(at);
    const colors = state.centers.map((p) => `#${hex(fromPoint(this.ask.space, p))}`);
    this.colors = colors;
    const drawn = state.kind === "start" ? null : this.drawnAt(at, state.centers);
    const counts = new Float64Array(colors.length);
    if (drawn) for (const l of drawn.labels) counts[l]++;
    this.shares = Array.from(counts, (n) => n / (drawn ? drawn.labels.length : 1));
    const fills = labels ? Array.from(labels, (l) => colors[l]) : this.own;
    this.cloud.show(fills, state.centers.map((p, i) => ({ p, fill: colors[i], share: this.shares[i] })));
    this.showCenters();
    this.now = drawn;
    this.draw();
    document.documentElement.dataset.step = at;
  }

  // The picture with these centers as its colors.
  drawnAt(at, centers) {
    let found = this.drawn.get(at);
    if (!found) {
      const { width, height, data } = this.picture;
      const labels = nearest(this.places, 3, centers);
      const rgb = centers.map((p) => fromPoint(this.ask.space, p));
      const pixels = new ImageData(width, height);
      for (let i = 0; i < labels.length; i++) {
        pixels.data.set(rgb[labels[i]], 4 * i);
        pixels.data[4 * i + 3] = data[4 * i + 3];
      }
      found = { labels, pixels };
      this.drawn.set(at, found);
    }
    return found;
  }

  showCenters() {
    this.centers.replaceChildren(...this.colors.map((color, i) => {
      const title = words.centerOf(i + 1, color.slice(1), this.shares[i]);
      const button = make("button", { type: "button", title, "aria-label": title, "aria-pressed": `${i === this.chosen}`, onclick: () => this.choose(i === this.chosen ? null : i) });
      button.style.background = color;
      return button;
    }));
  }

  // --- the picture ---

  frame() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    const scale = Math.min((w - 24) / this.picture.width, (h - 24) / this.picture.height);
    return { scale, x: (w - scale * this.picture.width) / 2, y: (h - scale * this.picture.height) / 2 };
  }

  paint() {
    const { context: c, width, height } = fitted(this.canvas);
    if (!width || !this.picture) return;
    c.fillStyle = css("--surround");
    c.fillRect(0, 0, width, height);
    const pixels = this.now ? this.now.pixels : this.picture;
    let shown = pixels;
    if (this.chosen !== null && this.now) {
      shown = new ImageData(new Uint8ClampedArray(pixels.data), pixels.width, pixels.height);
      this.now.labels.forEach((l, i) => l !== this.chosen && shown.data.set([128, 128, 128, 90], 4 * i));
    }
    this.scratch ??= make("canvas");
    this.scratch.width = shown.width;
    this.scratch.height = shown.height;
    this.scratch.getContext("2d").putImageData(shown, 0, 0);
    const { scale, x, y } = this.frame();
    c.imageSmoothingEnabled = false;
    c.drawImage(this.scratch, x, y, scale * shown.width, scale * shown.height);
  }

  pickPixel(event) {
    const box = this.canvas.getBoundingClientRect();
    const { scale, x, y } = this.frame();
    const [column, row] = [Math.floor((event.clientX - box.left - x) / scale), Math.floor((event.clientY - box.top - y) / scale)];
    if (column < 0 || row < 0 || column >= this.picture.width || row >= this.picture.height) return this.choose(null);
    const i = row * this.picture.width + column;
    const rgb = [...this.picture.data.slice(4 * i, 4 * i + 3)];
    const center = this.now ? this.now.labels[i] : null;
    this.cloud.mark = [...this.places.slice(3 * i, 3 * i + 3), center];
    this.about.textContent = center === null ? `#${hex(rgb)}` : words.pixelOf(hex(rgb), center + 1);
    this.cloud.draw();
  }

  choose(i, say = true) {
    this.chosen = this.cloud.chosen = i;
    this.cloud.mark = null;
    if (!say) return;
    this.about.textContent = i === null ? words.whyIntro : words.centerOf(i + 1, this.colors[i].slice(1), this.shares[i]);
    this.showCenters();
    this.cloud.draw();
    this.draw();
  }

  async film(kind) {
    notice(words.filming, false, true);
    const { k, init, seed } = this.ask;
    try {
      const { answer } = await call("/api/film", { k, init, seed, kind, ...reading() }, this.file);
      save(await answer.blob(), `${this.file.name.replace(/\.[^.]*$/, "")}-steps.${kind}`);
      notice("");
    } catch (error) {
      notice(error.message, true);
    }
  }
}

// The picture as pixels at a size at which every step is quick.
function scaled(bitmap) {
  const f = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = make("canvas", { width: Math.max(1, Math.round(bitmap.width * f)), height: Math.max(1, Math.round(bitmap.height * f)) });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap.small ?? bitmap, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}
