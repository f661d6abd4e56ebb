// The palette as a band, each color as wide as its share: splitting and melting while K changes.
import { $, calm, css, fitted, framed } from "./dom.js";
import { rgbOf, toOklab } from "./oklab.js";
import { plain } from "./settings.js";

const TIME = 240; // ms
const [LEAST, MOST] = [2, 256];

// K on the slider: each doubling takes the same way.
export const toSlider = (k) => (1000 * Math.log2(k / LEAST)) / Math.log2(MOST / LEAST);
export const fromSlider = (x) => Math.round(LEAST * (MOST / LEAST) ** (x / 1000));

export class Band {
  constructor(choose, pick) {
    this.canvas = $("band");
    this.shown = []; // [{hex, share, rgb, lab, from, to}]
    this.moving = null;
    this.chosen = null;
    this.pins = [];
    this.draw = framed(() => this.paint());
    new ResizeObserver(this.draw).observe(this.canvas);
    this.listen(choose, pick);
  }

  // Hexes and shares in the palette's order; the band goes from dark to light.
  set(palette, shares) {
    const next = palette.map((hex, i) => ({ hex, share: shares[i], rgb: rgbOf(hex), lab: toOklab(...rgbOf(hex)) }));
    next.sort((a, b) => a.lab[0] - b.lab[0]);
    let at = 0;
    for (const one of next) {
      one.from = at;
      one.to = at += one.share;
    }
    if (this.shown.length && !calm()) this.moving = { moves: between(this.shown, next), start: performance.now() };
    this.shown = next;
    this.draw();
  }

  choose(hex, pins = this.pins) {
    this.chosen = hex;
    this.pins = pins;
    this.draw();
  }

  paint() {
    const { context: c, width, height } = fitted(this.canvas);
    c.clearRect(0, 0, width, height);
    const t = this.moving ? Math.min(1, (performance.now() - this.moving.start) / TIME) : 1;
    const ease = t * t * (3 - 2 * t);
    const mix = (a, b) => a + (b - a) * ease;
    const bars = t < 1 ? this.moving.moves : this.shown;
    for (const bar of bars) {
      const [from, to] = t < 1 ? [mix(bar.a.from, bar.b.from), mix(bar.a.to, bar.b.to)] : [bar.from, bar.to];
      const rgb = t < 1 ? bar.a.rgb.map((v, i) => mix(v, bar.b.rgb[i])) : bar.rgb;
      const alpha = bar.hex?.length === 8 ? parseInt(bar.hex.slice(6), 16) / 255 : 1;
      c.fillStyle = `rgb(${rgb.map(Math.round).join(" ")} / ${alpha})`;
      const x = Math.floor(from * width);
      c.fillRect(x, 0, Math.max(1, Math.ceil(to * width) - x), height);
    }
    if (t < 1) return this.draw();
    this.moving = null;
    for (const one of this.shown.filter(({ hex }) => this.pins.includes(plain(hex)))) paintPin(c, ((one.from + one.to) / 2) * width, height);
    const chosen = this.shown.find((one) => one.hex === this.chosen);
    if (!chosen) return;
    c.strokeStyle = css("--ink");
    c.lineWidth = 2;
    const x = chosen.from * width;
    c.strokeRect(x + 1, 1, Math.max(3, (chosen.to - chosen.from) * width - 2), height - 2);
  }

  // A click picks the color there, a drag moves K as the slider does.
  listen(choose, pick) {
    let start = null;
    let dragged = false;
    const c = this.canvas;
    const share = (event) => {
      const box = c.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    c.addEventListener("pointerdown", (event) => {
      c.setPointerCapture(event.pointerId);
      start = event.clientX;
      dragged = false;
    });
    c.addEventListener("pointermove", (event) => {
      if (start === null) return;
      dragged ||= Math.abs(event.clientX - start) > 4;
      if (dragged) choose(fromSlider(1000 * share(event)));
    });
    c.addEventListener("pointerup", (event) => {
      if (start !== null && !dragged) pick(this.shown.find((one) => share(event) <= one.to)?.hex ?? null);
      start = null;
    });
    c.addEventListener("pointercancel", () => (start = null));
  }
}

function paintPin(c, x, height) {
  c.beginPath();
  c.arc(x, height - 8, 4, 0, 7);
  c.fillStyle = "#fff";
  c.fill();
  c.lineWidth = 1.5;
  c.strokeStyle = "#000";
  c.stroke();
}

// Each bar of the finer band comes out of, or goes into, its nearest color in the coarser one.
function between(old, next) {
  const splitting = next.length >= old.length;
  const [fine, coarse] = splitting ? [next, old] : [old, next];
  const family = new Map(coarse.map((one) => [one, []]));
  for (const one of fine) {
    let best = null;
    let least = Infinity;
    for (const other of coarse) {
      const a = one.lab;
      const b = other.lab;
      const d = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;
      if (d < least) [best, least] = [other, d];
    }
    family.get(best).push(one);
  }
  const moves = [];
  for (const [parent, children] of family) {
    const total = children.reduce((sum, one) => sum + one.share, 0) || 1;
    let at = parent.from;
    for (const one of children) {
      const to = at + ((parent.to - parent.from) * one.share) / total;
      const inside = { rgb: parent.rgb, from: at, to };
      moves.push(splitting ? { a: inside, b: one } : { a: one, b: inside });
      at = to;
    }
  }
  return moves;
}
