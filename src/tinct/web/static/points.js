// K-means on points: one set of them, one start or two side by side, step by step.
import { Latest, post } from "./api.js";
import { css, fitted, make, notice } from "./dom.js";
import { Plane } from "./plane.js";
import { Player } from "./player.js";
import { csv, made, SETS } from "./sets.js";
import { nearest, Run } from "./steps.js";
import { words } from "./words.js";

const MOST_K = 12;

export class View {
  constructor(root) {
    this.ask = { k: 3, data: "blobs", start: "random", seed: 1, points: 1, ...this.read() };
    this.points = made(this.ask.data, this.ask.points);
    this.hand = null; // centers put by hand
    this.latest = new Latest(500);
    this.player = new Player((at) => this.show(at));
    this.sides = [this.side(0)];
    this.scene = make("div", { class: "scene one" }, this.sides[0].plane.box, this.player.box);
    this.chart = make("canvas", { class: "curve", role: "img", "aria-label": words.elbowTitle, hidden: true });
    this.chartText = make("p", { class: "small" });
    this.player.box.append(this.chart, this.chartText, make("p", { class: "small" }, words.planeHelp));
    root.append(make("div", { class: "steps" }, this.controls(), this.scene));
  }

  async open() {
    if (!this.player.runs.length) await this.run();
    else this.player.go(this.player.at);
  }

  step() { this.player.step(); }
  back() { this.player.back(); }
  play() { this.player.play(); }

  // --- what is asked for ---

  read() {
    const found = Object.fromEntries(new URLSearchParams(location.hash.split("?")[1] ?? ""));
    for (const name of ["k", "seed", "points"]) if (name in found) found[name] = Math.max(1, Math.round(Number(found[name])) || 1);
    if (found.k) found.k = Math.min(found.k, MOST_K);
    return found;
  }

  set(changes) {
    Object.assign(this.ask, changes);
    history.replaceState(null, "", `${location.pathname}${location.search}#points?${new URLSearchParams(this.ask)}`);
    if ("data" in changes || "points" in changes) {
      this.points = made(this.ask.data, this.ask.points);
    }
    if (!("start" in changes) || changes.start !== "hand") this.hand = null;
    if (this.ask.start === "hand" && !this.hand) this.ask.start = this.startBox.value = "random";
    this.run();
  }

  controls() {
    const select = (name, choices, texts) =>
      make("select", { id: `p-${name}`, onchange: (e) => this.choose(name, e.target.value) }, ...choices.map((c) => make("option", { value: c, selected: c === this.ask[name] }, texts[c])));
    const k = make("input", { type: "range", id: "p-k", min: "1", max: `${MOST_K}`, value: `${this.ask.k}` });
    const shown = make("output", { for: "p-k" }, `${this.ask.k}`);
    k.addEventListener("input", () => {
      shown.textContent = k.value;
      this.set({ k: Number(k.value) });
    });
    const check = (name, on) => {
      const box = make("input", { type: "checkbox", id: `p-${name}`, checked: on });
      box.addEventListener("change", () => {
        for (const side of this.sides) side.plane.on[name] = box.checked;
        this.show(this.player.at);
      });
      return make("label", {}, box, words[name]);
    };
    this.file = make("input", { type: "file", accept: ".csv,.tsv,.txt", class: "hidden", tabindex: "-1", "aria-label": words.datasets.csv, onchange: () => this.load() });
    const compare = make("input", { type: "checkbox", id: "p-compare", onchange: (e) => this.compare(e.target.checked) });
    this.startBox = select("start", ["random", "k-means++", "divisive", "hand"], words.starts);
    return make("div", { class: "controls" },
      make("label", { for: "p-k" }, words.k, k, shown),
      make("label", {}, words.data, (this.dataBox = select("data", [...SETS, "empty", "csv"], words.datasets))),
      make("button", { type: "button", onclick: () => this.set({ points: this.ask.points + 1 }) }, words.scatter),
      make("label", {}, words.start, this.startBox),
      make("button", { type: "button", onclick: () => this.set({ seed: this.ask.seed + 1 }) }, words.seed),
      check("regions", true), check("lines", false), check("trails", true),
      make("label", {}, compare, words.compare),
      make("button", { type: "button", onclick: () => this.elbow() }, words.elbow), this.file);
  }

  choose(name, value) {
    if (value === "csv") return this.file.click();
    this.set({ [name]: value });
  }

  async load() {
    const points = csv(await this.file.files[0].text());
    if (!points) return notice(words.csvBad, true);
    this.points = points;
    this.dataBox.value = "csv";
    this.hand = null;
    this.run();
  }

  // --- runs ---

