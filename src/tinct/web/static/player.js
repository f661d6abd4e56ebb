// Step, back, play; inertia as a curve whose dots are links to their steps; the sentence.
import { calm, css, fitted, framed, make, tell } from "./dom.js";
import { words } from "./words.js";

const SPEEDS = { "½×": 1800, "1×": 900, "2×": 450, "4×": 200 };

export class Player {
  constructor(changed) {
    this.changed = changed; // called with the step
    this.at = 0;
    this.runs = [];
    this.sentence = make("p", { class: "sentence" });
    this.other = make("p", { class: "small" });
    this.curve = make("canvas", { class: "curve", role: "img", "aria-label": words.inertia, title: words.inertiaMeans });
    this.slider = make("input", { type: "range", min: "0", max: "0", value: "0", "aria-label": words.step });
    this.count = make("output", {});
    this.playing = null;
    const button = (text, act) => make("button", { type: "button", onclick: act }, text);
    this.playButton = button(words.play, () => this.play());
    this.speed = make("select", { "aria-label": words.speed }, ...Object.keys(SPEEDS).map((s) => make("option", { value: s, selected: s === "1×" }, s)));
    this.box = make("div", { class: "told" },
      this.sentence,
      make("div", { class: "player" }, button(words.back, () => this.back()), this.playButton, button(words.step, () => this.step()), this.speed),
      make("label", {}, this.slider, this.count),
      make("div", { class: "row" }, make("b", {}, words.inertia), make("span", { class: "small" }, words.inertiaShort)),
      this.curve, this.other);
    this.slider.style.flex = "1";
    this.slider.addEventListener("input", () => this.go(Number(this.slider.value)));
    this.curve.addEventListener("click", (event) => this.go(this.under(event)));
    this.draw = framed(() => this.paint());
    new ResizeObserver(this.draw).observe(this.curve);
  }

  get last() {
    return Math.max(0, ...this.runs.map((r) => r.last));
  }

  set(runs, at = 0) {
    this.runs = runs;
    this.slider.max = `${this.last}`;
    this.go(Math.min(at, this.last));
  }

  go(at) {
    const from = this.at;
    this.at = Math.min(this.last, Math.max(0, at));
    this.slider.value = `${this.at}`;
    this.count.textContent = words.iteration(this.at, this.last);
    const text = this.runs[0]?.sentence(this.at) ?? "";
    this.sentence.textContent = text;
    if (!this.playing) tell(text);
    this.draw();
    this.changed(this.at, from);
  }

  step() {
    if (this.at === this.last) return this.stop();
    this.go(this.at + 1);
  }

  back() {
    this.stop();
    this.go(this.at - 1);
  }

  play() {
    if (this.playing) return this.stop();
    if (this.at === this.last) this.go(0);
    const next = () => {
      this.playing = setTimeout(next, SPEEDS[this.speed.value]);
      if (this.at === this.last) this.stop();
      else this.step();
    };
    this.playButton.textContent = words.pause;
    this.playing = setTimeout(next, calm() ? 600 : 150);
  }

  stop() {
    clearTimeout(this.playing);
    this.playing = null;
    this.playButton.textContent = words.play;
  }

  // --- the curve ---

  place(width, height) {
    let most = 0;
    for (const run of this.runs) for (let i = 1; i <= run.last; i++) most = Math.max(most, run.inertia(i) ?? 0);
    const m = 10;
    return {
      x: (i) => m + ((width - 2 * m) * i) / Math.max(1, this.last),
      y: (v) => height - m - ((height - 2 * m) * v) / (most || 1),
    };
  }

  under(event) {
    const box = this.curve.getBoundingClientRect();
    return Math.round(((event.clientX - box.left - 10) / (box.width - 20)) * this.last);
  }

  paint() {
    const { context: c, width, height } = fitted(this.curve);
    if (!width || !this.runs.length) return;
    c.clearRect(0, 0, width, height);
    const { x, y } = this.place(width, height);
    c.strokeStyle = css("--line");
    c.beginPath();
    c.moveTo(0, height - 10);
    c.lineTo(width, height - 10);
    c.stroke();
    this.runs.forEach((run, which) => {
      const known = [];
      for (let i = 1; i <= run.last; i++) if (run.inertia(i) !== null) known.push([x(i), y(run.inertia(i)), i]);
      c.strokeStyle = which ? css("--soft") : css("--accent");
      c.lineWidth = 2;
      c.setLineDash(which ? [5, 4] : []);
      c.beginPath();
      known.forEach(([px, py], i) => (i ? c.lineTo(px, py) : c.moveTo(px, py)));
      c.stroke();
      c.setLineDash([]);
      for (const [px, py, i] of known) {
        const here = i === Math.min(this.at, run.last);
        c.fillStyle = here ? css("--ink") : c.strokeStyle;
        c.beginPath();
        c.arc(px, py, here ? 5 : 2.5, 0, 7);
        c.fill();
      }
    });
    const now = this.runs[0].inertia(this.at);
    this.curve.setAttribute("aria-label", now === null ? words.inertia : words.inertiaIs(now));
  }
}
