// sRGB and Oklab, for drawing; what counts is worked out on the server.

const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const coded = (c) => (c <= 0.0031308 ? 12.92 * c : 1.055 * c ** (1 / 2.4) - 0.055);
const LINEAR = Float32Array.from({ length: 256 }, (_, i) => linear(i / 255));
const byte = (c) => Math.min(255, Math.max(0, Math.round(255 * c)));

export function toOklab(r, g, b) {
  const [R, G, B] = [LINEAR[r], LINEAR[g], LINEAR[b]];
  const l = Math.cbrt(0.4122214708 * R + 0.5363325363 * G + 0.0514459929 * B);
  const m = Math.cbrt(0.2119034982 * R + 0.6806995451 * G + 0.1073969566 * B);
  const s = Math.cbrt(0.0883024619 * R + 0.2817188376 * G + 0.6299787005 * B);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

export function fromOklab(L, a, b) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    byte(coded(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)),
    byte(coded(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)),
    byte(coded(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s)),
  ];
}

export const toPoint = (space, r, g, b) => (space === "srgb" ? [r / 255, g / 255, b / 255] : toOklab(r, g, b));
export const fromPoint = (space, p) => (space === "srgb" ? p.slice(0, 3).map(byte) : fromOklab(...p));
export const hex = (rgb) => rgb.map((c) => c.toString(16).padStart(2, "0")).join("");
export const rgbOf = (text) => [0, 2, 4].map((i) => parseInt(text.slice(i, i + 2), 16));
