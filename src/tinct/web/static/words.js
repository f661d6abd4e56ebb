// Every word that the page says, in one place.

const kb = (n) => {
  if (n < 1000) return `${n} B`;
  let unit = "kB";
  let value = n / 1000;
  for (const larger of ["MB", "GB"]) {
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`;
};
const many = (n, one, more = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;
const short = (x) => Number(x.toPrecision(3)).toLocaleString("en");
const digits = (x) => Number(x.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 6 });

const LOOKS = [
  [90, "can’t be told from the original"], [80, "very good"], [70, "good"], [60, "fair"],
  [45, "rough"], [-Infinity, "coarse"],
];

export const words = {
  // frame
  compress: "Compress", why: "Why these?", points: "Points", views: "Views", keys: "Keys",
  add: "Add files",
  // empty
  drop: "Drop a picture, or paste one.",
  dropMore: "One or two hundred. Then choose how many colors are enough.",
  dropHere: "Let go to open",
  pick: "Pick files", samples: "Samples", sampleNames: ["Dusk, in 8 colors", "A photograph, in 16", "An icon, in 32"],
  private: "Everything stays on this machine.",
  // stage
  original: "Original", result: "Result", view: "View", working: "Working", searching: "Searching: drawing parts of it…", drawing: (n, size) => `Searching: drawing ${n} took ${kb(size)}`,
  picture: (name, w, h, k) => `${name}, ${w} by ${h} pixels: original on the left, ${many(k, "color")} on the right`,
  divider: "Divider between original and result",
  zoomIn: "Zoom in", zoomOut: "Zoom out", zoomNow: (percent) => `${percent}: fit, or 100 %`, difference: "Difference, four times amplified",
  loupe: "Loupe, four times", ground: "Ground under transparency", percent: (x) => `${Math.round(x * 100)} %`,
  // band and numbers
  colors: "Colors", kNow: (k) => `${k}`, kSaid: (k) => many(k, "color"),
  bytes: (a, b) => (a ? `${kb(a)} → ${kb(b)}` : kb(b)), kb,
  saved: (a, b) => {
    const share = Math.round((b / a - 1) * 100);
    return `${share > 0 ? "+" : share < 0 ? "−" : ""}${Math.abs(share)} %`;
  },
  looks: (score) => LOOKS.find(([least]) => score >= least)[1],
  score: (score, ground) => `The number is SSIMULACRA2${ground ? `, over ${ground}, where it is least` : ""}: 90 can’t be told from the original, 70 is good.`,
  bands: { none: "no bands", slight: "slight bands", visible: "visible bands" },
  decibels: (psnr) => `PSNR ${psnr.toFixed(1)} dB`,
  looked: "looks", lossless: "lossless: every pixel as it was",
  notSmaller: "This one is already small: left as it is.",
  onlyFirst: "Several frames: only the first is kept.", frames: (n) => `an animation of ${many(n, "frame")}`,
  flaw: "A broken file: what was there is kept.",
  cut: "GIF has no half-transparent pixels: they are there or not.",
  share: (hex, share) => `#${hex} · ${share < 0.001 ? "under 0.1" : (share * 100).toFixed(1)} % of the pixels`,
  copyHex: "Copy", everywhere: "Show all", pin: "Pin", unpin: "Unpin", replace: "Replace", replaceWith: (hex) => `Another color instead of #${hex}`,
  pinned: "pinned", unused: (hex) => `No pixel is nearest to #${hex}.`,
  // actions
  undo: "Undo", options: "Options", copy: "Copy", download: "Download", close: "Close",
  copyCommand: "Copy as command", copyPython: "Copy as Python", copyLink: "Copy link to these settings",
  copyPalette: "Copy palette as hex", savePalette: "Save palette as", paletteFormat: "Format of the palette", paletteFormats: { gpl: "GPL (GIMP)", ase: "ASE (Adobe)", aco: "ACO (Photoshop)", act: "ACT (Photoshop)", pal: "PAL (JASC)", riff: "PAL (Windows)", hex: "Hex list", css: "CSS", json: "JSON", png: "PNG swatches" }, saveOne: "Save this one", saveAll: "Save all (ZIP)",
  copied: (what) => `Copied: ${what}`, saving: (n) => `Saved ${many(n, "file")}`,
  // options
  usual: (text) => `usual: ${text}`,
  aim: "Aim", aims: { colors: "so many colors", auto: "as few colors as look the same", lossy: "fewer bytes, some loss", quality: "so good", size: "so small" },
  dither: "Dither", dithers: (x) => (x === 0 ? "none" : x < 0.4 ? "a little" : x < 0.9 ? "balanced" : "full"),
  lossy: "Loss", losses: (x) => (x === 0 ? "none" : x < 0.25 ? "hardly seen" : x < 0.55 ? "seen if you look" : "seen"),
  quality: "Quality", qualities: (x) => LOOKS.find(([least]) => x >= least)[1],
  size: "Most bytes", sizeHint: "such as 80k or 1.5M",
  format: "Format", formats: { "": "PNG; animations as they are", png: "PNG", webp: "WebP, smallest", gif: "GIF" },
  fixed: "Draw with", fixedHint: "#ff8800,#000, or a name", chosenFor: "colors chosen for the picture",
  paletteFile: "A palette file or a picture…", drawnWith: (name, n) => `Drawn with the ${many(n, "color")} of ${name}.`, keep_order: "Keep all, in this order",
  metadata: "Comes along", metadatas: { density: "pixels per inch", all: "EXIF, texts and times as well", none: "nothing" },
  allow_truncated: "Take what is there of broken files",
  space: "Distances", spaces: { oklab: "as the eye sees (Oklab)", srgb: "as textbooks do (sRGB)" },
  effort: "Effort", efforts: (x) => (x === 0 ? "least" : x === 1 ? "usual" : x < 5 ? "more" : "a lot: takes long"),
  own: "Only for this picture", palette: "Palette",
  shared: "These hold for all files.", ownNow: "These hold for this file only.",
  // files
  files: "Files", several: (n) => many(n, "file"), waiting: "waiting", failed: "failed", remove: (name) => `Remove ${name}`,
  totals: (done, n, failed, a, b) =>
    `${done + failed < n ? `${done} of ` : ""}${many(n, "file")}${failed ? `, ${failed} failed` : ""}` + (a ? ` · ${kb(a)} → ${kb(b)}, ${words.saved(a, b)}` : ""),
  hasOwn: "has settings of its own",
  unreadable: (name) => `Couldn’t read ${name}`, tooLarge: (name, most) => `${name} is larger than ${kb(most)}, the most this server takes.`,
  noServer: "The server doesn’t answer. Is tinct serve still running?",
  onlyPictures: "That wasn’t a picture.",
  // steps, shared by points and cloud
  back: "Back", step: "Step", play: "Play", pause: "Pause", again: "From the start", speed: "Speed",
  k: "K", start: "Start", starts: { random: "random", "k-means++": "k-means++", divisive: "divisive", hand: "by hand" },
  seed: "Another start", iteration: (i, n) => `step ${i} of ${n}`,
  sentence: {
    start: (k) => `${many(k, "center")} ${k === 1 ? "stands" : "stand"} where the start put ${k === 1 ? "it" : "them"}. No point belongs to any yet.`,
    first: (n) => `Assign: each of the ${many(n, "point")} takes its nearest center.`,
    assign: (n, all) => `Assign: ${all ? many(n, "point") : `${n.toLocaleString("en")} of the points shown`} changed ${n === 1 ? "its" : "their"} center.`,
    move: (i, d, n, all) => `Move: center ${i} went farthest, ${short(d)}, to the middle of its ${all ? many(n, "point") : "points"}.`,
    resting: (n) => `The centers have come to rest, after ${many(n, "iteration")}.`,
    converged: (n) => `Nothing changed: it has converged, after ${many(n, "iteration")}.`,
    stopped: (n) => `Stopped after ${many(n, "iteration")}.`,
  },
  inertia: "Inertia", inertiaShort: "sum of squared distances; never rises", tooFew: (n) => `Add points: ${n} at least.`, inertiaIs: (x) => `inertia ${digits(x)}`,
  inertiaMeans: "The sum of squared distances from points to their centers. It never rises. Each dot is a step: click one.",
  // points
  data: "Points", datasets: { blobs: "blobs", moons: "moons", rings: "rings", uniform: "uniform", empty: "empty: add your own", csv: "your CSV…" },
  regions: "Regions", lines: "Lines", trails: "Trails", compare: "Same points, another start",
  elbow: "How many?", elbowTitle: "Inertia and silhouette for each K", suggested: (k) => `The silhouette is highest at K = ${k}.`,
  planeHelp: "Click to add a point, drag on the plane to scatter, drag a center to move it, Shift-drag a point to move it; by touch, drag it.",
  plane: (n, k) => `Plane with ${many(n, "point")} and ${many(k, "center")}`,
  scatter: "New points",
  two: (a, b) => (Math.abs(a - b) < 1e-9 * Math.max(a, b) ? "Both starts end in the same place." : `The starts end differently: ${digits(a)} and ${digits(b)}. K-means finds the nearest valley, not the deepest.`),
  csvBad: "This file has no two columns of numbers.",
  // why
  needPicture: "Open a picture first: these are its colors.",
  goPick: "Open a picture", cloud: (n) => `Cloud of ${many(n, "color")}: drag to turn, wheel to zoom`,
  cloudSaid: (distinct, pixels) => `${many(distinct, "distinct color")} in ${many(pixels, "pixel")}; large dots occur often.`,
  axes: { oklab: "Oklab", srgb: "RGB" }, space3: "Space",
  film: "Film", films: { gif: "GIF", webp: "WebP", mp4: "MP4", png: "Sheet (PNG)" }, filming: "Drawing the film; a few seconds…",
  pixelOf: (hex, i) => `This pixel is #${hex}; center ${i} draws it.`, centerOf: (i, hex, share) => `Center ${i} is #${hex} and draws ${(share * 100).toFixed(1)} % of the picture.`,
  whyIntro: "Each dot is a color of your picture. Step: dots take the color of their nearest center. Step: centers move to the middle of what is theirs.",
  // keys
  keyList: [
    ["← →", "one color fewer or more; with Shift ten"], ["Space", "hold: original"], ["D", "difference"], ["L", "loupe"],
    ["1 … 9", "zoom to 100 … 900 %"], ["F", "fit"], ["G", "ground under transparency"], ["O", "options"],
    ["S / B / P", "step, back, play; P plays an animation, too"], ["N / M", "next, previous file"],
    ["Ctrl/⌘ S", "download"], ["Ctrl/⌘ V", "paste a picture"], ["Ctrl/⌘ Z", "undo"], ["?", "these keys"], ["Esc", "close what is open"],
  ],
};

// Puts the words where the page's markup asks for them.
export function dress(root = document) {
  for (const e of root.querySelectorAll("[data-word]")) e.textContent = words[e.dataset.word];
  for (const e of root.querySelectorAll("[data-label]")) {
    e.setAttribute("aria-label", words[e.dataset.label]);
    if (e.tagName === "BUTTON") e.title = words[e.dataset.label];
  }
}
