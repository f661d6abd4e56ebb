// Original and result under one divider, with zoom and pan.
import { $, css, fitted, framed } from "./dom.js";
import { words } from "./words.js";

const GROUNDS = ["checker", "black", "white", "#c13b7a"];
const MOST = 64; // times
const LOUPE = 90; // CSS pixels

// Bitmaps hold megabytes that the garbage collector doesn't see.
function letGo(bitmap) {
  bitmap?.close();
  bitmap?.small?.close();
}

export class Stage {
  constructor(pick) {
    this.canvas = $("canvas");
    this.handle = $("divider");
    this.pick = pick;
    this.original = this.result = this.mask = null;
    this.moving = {}; // the frames that stand in for the two while an animation plays
    this.size = { width: 0, height: 0 };
    this.view = { scale: 1, x: 0, y: 0 };
    this.split = 0.5;
    this.fits = true;
    this.peek = this.difference = this.loupe = false;
    this.ground = 0;
    this.squares = null; // the pattern of the checker
    this.pointer = null;
    this.draw = framed(() => this.paint());
    this.scratch = document.createElement("canvas");
    new ResizeObserver(() => (this.fits ? this.fit() : this.draw())).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.squares = null;
      this.draw();
    });
    this.listen();
  }

  // --- what is shown ---

  show(bitmap, width, height) {
    const same = this.size.width === width && this.size.height === height;
    for (const old of [this.original, this.result]) letGo(old);
    this.original = bitmap;
    this.result = this.mask = null;
    this.size = { width, height };
    this.furnish();
    if (!same || this.fits) this.fit();
    else this.draw();
  }

  // The original of what is shown, where the result was there first.
  join(bitmap) {
    this.original = bitmap;
    this.furnish();
    this.draw();
  }

  furnish() {
    this.handle.hidden = $("side-a").hidden = $("side-b").hidden = $("tools").hidden = !this.original;
  }

  set(changes) {
    if ("result" in changes && changes.result !== this.result) letGo(this.result);
    Object.assign(this, changes);
    this.draw();
  }

  // A frame of an animation in the place of a still; null: the stills again.
  frame(name, image) {
    letGo(this.moving[name]);
    this.moving[name] = image;
    this.draw();
  }

  get seen() {
    return { original: this.moving.original ?? this.original, result: this.moving.result ?? this.result };
  }

  // --- the view ---

  fit() {
    const { clientWidth: w, clientHeight: h } = this.canvas;
    const margin = Math.min(w, h) < 500 ? 8 : 24;
    const free = Math.min((w - 2 * margin) / this.size.width, (h - 2 * margin) / this.size.height);
    const scale = free >= 1 ? Math.min(Math.floor(free), 8) : Math.max(free, 0.01);
    this.fits = true;
    this.look({ scale, x: (w - scale * this.size.width) / 2, y: (h - scale * this.size.height) / 2 });
  }

  // So many times, with the point under (x, y) at rest.
  zoom(scale, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    const next = Math.min(MOST, Math.max(0.02, scale));
    const f = next / this.view.scale;
    this.fits = false;
    this.look({ scale: next, x: x - (x - this.view.x) * f, y: y - (y - this.view.y) * f });
  }

  look(view) {
    // Some of the picture always stays in sight.
    const { clientWidth: w, clientHeight: h } = this.canvas;
    const keep = 40;
    view.x = Math.round(Math.min(w - keep, Math.max(keep - view.scale * this.size.width, view.x)));
    view.y = Math.round(Math.min(h - keep, Math.max(keep - view.scale * this.size.height, view.y)));
    this.view = view;
    const percent = ($("zoom").textContent = words.percent(view.scale));
    $("zoom").setAttribute("aria-label", ($("zoom").title = words.zoomNow(percent)));
    this.draw();
  }

  divide(split) {
    this.split = Math.min(1, Math.max(0, split));
    this.handle.setAttribute("aria-valuenow", Math.round(100 * this.split));
    this.draw();
  }

  nextGround() {
    this.ground = (this.ground + 1) % GROUNDS.length;
    this.draw();
  }

  // --- drawing ---

  paint() {
    const { context: c, width, height } = fitted(this.canvas);
    c.fillStyle = css("--surround");
    c.fillRect(0, 0, width, height);
    const at = Math.round(width * this.split);
    const differs = this.difference && this.result && this.original;
    const split = !differs;
    this.handle.style.transform = `translateX(${at}px)`;
    this.handle.style.opacity = split ? 1 : 0;
    $("side-a").style.opacity = split && at > 90 ? 1 : 0;
    $("side-b").style.opacity = split && width - at > 90 ? 1 : 0;
    const { original, result } = this.seen;
    const [left, right] = [original ?? result, result ?? original];
    if (!left) return;
    this.under(c, width, height);
    if (differs) this.paintDifference(c, width, height);
    else {
      this.part(c, this.peek ? left : right, at, 0, width - at, height);
      this.part(c, left, 0, 0, at, height);
    }
    if (this.mask && !this.peek) this.place(c, this.mask);
    if (this.loupe && this.pointer) this.paintLoupe(c, left, right);
  }

  // What shows through where the picture doesn't cover.
  under(c, width, height) {
    const { scale, x, y } = this.view;
    c.save();
    c.beginPath();
    c.rect(x, y, scale * this.size.width, scale * this.size.height);
    c.clip();
    const ground = GROUNDS[this.ground];
    c.fillStyle = ground === "checker" ? (this.squares ??= this.checker(c)) : ground;
    c.fillRect(0, 0, width, height);
    c.restore();
  }

  checker(c) {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 16;
    const t = tile.getContext("2d");
    t.fillStyle = css("--checker-a");
    t.fillRect(0, 0, 16, 16);
    t.fillStyle = css("--checker-b");
    t.fillRect(0, 0, 8, 8);
    t.fillRect(8, 8, 8, 8);
    return c.createPattern(tile, "repeat");
  }

  part(c, image, x, y, width, height) {
    if (width <= 0) return;
    c.save();
    c.beginPath();
    c.rect(x, y, width, height);
    c.clip();
    this.place(c, image);
    c.restore();
  }

  place(c, image, view = this.view) {
    const [width, height] = [view.scale * this.size.width, view.scale * this.size.height];
    const device = (window.devicePixelRatio || 1) * width;
    const source = image.small && device <= image.small.width ? image.small : image;
    c.imageSmoothingEnabled = view.scale < 1;
    // More than bilinear takes tens of milliseconds, and shows only where pixels would be skipped.
    c.imageSmoothingQuality = source.width > 2.2 * device ? "medium" : "low";
    c.drawImage(source, view.x, view.y, width, height);
  }

  paintDifference(c, width, height) {
    const s = this.scratch;
    s.width = this.canvas.width;
    s.height = this.canvas.height;
    const t = s.getContext("2d");
    t.setTransform(c.getTransform());
    this.place(t, this.seen.original);
    t.globalCompositeOperation = "difference";
    this.place(t, this.seen.result);
    t.globalCompositeOperation = "lighter"; // twice itself, twice
    t.setTransform(1, 0, 0, 1, 0, 0);
    t.drawImage(s, 0, 0);
    t.drawImage(s, 0, 0);
    c.drawImage(s, 0, 0, width, height);
  }

  paintLoupe(c, left, right) {
    const { x, y } = this.pointer;
    const scale = Math.max(4, this.view.scale * 4);
    const f = scale / this.view.scale;
    const view = { scale, x: x - (x - this.view.x) * f, y: y - (y - this.view.y) * f };
    c.save();
    c.beginPath();
    c.arc(x, y, LOUPE, 0, 7);
    c.fillStyle = css("--surround");
    c.fill();
    c.clip();
    this.place(c, right, view);
    c.beginPath();
    c.rect(x - LOUPE, y - LOUPE, LOUPE, 2 * LOUPE);
    c.clip();
    this.place(c, left, view);
    c.restore();
    c.strokeStyle = "#fff";
    c.lineWidth = 2;
    c.beginPath();
    c.arc(x, y, LOUPE, 0, 7);
    c.moveTo(x, y - LOUPE);
    c.lineTo(x, y + LOUPE);
    c.stroke();
  }

  // --- hands ---

  placeOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  pixel(p) {
    const [x, y] = [(p.x - this.view.x) / this.view.scale, (p.y - this.view.y) / this.view.scale];
    const inside = x >= 0 && y >= 0 && x < this.size.width && y < this.size.height;
    return inside ? { x, y } : null;
  }

  listen() {
    const down = new Map();
    let moved = 0;
    let spread = 0;
    const c = this.canvas;
    c.addEventListener("pointerdown", (event) => {
      if (!this.original) return;
      c.setPointerCapture(event.pointerId);
      down.set(event.pointerId, this.placeOf(event));
      moved = 0;
      spread = 0;
    });
    c.addEventListener("pointermove", (event) => {
      const p = this.placeOf(event);
      const last = down.get(event.pointerId);
      if (!last) return;
      const [dx, dy] = [p.x - last.x, p.y - last.y];
      moved += Math.abs(dx) + Math.abs(dy);
      down.set(event.pointerId, p);
      this.fits = false;
      const share = 1 / down.size;
      this.look({ ...this.view, x: this.view.x + dx * share, y: this.view.y + dy * share });
      if (down.size === 2) {
        const [a, b] = [...down.values()];
        const now = Math.hypot(a.x - b.x, a.y - b.y);
        if (spread) this.zoom((this.view.scale * now) / spread, (a.x + b.x) / 2, (a.y + b.y) / 2);
        spread = now;
      }
    });
    const up = (event) => {
      if (!down.delete(event.pointerId)) return;
      if (event.type === "pointerup" && moved < 5) this.pick(this.pixel(this.placeOf(event)));
    };
    c.addEventListener("pointerup", up);
    c.addEventListener("pointercancel", up);
    // The loupe follows over the divider, too.
    c.parentElement.addEventListener("pointermove", (event) => this.loupe && this.set({ pointer: this.placeOf(event) }));
    c.parentElement.addEventListener("pointerleave", () => this.loupe && this.set({ pointer: null }));
    c.addEventListener("wheel", (event) => {
      if (!this.original) return;
      event.preventDefault();
      const p = this.placeOf(event);
      const step = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY;
      this.zoom(this.view.scale * Math.exp(-step / (event.ctrlKey ? 100 : 400)), p.x, p.y);
    }, { passive: false });
    c.addEventListener("dblclick", (event) => {
      const p = this.placeOf(event);
      if (this.view.scale < 1) this.zoom(1, p.x, p.y);
      else this.fit();
    });
    this.listenToDivider();
  }

  listenToDivider() {
    const h = this.handle;
    h.setAttribute("aria-label", words.divider);
    h.addEventListener("pointerdown", (event) => h.setPointerCapture(event.pointerId));
    h.addEventListener("pointermove", (event) => {
      if (h.hasPointerCapture(event.pointerId)) this.divide(this.placeOf(event).x / this.canvas.clientWidth);
    });
    h.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.2, PageUp: 0.2, Home: -1, End: 1 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.divide(this.split + by);
    });
  }
}
