// The lines that do the same as the page: for the shell and for Python.
import { query } from "./settings.js";

const USUAL = { dither: 0.75, lossy: "auto", format: "png", space: "oklab", effort: 1, seed: 0 };
const SPELLED = { colors: "-k", max_bytes: "--max-bytes" };

const asked = (settings) => {
  const { colors, ...rest } = query(settings); // colors come first
  return Object.entries({ ...(colors && { colors }), ...rest }).filter(([name, value]) => value !== USUAL[name]);
};
const spelled = (name) => SPELLED[name] ?? `--${name}`;
const shell = (text) => (/^[\w./@%+=:,-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replace(/'/g, `'\\''`)}'`);

export const target = (name, format) => `${name.replace(/\.[^./]*$/, "")}-tinct.${format}`;

export function command(name, settings) {
  const options = asked(settings).map(([n, v]) => `${spelled(n)} ${n === "palette" || n === "reserve" ? shell(v) : v}`);
  const path = name.startsWith("-") ? `./${name}` : name;
  return ["tinct compress", shell(path), ...options].join(" ");
}

function bytes(text) {
  const [, number, unit] = /^([\d.]+)\s*([kmKM]?)/.exec(text);
  return Math.trunc(Number(number) * ({ k: 1e3, m: 1e6 }[unit.toLowerCase()] ?? 1));
}

export function python(name, settings) {
  const literal = (n, v) => (n === "max_bytes" ? bytes(v) : typeof v === "string" ? JSON.stringify(v) : v);
  const options = asked(settings).map(([n, v]) => `, ${n}=${literal(n, v)}`);
  const saved = JSON.stringify(target(name, settings.format));
  return `import tinct\n\ntinct.compress(${JSON.stringify(name)}${options.join("")}).save(${saved})\n`;
}
