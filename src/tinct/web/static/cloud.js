// A cloud of colors in three dimensions, to turn and to zoom, with the centers in it.
import { calm, css, fitted, framed, make } from "./dom.js";

const TIME = 420;
const FLIGHT = 700;
const MIDDLE = { srgb: [0.5, 0.5, 0.5], oklab: [0.5, 0, 0] };

export class Cloud {
  constructor(pick) {
    this.canvas = make("canvas", { tabindex: "0", role: "application" });
    this.tag = make("span", { class: "tag" });
    this.box = make("div", { class: "pane" }, this.canvas, this.tag);
    this.pick = pick;
    this.turn = { yaw: 0.7, pitch: 0.35, zoom: 1 };
    this.points = new Float32Array(0);
    this.space = "oklab";
    this.reach = [0.5, 0.3];
    this.sizes = [];
    this.fills = [];
    this.centers = [];
    this.chosen = null;
    this.arriving = null;
    this.mark = null; // a point that was clicked, as [x, y, z, center]
    this.draw = framed(() => this.paint());
    new ResizeObserver(this.draw).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.draw);
    this.listen();
  }

  // Points are flat triples; the box they may fill is that of the space.
  load(points, weights, space) {
    this.points = points;
    this.space = space;
    this.sizes = weights.map((w) => Math.min(7, 1.5 + 0.55 * Math.log2(1 + w)));
    this.centers = [];
    this.mark = null;
    // As far as the cloud reaches upright and around, so that it fills the pane however it is turned.
    const up = space === "srgb" ? 1 : 0;
    const middle = MIDDLE[space];
    this.reach = [0.2, 0.2];
    for (let i = 0; i < points.length; i += 3) {
      const [high, ...flat] = [up, ...[0, 1, 2].filter((j) => j !== up)].map((j) => points[i + j] - middle[j]);
      this.reach = [Math.max(this.reach[0], Math.abs(high)), Math.max(this.reach[1], Math.hypot(...flat))];
    }
  }

  // fills: a color for each point; centers: [{p, fill, share}]
  show(fills, centers) {
    const walks = !calm() && centers.length === this.centers.length;
    this.walk = walks ? { from: this.centers, start: performance.now() } : null;
    this.fills = fills;
    this.centers = centers;
    this.draw();
  }

  // The next centers come flying from the band below, where the swatches were.
  arrive() {
    this.arriving = calm() ? null : performance.now() + 250;
  }

  camera(width, height) {
    const { yaw, pitch, zoom } = this.turn;
    const [high, wide] = this.reach;
    const size = zoom * 0.4 * Math.min(height / Math.max(high, wide), width / Math.max(wide, high * 0.6));
    const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
    const middle = MIDDLE[this.space];
    // Lightness, or green, stands upright.
    return (a, b, c) => {
      const p = [a - middle[0], b - middle[1], c - middle[2]];
      const [up, x, z] = this.space === "srgb" ? [p[1], p[0], p[2]] : p;
      const [x1, z1] = [x * cy - z * sy, x * sy + z * cy];
      const [y2, z2] = [up * cp - z1 * sp, up * sp + z1 * cp];
      const near = 1 / (1.9 + z2);
      return [width / 2 + x1 * size * near * 1.9, height / 2 - y2 * size * near * 1.9, near];
    };
  }

  paint() {
    const { context: c, width, height } = fitted(this.canvas);
    if (!width) return;
    c.fillStyle = css("--surround");
    c.fillRect(0, 0, width, height);
    const see = this.camera(width, height);
    this.paintAxes(c, see);
    const n = this.points.length / 3;
    const places = new Array(n);
    for (let i = 0; i < n; i++) places[i] = [...see(this.points[3 * i], this.points[3 * i + 1], this.points[3 * i + 2]), i];
    places.sort((a, b) => a[2] - b[2]); // far ones first
    for (const [x, y, near, i] of places) {
      const s = this.sizes[i] * near * 2.2;
      c.fillStyle = this.fills[i];
      c.fillRect(x - s / 2, y - s / 2, s, s);
    }
    const t = this.walk ? Math.min(1, (performance.now() - this.walk.start) / TIME) : 1;
    const ease = t * t * (3 - 2 * t);
    this.seen = this.centers.map(({ p, fill, share }, i) => {
      const from = t < 1 ? this.walk.from[i].p : p;
      const [x, y, near] = see(...[0, 1, 2].map((j) => from[j] + (p[j] - from[j]) * ease));
      return { x, y, near, fill, i, r: (6 + 20 * Math.sqrt(share)) * Math.min(1.4, near * 1.9) };
    });
    const still = this.arriving ? this.fly(width, height) : 1;
    for (const one of [...this.seen].sort((a, b) => a.near - b.near)) this.paintCenter(c, one);
    if (this.mark) this.paintMark(c, see);
    if (t < 1 || still < 1) this.draw();
  }

  fly(width, height) {
    const t = Math.min(1, Math.max(0, (performance.now() - this.arriving) / FLIGHT));
    const ease = t * t * (3 - 2 * t);
    const order = [...this.seen].sort((a, b) => a.y - b.y).reverse();
    order.forEach((one, i) => {
      const from = { x: (width * (i + 0.5)) / order.length, y: height - 14 };
      one.x = from.x + (one.x - from.x) * ease;
      one.y = from.y + (one.y - from.y) * ease;
    });
    if (t === 1) this.arriving = null;
    return t;
  }

  paintAxes(c, see) {
    const srgb = this.space === "srgb";
    const lines = srgb
      ? [[[0, 0, 0], [1, 0, 0], "R"], [[0, 0, 0], [0, 1, 0], "G"], [[0, 0, 0], [0, 0, 1], "B"]]
      : [[[0, 0, 0], [1, 0, 0], "light"], [[0.5, -0.3, 0], [0.5, 0.3, 0], "green – red"], [[0.5, 0, -0.3], [0.5, 0, 0.3], "blue – yellow"]];
    c.strokeStyle = css("--line");
    c.fillStyle = css("--soft");
    c.font = "12px system-ui, sans-serif";
    c.textAlign = "center";
    c.lineWidth = 1.5;
    for (const [from, to, name] of lines) {
      const [a, b] = [see(...from), see(...to)];
      c.beginPath();
      c.moveTo(a[0], a[1]);
      c.lineTo(b[0], b[1]);
      c.stroke();
      if (this.canvas.clientWidth > 260) c.fillText(name, b[0], b[1] - 6);
    }
  }

  paintCenter(c, { x, y, r, fill, i }) {
    c.beginPath();
    c.arc(x, y, r, 0, 7);
    c.fillStyle = fill;
    c.fill();
    c.lineWidth = i === this.chosen ? 5 : 3;
    c.strokeStyle = "#fff";
    c.stroke();
    c.lineWidth = i === this.chosen ? 2.5 : 1;
    c.strokeStyle = i === this.chosen ? css("--accent") : "#222";
    c.beginPath();
    c.arc(x, y, r + 2, 0, 7);
    c.stroke();
  }

  paintMark(c, see) {
    const [x, y] = see(...this.mark.slice(0, 3));
    const center = this.seen[this.mark[3]];
    c.strokeStyle = css("--ink");
    c.lineWidth = 2;
    c.beginPath();
    c.arc(x, y, 7, 0, 7);
    if (center) {
      c.moveTo(x, y);
      c.lineTo(center.x, center.y);
    }
    c.stroke();
  }

  listen() {
    const c = this.canvas;
    let last = null;
    let moved = 0;
    c.addEventListener("pointerdown", (event) => {
      c.setPointerCapture(event.pointerId);
      last = event;
      moved = 0;
    });
    c.addEventListener("pointermove", (event) => {
      if (!last) return;
      const [dx, dy] = [event.clientX - last.clientX, event.clientY - last.clientY];
      moved += Math.abs(dx) + Math.abs(dy);
      last = event;
      this.rotate(dx / 160, dy / 160);
    });
    c.addEventListener("pointerup", (event) => {
      last = null;
      if (moved > 5) return;
      const box = c.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      const hit = (this.seen ?? []).filter((s) => Math.hypot(s.x - x, s.y - y) < s.r + 4).sort((a, b) => b.near - a.near)[0];
      this.pick(hit ? hit.i : null);
    });
    c.addEventListener("pointercancel", () => (last = null));
    c.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.turn.zoom = Math.min(8, Math.max(0.4, this.turn.zoom * Math.exp(-event.deltaY / 500)));
      this.draw();
    }, { passive: false });
    c.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, -0.1], ArrowDown: [0, 0.1] }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.rotate(...by);
    });
  }

  rotate(yaw, pitch) {
    this.turn.yaw += yaw;
    this.turn.pitch = Math.min(1.5, Math.max(-1.5, this.turn.pitch + pitch));
    this.draw();
  }
}