  side(which) {
    const plane = new Plane({
      add: (p) => this.touch(() => this.points.push(p)),
      scatter: (p) => this.touch(() => {
        for (let i = 0; i < 4; i++) this.points.push(p.map((v) => Math.min(1, Math.max(0, v + 0.05 * (Math.random() - 0.5)))));
      }),
      movePoint: (i, p) => this.touch(() => (this.points[i] = p)),
      moveCenter: (i, p) => this.moveCenter(plane, i, p),
      done: (what) => this.done(what, plane),
    });
    return { plane, seed: which, run: null };
  }

  // Points change under the hand: shown at once, run when it rests.
  touch(change) {
    change();
    for (const { plane } of this.sides) {
      plane.labels = plane.labels && plane.centers.length ? nearest(this.points.flat(), 2, plane.centers) : null;
      plane.points = this.points;
      plane.draw();
    }
  }

  moveCenter(plane, i, p) {
    this.player.stop();
    const centers = plane.centers.map((c, j) => (j === i ? p : c));
    Object.assign(plane, { centers, trails: [], labels: nearest(this.points.flat(), 2, centers), walk: null });
    plane.draw();
  }

  done(what, plane) {
    if (what.center !== undefined) {
      this.hand = plane.centers;
      this.startBox.value = this.ask.start = "hand";
    }
    this.run();
  }

  run() {
    return new Promise((ready) => this.latest.ask(async (signal) => {
      await this.fetch(signal);
      ready();
    }));
  }

  async fetch(signal) {
    const { k, start, seed } = this.ask;
    if (this.points.length <= k) {
      for (const side of this.sides) {
        side.plane.show({ points: this.points, centers: [], labels: null, trails: [] });
        side.plane.tag.textContent = "";
      }
      this.player.sentence.textContent = words.tooFew(k + 1);
      return;
    }
    try {
      const runs = await Promise.all(this.sides.map(async (side) => {
        const init = start === "hand" && this.hand && side.seed === 0 ? this.hand : start === "hand" ? "random" : start;
        const points = this.points.map((p) => [...p]);
        const answer = await post("/api/kmeans", { points, k, init, seed: seed + 1000 * side.seed }, signal);
        return (side.run = new Run(points.flat(), 2, answer));
      }));
      this.player.stop();
      this.player.set(runs, 0);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      notice(error.message, true);
    }
  }

  show(at) {
    for (const { plane, run } of this.sides) {
      if (!run) continue;
      const state = run.states[Math.min(at, run.last)];
      const passed = run.states.slice(0, Math.min(at, run.last) + 1).filter((s) => s.kind !== "assign");
      const trails = state.centers.map((_, i) => passed.map((s) => s.centers[i]));
      plane.show({ points: this.points, centers: state.centers, labels: run.labels(at), trails });
      const inertia = run.inertia(at);
      plane.tag.textContent = inertia === null ? "" : words.inertiaIs(inertia);
      plane.canvas.setAttribute("aria-label", words.plane(this.points.length, state.centers.length));
    }
    const ends = this.sides.map((s) => s.run?.answer.inertia);
    this.player.other.textContent = ends.length > 1 && at === this.player.last ? words.two(...ends) : "";
    document.documentElement.dataset.step = at;
  }

  compare(yes) {
    if (yes) {
      this.sides.push(this.side(1));
      Object.assign(this.sides[1].plane.on, this.sides[0].plane.on);
      this.sides[0].plane.box.after(this.sides[1].plane.box);
    } else this.sides.pop().plane.box.remove();
    this.scene.className = yes ? "scene two" : "scene one";
    this.run();
  }

  // --- how many ---

  async elbow() {
    try {
      const found = await post("/api/kmeans", { points: this.points, choose: MOST_K });
      this.chart.hidden = false;
      this.chartText.textContent = `${words.elbowTitle}. ${words.suggested(found.suggested)}`;
      this.chart.setAttribute("aria-label", this.chartText.textContent);
      this.paintChart(found);
    } catch (error) {
      notice(error.message, true);
    }
  }

  paintChart({ ks, inertia, silhouette, suggested }) {
    const { context: c, width, height } = fitted(this.chart);
    c.clearRect(0, 0, width, height);
    const w = width / ks.length;
    const tall = height - 22;
    c.font = "12px system-ui, sans-serif";
    c.textAlign = "center";
    ks.forEach((k, i) => {
      const h = (tall * inertia[i]) / inertia[0];
      c.fillStyle = k === suggested ? css("--accent") : css("--line");
      c.fillRect(i * w + 3, tall - h, w - 6, h);
      c.fillStyle = css("--ink");
      c.fillText(k, (i + 0.5) * w, height - 6);
    });
    c.strokeStyle = css("--ink");
    c.lineWidth = 2;
    c.beginPath();
    silhouette.forEach((s, i) => {
      if (s === null) return;
      const [x, y] = [(i + 0.5) * w, tall - tall * Math.max(0, s)];
      if (i === 1) c.moveTo(x, y);
      else c.lineTo(x, y);
    });
    c.stroke();
  }
}
