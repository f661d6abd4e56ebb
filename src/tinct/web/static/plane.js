// The plane: points in the colors of their clusters, regions, lines, trails, centers to drag.
import { calm, css, fitted, framed, make } from "./dom.js";

export const COLORS = ["#3b82c4", "#e0862e", "#3fa35b", "#c94f4f", "#8a63c2", "#a9744f", "#d96fb0", "#7d8a2e", "#2aa5a5", "#c9a227", "#6476d6", "#777777"];
const TIME = 320;
const NEAR = 16; // CSS pixels

export class Plane {
  // `hands`: {add(p), scatter(p), movePoint(i, p), moveCenter(i, p), done()}
  constructor(hands) {
    this.hands = hands;
    this.canvas = make("canvas", { tabindex: "0", role: "application" });
    this.tag = make("span", { class: "tag" });
    this.box = make("div", { class: "pane" }, this.canvas, this.tag);
    this.points = [];
    this.centers = [];
    this.labels = null;
    this.trails = [];
    this.on = { regions: true, lines: false, trails: true };
    this.chosen = 0;
    this.draw = framed(() => this.paint());
    new ResizeObserver(this.draw).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.draw);
    this.listen();
  }

  // Centers walk to where they are now, unless they only just came.
  show({ points, centers, labels, trails }) {
    const walks = !calm() && centers.length === this.centers.length && this.points === points && !this.dragging;
    this.walk = walks ? { from: this.centers, start: performance.now() } : null;
    Object.assign(this, { points, centers, labels, trails });
    this.draw();
  }

  frame() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    const side = Math.max(10, Math.min(w, h) - 24);
    return { side, left: (w - side) / 2, top: (h - side) / 2 };
  }

  paint() {
    const { context: c, width, height } = fitted(this.canvas);
    if (!width) return;
    const f = this.frame();
    const px = (p) => [f.left + f.side * p[0], f.top + f.side * (1 - p[1])];
    const t = this.walk ? Math.min(1, (performance.now() - this.walk.start) / TIME) : 1;
    const ease = t * t * (3 - 2 * t);
    const centers = t < 1 ? this.centers.map((p, i) => p.map((v, j) => this.walk.from[i][j] + (v - this.walk.from[i][j]) * ease)) : this.centers;
    c.fillStyle = css("--surround");
    c.fillRect(0, 0, width, height);
    c.fillStyle = css("--panel");
    c.fillRect(f.left, f.top, f.side, f.side);
    if (this.on.regions && centers.length && this.labels) this.paintRegions(c, f, centers);
    if (this.on.lines && this.labels) this.paintLines(c, px, centers);
    const r = this.points.length > 1500 ? 2 : 3.4;
    const soft = css("--soft");
    this.points.forEach((p, i) => {
      c.fillStyle = this.labels ? COLORS[this.labels[i] % COLORS.length] : soft;
      c.beginPath();
      c.arc(...px(p), r, 0, 7);
      c.fill();
    });
    if (this.on.trails) this.paintTrails(c, px);
    centers.forEach((p, i) => this.paintCenter(c, ...px(p), i));
    if (t < 1) this.draw();
  }

  paintRegions(c, f, centers) {
    const n = 160;
    const pixels = new ImageData(n, n);
    const rgb = COLORS.map((h) => [1, 3, 5].map((i) => parseInt(h.slice(i, i + 2), 16)));
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < n; column++) {
        const [x, y] = [(column + 0.5) / n, 1 - (row + 0.5) / n];
        let best = 0;
        let least = Infinity;
        centers.forEach((q, k) => {
          const d = (x - q[0]) ** 2 + (y - q[1]) ** 2;
          if (d < least) [best, least] = [k, d];
        });
        pixels.data.set([...rgb[best % rgb.length], 52], 4 * (row * n + column));
      }
    }
    this.cells ??= make("canvas", { width: n, height: n });
    this.cells.getContext("2d").putImageData(pixels, 0, 0);
    c.imageSmoothingEnabled = true;
    c.drawImage(this.cells, f.left, f.top, f.side, f.side);
  }

  paintLines(c, px, centers) {
    c.globalAlpha = 0.35;
    c.lineWidth = 1;
    this.points.forEach((p, i) => {
      c.strokeStyle = COLORS[this.labels[i] % COLORS.length];
      c.beginPath();
      c.moveTo(...px(p));
      c.lineTo(...px(centers[this.labels[i]]));
      c.stroke();
    });
    c.globalAlpha = 1;
  }

  paintTrails(c, px) {
    this.trails.forEach((trail) => {
      c.strokeStyle = css("--ink");
      c.lineWidth = 1.5;
      c.beginPath();
      trail.forEach((p, i) => (i ? c.lineTo(...px(p)) : c.moveTo(...px(p))));
      c.stroke();
      for (const p of trail.slice(0, -1)) {
        c.fillStyle = css("--ink");
        c.beginPath();
        c.arc(...px(p), 2, 0, 7);
        c.fill();
      }
    });
  }

  paintCenter(c, x, y, i) {
    c.beginPath();
    c.arc(x, y, 12, 0, 7);
    c.fillStyle = COLORS[i % COLORS.length];
    c.fill();
    c.lineWidth = i === this.chosen && document.activeElement === this.canvas ? 4 : 2.5;
    c.strokeStyle = css("--ink");
    c.stroke();
    c.fillStyle = "#fff";
    c.font = "600 12px system-ui, sans-serif";
    c.textAlign = "center";
    c.textBaseline = "middle";
    c.fillText(`${i + 1}`, x, y + 0.5);
  }

  // --- hands ---

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    const f = this.frame();
    return [(event.clientX - box.left - f.left) / f.side, 1 - (event.clientY - box.top - f.top) / f.side];
  }

  close(list, p) {
    const reach = NEAR / this.frame().side;
    let best = -1;
    let least = reach;
    list.forEach((q, i) => {
      const d = Math.hypot(p[0] - q[0], p[1] - q[1]);
      if (d < least) [best, least] = [i, d];
    });
    return best;
  }

  listen() {
    const c = this.canvas;
    const inside = (p) => p.map((v) => Math.min(1, Math.max(0, v)));
    c.addEventListener("pointerdown", (event) => {
      const p = inside(this.at(event));
      c.setPointerCapture(event.pointerId);
      const center = event.shiftKey ? -1 : this.close(this.centers, p);
      const touch = event.pointerType === "touch"; // which has no Shift: there a tap adds, a drag moves
      const point = event.shiftKey || touch ? this.close(this.points, p) : -1;
      if (center >= 0) this.chosen = center;
      this.dragging = center >= 0 ? { center } : point >= 0 ? { point, tapped: touch && p } : { last: p };
      if (this.dragging.last) this.hands.add(p);
    });
    c.addEventListener("pointermove", (event) => {
      const p = inside(this.at(event));
      const d = this.dragging;
      if (!d) {
        c.style.cursor = this.close(this.centers, p) >= 0 ? "grab" : "crosshair";
        return;
      }
      if (d.center !== undefined) this.hands.moveCenter(d.center, p);
      else if (d.point !== undefined) {
        if (d.tapped && Math.hypot(p[0] - d.tapped[0], p[1] - d.tapped[1]) < 0.01) return;
        d.tapped = null;
        this.hands.movePoint(d.point, p);
      }
      else if (Math.hypot(p[0] - d.last[0], p[1] - d.last[1]) > 0.02) {
        d.last = p;
        this.hands.scatter(p);
      }
    });
    const up = () => {
      if (!this.dragging) return;
      const was = this.dragging;
      this.dragging = null;
      if (was.tapped) this.hands.add(was.tapped);
      this.hands.done(was);
    };
    c.addEventListener("pointerup", up);
    c.addEventListener("pointercancel", up);
    c.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-0.01, 0], ArrowRight: [0.01, 0], ArrowUp: [0, 0.01], ArrowDown: [0, -0.01] }[event.key];
      if (event.key === "Enter") {
        this.chosen = (this.chosen + 1) % Math.max(1, this.centers.length);
        return this.draw();
      }
      if (!by || !this.centers[this.chosen]) return;
      event.preventDefault();
      const step = event.shiftKey ? 5 : 1;
      this.hands.moveCenter(this.chosen, inside(this.centers[this.chosen].map((v, j) => v + step * by[j])));
      this.hands.done({ center: this.chosen });
    });
    c.addEventListener("focus", this.draw);
    c.addEventListener("blur", this.draw);
  }
}
