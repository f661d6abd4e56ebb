// The files that are open: what each is, how it is doing, and its row in the strip.
import { call } from "./api.js";
import { aside } from "./aside.js";
import { $, make } from "./dom.js";
import { reading } from "./settings.js";
import { words } from "./words.js";

export class PictureFile {
  constructor(blob, name) {
    this.blob = blob;
    this.name = name;
    this.key = null; // what the server calls it
    this.own = null; // settings of its own
    this.result = null; // {asked, blob, report}
    this.error = null;
    this.busy = false;
  }

  // Decoded by the browser off the main thread, or by the server where the browser can't.
  async decode() {
    try {
      return await aside("decode", { blob: this.blob });
    } catch {
      const { answer } = await call("/api/original", { side: 4096, ...reading() }, this);
      return aside("decode", { blob: await answer.blob() });
    }
  }

  get smaller() {
    return this.result && this.result.blob.size < this.blob.size;
  }

  // What goes into a ZIP: the result, or the file as it was where that is smaller.
  get best() {
    return this.smaller ? this.result.blob : this.blob;
  }
}

async function thumbnail(canvas, blob) {
  try {
    const small = await createImageBitmap(blob, { resizeHeight: 64, resizeQuality: "low" });
    canvas.width = Math.min(96, small.width);
    canvas.height = 64;
    canvas.getContext("2d").drawImage(small, 0, 0);
    small.close();
  } catch { /* what the browser can't read has no thumbnail */ }
}

export class Strip {
  constructor(show, remove) {
    this.show = show;
    this.remove = remove;
    this.rows = new Map();
  }

  update(files, shown) {
    if (($("strip").hidden = files.length < 2)) return;
    for (const [file, row] of this.rows) if (!files.includes(file)) row.item.remove(), this.rows.delete(file);
    for (const file of files) {
      const row = this.rows.get(file) ?? this.add(file);
      const text = file.error ? words.failed : file.result ? words.bytes(file.blob.size, file.result.report.bytes_out) : words.waiting;
      row.text.textContent = text;
      row.item.classList.toggle("failed", !!file.error);
      row.item.classList.toggle("busy", file.busy);
      row.dot.hidden = !file.own;
      const share = file.result ? Math.min(1, file.result.report.bytes_out / file.blob.size) : 0;
      row.fill.style.transform = `scaleX(${share})`;
      row.button.setAttribute("aria-current", file === shown);
      row.button.title = file.error ?? file.name;
    }
    const done = files.filter((f) => f.result);
    const sum = (of) => done.reduce((total, f) => total + of(f), 0);
    $("totals").textContent = words.totals(done.length, files.length, files.filter((f) => f.error && !f.result).length, sum((f) => f.blob.size), sum((f) => f.best.size));
  }

  add(file) {
    const picture = make("canvas", { width: 64, height: 64, "aria-hidden": "true" });
    const row = {
      text: make("span", { class: "state" }),
      dot: make("span", { class: "dot", title: words.hasOwn }, "●"),
      fill: make("i", {}),
    };
    row.button = make("button", { type: "button", class: "file", onclick: () => this.show(file) },
      picture, make("span", { class: "name" }, file.name), row.text, make("span", { class: "meter", "aria-hidden": "true" }, row.fill));
    row.item = make("li", {}, row.button, row.dot,
      make("button", { type: "button", class: "remove", "aria-label": words.remove(file.name), title: words.remove(file.name), onclick: () => this.remove(file) }, "×"));
    $("files").append(row.item);
    this.rows.set(file, row);
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((e) => e.isIntersecting)) return;
      seen.disconnect();
      thumbnail(picture, file.blob);
    });
    seen.observe(row.item);
    return row;
  }
}
