// Making and finding elements.

export const $ = (id) => document.getElementById(id);

export function make(tag, attributes = {}, ...inside) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (name in e && typeof value !== "string") e[name] = value;
    else if (value !== false && value != null) e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...inside.filter((x) => x != null));
  return e;
}

// A canvas as large as its box, in device pixels; returns its context, scaled to CSS pixels.
export function fitted(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { context, width, height, ratio };
}

// Calls at most once a frame.
export function framed(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = make("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 30000);
}

let fading;
export function notice(text, isError = false, stays = false) {
  const box = $("notice");
  clearTimeout(fading);
  box.hidden = !text;
  box.textContent = text || "";
  box.classList.toggle("error", isError);
  if (text && !stays) fading = setTimeout(() => (box.hidden = true), isError ? 12000 : 2500);
}

// For screen readers alone.
export const tell = (text) => ($("status").textContent = text);
