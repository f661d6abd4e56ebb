// What was asked for: in the URL, with undo, for all files or for one.

export const USUAL = {
  colors: 16, aim: "colors", dither: 0.75, lossy: 0.3, quality: 80, max_bytes: "80k",
  format: "", space: "oklab", effort: 1, seed: 0, palette: "", keep_order: false, reserve: "",
  metadata: "density", allow_truncated: false,
};
export const QUICK = ["colors", "lossy"]; // aims whose K is known, so that a preview shows what will come
const NUMBERS = ["colors", "dither", "lossy", "quality", "effort", "seed"];

function read() {
  const found = { ...USUAL };
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (!(name in USUAL)) continue;
    found[name] = NUMBERS.includes(name) ? Number(value) : typeof USUAL[name] === "boolean" ? value === "true" : value;
  }
  found.colors = Math.min(256, Math.max(2, Math.round(found.colors) || USUAL.colors));
  return found;
}

let shared = read();
let own = null; // the settings of the file shown, if it has its own
let listeners = [];
const past = [];

export const current = () => own ?? shared;
export const common = () => shared;
export const isOwn = () => own !== null;
export const canUndo = () => past.length > 0;
export const listen = (f) => listeners.push(f);

// A link that leads here. Each change of it takes the browser a few milliseconds, too many in a drag.
let later;
function changed(why) {
  clearTimeout(later);
  later = setTimeout(link, 150);
  for (const f of listeners) f(why);
}

function link() {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(shared)) if (value !== USUAL[name]) query.set(name, value);
  const text = query.toString();
  try {
    history.replaceState(null, "", (text ? `?${text}` : location.pathname) + location.hash);
  } catch { /* browsers refuse when it is done too often; the next one will do */ }
}

let lastKey = "";
let lastTime = 0;
export function set(changes, undoable = true) {
  const key = Object.keys(changes).join();
  const now = performance.now();
  // One drag is one thing to undo.
  if (undoable && (key !== lastKey || now - lastTime > 800)) past.push({ target: own, before: { ...current() } });
  if (past.length > 100) past.shift();
  [lastKey, lastTime] = [key, now];
  Object.assign(current(), changes);
  changed("set");
}

export function undo() {
  const last = past.pop();
  if (!last) return;
  lastKey = "";
  Object.assign(last.target ?? shared, last.before);
  changed("undo");
}

// The file shown now: its own settings, or null.
export function show(settings) {
  own = settings;
  changed("show");
}

// Colors as they are written in the settings: without opacity where they are opaque.
export const plain = (hex) => (hex.length === 8 && hex.endsWith("ff") ? hex.slice(0, 6) : hex);
export const pins = (s = current()) => (s.palette ? [] : s.reserve.split(",").filter(Boolean).map((hex) => plain(hex.replace("#", "").toLowerCase())));

export function pin(hex) {
  const [one, now] = [plain(hex), pins()];
  set({ reserve: (now.includes(one) ? now.filter((other) => other !== one) : [...now, one]).join() });
}

// What every call about a picture is told.
export const reading = () => (current().allow_truncated ? { allow_truncated: true } : {});

// What the API is asked for. Each name is an option of the command.
export function query(s) {
  const found = { dither: s.dither, space: s.space, effort: s.effort, seed: s.seed };
  if (s.format) found.format = s.format;
  if (s.palette) found.palette = s.palette;
  else if (s.aim === "auto") found.colors = "auto";
  else if (QUICK.includes(s.aim)) found.colors = s.colors;
  if (s.reserve && !s.palette) found.reserve = s.reserve;
  if (s.aim === "lossy") found.lossy = s.lossy;
  if (s.aim === "quality") found.quality = s.quality;
  if (s.aim === "size") found.max_bytes = s.max_bytes;
  if (s.palette && s.keep_order) found.keep_order = true;
  if (s.metadata === "all") found.keep_metadata = true;
  if (s.metadata === "none") found.strip = true;
  if (s.allow_truncated) found.allow_truncated = true;
  return found;
}
