// The page: views, ways in for pictures, keys.
import { Compressor } from "./compressor.js";
import { $, make, notice } from "./dom.js";
import * as exits from "./exits.js";
import { help, listen } from "./keys.js";
import * as settings from "./settings.js";
import { dress, words } from "./words.js";

const SAMPLES = [
  { file: "dusk.jpg", title: words.sampleNames[0], colors: 8 },
  { file: "palace.jpg", title: words.sampleNames[1], colors: 16 },
  { file: "badge.png", title: words.sampleNames[2], colors: 32 },
];
const FALLBACK = { body: 100e6, processes: 2 };
const PALETTE = /\.(gpl|ase|act|aco|pal|hex|css|json)$/i;

dress();
const health = await fetch("/api/health").then((r) => r.json()).catch(() => ({ limits: FALLBACK, films: [] }));
const compressor = new Compressor(health.limits, health.films);
const others = {}; // the other views, loaded when first asked for

// --- views ---

async function view() {
  const [name] = location.hash.slice(1).split("?");
  const shown = ["why", "points"].includes(name) ? name : "compress";
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === shown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const id of ["compress", "why", "points"]) $(id).hidden = id !== shown;
  document.title = shown === "compress" ? "tinct" : `${words[shown]} – tinct`;
  if (shown === "compress") return;
  others[shown] ??= new (await import(`./${shown}.js`)).View($(shown), compressor);
  await others[shown].open();
}
addEventListener("hashchange", view);

const shownView = () => others[["why", "points"].find((id) => !$(id).hidden)];

// --- ways in ---

async function sample({ file, colors }) {
  const blob = await fetch(`/samples/${file}`).then((r) => r.blob());
  if (!new URLSearchParams(location.search).has("colors")) settings.set({ colors, aim: "colors" }, false);
  compressor.add([new File([blob], file, { type: blob.type })]);
}

for (const one of SAMPLES) {
  const picture = make("img", { src: `/samples/${one.file}`, alt: "", loading: "lazy" });
  $("samples").append(make("button", { type: "button", onclick: () => sample(one) }, picture, make("span", {}, one.title)));
}

function open(files) {
  const pictures = [...files].filter((file) => !PALETTE.test(file.name));
  const palette = [...files].find((file) => PALETTE.test(file.name));
  if (!pictures.length && !palette) return notice(words.onlyPictures, true);
  location.hash = "#compress";
  if (palette) compressor.drawWith(palette);
  if (pictures.length) compressor.add(pictures);
}

$("pick").addEventListener("change", () => {
  open($("pick").files);
  $("pick").value = "";
});
$("add").addEventListener("click", () => $("pick").click());

let depth = 0;
const dragging = (by) => {
  depth = Math.max(0, depth + by);
  $("dropping").hidden = depth === 0;
};
addEventListener("dragenter", (event) => event.dataTransfer?.types.includes("Files") && dragging(1));
addEventListener("dragleave", (event) => event.dataTransfer?.types.includes("Files") && dragging(-1));
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", async (event) => {
  event.preventDefault();
  dragging(-depth);
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  open(entries.some((e) => e.isDirectory) ? await inside(entries) : event.dataTransfer.files);
});
addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) open(event.clipboardData.files);
});

// Folders that were dropped, with all that is in them.
async function inside(entries) {
  const found = [];
  for (const entry of entries) {
    if (entry.isFile) {
      const file = await new Promise((done, fail) => entry.file(done, fail));
      if (file.type.startsWith("image/")) found.push(file);
    } else {
      const reader = entry.createReader();
      for (;;) {
        const some = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (!some.length) break;
        found.push(...(await inside(some)));
      }
    }
  }
  return found;
}

// --- buttons and keys ---

const { stage } = compressor;
const toggle = (name) => {
  stage.set({ [name]: !stage[name] });
  $(name).setAttribute("aria-pressed", stage[name]);
};
function copies(yes = $("copies").hidden) {
  $("copies").hidden = !yes;
  $("copy-open").setAttribute("aria-expanded", yes);
  if (yes) $("save-one").hidden = $("save-all").hidden = compressor.files.length < 2;
}
const buttons = {
  "zoom-in": () => stage.zoom(stage.view.scale * 1.5), "zoom-out": () => stage.zoom(stage.view.scale / 1.5),
  zoom: () => (stage.fits ? stage.zoom(1) : stage.fit()), difference: () => toggle("difference"), loupe: () => toggle("loupe"),
  ground: () => stage.nextGround(), play: () => compressor.film.toggle(), "options-open": () => (compressor.drawer.open(), compressor.choose(compressor.chosen)), "copy-open": () => copies(),
  download: () => exits.download(compressor), undo: () => settings.undo(), "help-open": () => help(),
  "save-palette": () => exits.savePalette(compressor), "save-one": () => exits.downloadOne(compressor), "save-all": () => exits.downloadAll(compressor),
};
$("palette-format").append(...Object.entries(words.paletteFormats).map(([value, text]) => make("option", { value }, text)));
for (const what of ["command", "python", "link", "palette"]) buttons[`copy-${what}`] = () => exits.copyAs(what, compressor);
for (const [id, act] of Object.entries(buttons)) {
  $(id).addEventListener("click", () => {
    act();
    if ($("copies").contains($(id))) copies(false);
  });
}
addEventListener("pointerdown", (event) => {
  if (!$("copies").hidden && !event.target.closest("#copies, #copy-open")) copies(false);
});

const onStage = (act) => (event) => {
  if ($("compress").hidden || !compressor.file) return false;
  act(event);
};
const k = (by) => onStage((event) => compressor.setK(settings.current().colors + by * (event.shiftKey ? 10 : 1)));
const stepping = (name) => () => (shownView() ? shownView()[name]() : false);
const keys = {
  ArrowLeft: k(-1), ArrowRight: k(1), ArrowDown: k(-1), ArrowUp: k(1), " ": onStage(() => stage.set({ peek: true })),
  d: onStage(() => toggle("difference")), l: onStage(() => toggle("loupe")), f: onStage(() => stage.fit()), g: onStage(() => stage.nextGround()),
  o: onStage(buttons["options-open"]), n: onStage(() => compressor.next(1)), m: onStage(() => compressor.next(-1)),
  s: stepping("step"), b: stepping("back"), p: () => (shownView() ? shownView().play() : compressor.film.toggle()), "?": () => help(),
  "ctrl+s": onStage(() => exits.download(compressor)), "ctrl+z": onStage(() => settings.undo()),
  Escape: () => {
    if (!$("help").hidden) help(false);
    else if (!$("copies").hidden) copies(false);
    else if (!$("drawer").hidden) compressor.drawer.open(false);
    else compressor.choose(null);
  },
};
for (let i = 1; i <= 9; i++) keys[`${i}`] = onStage(() => stage.zoom(i));
listen(keys, () => stage.peek && stage.set({ peek: false }));

await view();
document.documentElement.dataset.ready = "yes"; // for tests
