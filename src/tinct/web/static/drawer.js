// The options that slide in: each with a word and a number, its usual value marked; a click on the label resets it.
import { $, make } from "./dom.js";
import { current, isOwn, pins, plain, set, USUAL } from "./settings.js";
import { words } from "./words.js";

const NAMES = ["bw", "gray4", "eink7", "gameboy", "terminal16", "web216"];
const AIMS = ["colors", "auto", "lossy", "quality", "size"];

export class Drawer {
  constructor(pick, setOwn, drawWith) {
    this.box = $("drawer");
    this.pick = pick;
    this.rows = [];
    this.own = make("input", { type: "checkbox", id: "own", onchange: () => setOwn(this.own.checked) });
    this.held = make("p", { class: "small" });
    this.files = make("input", { type: "file", id: "palette-file", onchange: () => (drawWith(this.files.files[0]), (this.files.value = "")) });
    this.swatches = make("ul", { class: "swatches" });
    this.box.append(
      make("div", { class: "head" }, make("h2", {}, words.options),
        make("button", { type: "button", class: "quiet round", "aria-label": words.close, title: words.close, onclick: () => this.open(false) }, "×")),
      this.select("aim", AIMS, words.aims),
      this.range("lossy", 0, 1, 0.05, words.losses, (s) => s.aim === "lossy"),
      this.range("quality", 1, 100, 1, words.qualities, (s) => s.aim === "quality"),
      this.text("max_bytes", words.size, words.sizeHint, (s) => s.aim === "size"),
      this.range("dither", 0, 1, 0.05, words.dithers),
      this.text("palette", words.fixed, words.fixedHint, when_always, words.chosenFor),
      make("datalist", { id: "o-names" }, ...NAMES.map((name) => make("option", { value: name }))),
      this.check("keep_order", (s) => s.palette),
      make("p", { class: "row" }, make("label", { class: "button" }, words.paletteFile, this.files)),
      this.select("format", ["", "png", "webp", "gif"], words.formats),
      this.select("space", ["oklab", "srgb"], words.spaces),
      this.range("effort", 0, 10, 1, words.efforts),
      this.select("metadata", ["density", "all", "none"], words.metadatas),
      this.check("allow_truncated", when_always),
      this.owns = make("p", { class: "row" }, this.own, make("label", { for: "own" }, words.own)),
      this.held,
      make("h3", {}, words.palette),
      this.swatches,
    );
  }

  open(yes = this.box.hidden) {
    this.box.hidden = !yes;
    $("options-open").setAttribute("aria-expanded", yes);
    if (yes) {
      this.update();
      this.box.querySelector("select").focus();
    }
    else if (this.box.contains(document.activeElement)) $("options-open").focus();
  }

  row(name, title, control, when, value) {
    const label = make("label", { for: control.id }, title);
    const usual = make("button", { type: "button", class: "usual", onclick: () => set({ [name]: USUAL[name] }) });
    const row = make("div", { class: "option" }, label, value, control, usual);
    this.rows.push({ name, row, control, when, value, usual });
    return row;
  }

  range(name, min, max, step, word, when) {
    const control = make("input", { type: "range", id: `o-${name}`, min: `${min}`, max: `${max}`, step: `${step}` });
    control.addEventListener("input", () => set({ [name]: Number(control.value) }));
    const value = make("output", { for: control.id });
    value.word = (x) => `${word(Number(x))}, ${x}`;
    return this.row(name, words[name], control, when, value);
  }

  select(name, choices, texts) {
    const control = make("select", { id: `o-${name}` }, ...choices.map((c) => make("option", { value: c }, texts[c])));
    control.addEventListener("change", () => set({ [name]: control.value }));
    const value = make("span", {});
    value.word = () => "";
    value.usual = (x) => texts[x];
    return this.row(name, words[name], control, when_always, value);
  }

  text(name, title, hint, when, usual) {
    const control = make("input", { type: "text", id: `o-${name}`, autocomplete: "off", spellcheck: "false" });
    if (usual) control.setAttribute("list", "o-names");
    control.addEventListener("change", () => set({ [name]: control.value.trim() || USUAL[name] }));
    const value = make("span", {}, hint);
    value.word = () => hint;
    if (usual) value.usual = () => usual;
    return this.row(name, title, control, when, value);
  }

  check(name, when) {
    const control = make("input", { type: "checkbox", id: `o-${name}`, onchange: () => set({ [name]: control.checked }) });
    const row = make("p", { class: "row" }, control, make("label", { for: control.id }, words[name]));
    this.rows.push({ name, row, control, when });
    return row;
  }

  // Only what is open is kept up to date.
  update(files = this.count) {
    this.count = files;
    if (this.box.hidden) return;
    const s = current();
    for (const { name, row, control, when, value, usual } of this.rows) {
      row.hidden = when ? !when(s) : false;
      if (control.type === "checkbox") {
        control.checked = s[name];
        continue;
      }
      if (document.activeElement !== control || control.type !== "text") control.value = s[name];
      value.textContent = value.word(s[name]);
      if (control.type === "range") control.setAttribute("aria-valuetext", value.textContent);
      usual.hidden = s[name] === USUAL[name];
      usual.textContent = words.usual(value.usual ? value.usual(USUAL[name]) : USUAL[name]);
    }
    this.own.checked = isOwn();
    this.owns.hidden = this.held.hidden = files < 2;
    this.held.textContent = isOwn() ? words.ownNow : words.shared;
  }

  palette(colors, shares, chosen) {
    if (this.box.hidden) return;
    const held = pins();
    const items = colors.map((hex, i) => {
      const text = words.share(hex, shares[i]) + (held.includes(plain(hex)) ? `, ${words.pinned}` : "");
      const swatch = make("button", {
        type: "button", title: text, "aria-label": text,
        "aria-pressed": `${hex === chosen}`, onclick: () => this.pick(hex === chosen ? null : hex),
      });
      swatch.style.background = `#${hex}`;
      return make("li", {}, swatch);
    });
    this.swatches.replaceChildren(...items);
  }
}

const when_always = () => true;
