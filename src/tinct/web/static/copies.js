// The lines that do the same as the page: for the shell and for Python.
import { query } from "./settings.js";

const USUAL = { dither: 0.75, lossy: "auto", space: "oklab", effort: 1, seed: 0 };
const SPELLED = { colors: "-k" };

const asked = (settings) => {
  const { colors, ...rest } = query(settings); // colors come first
  return Object.entries({ ...(colors && { colors }), ...rest }).filter(([name, value]) => value !== USUAL[name]);
};
const spelled = (name) => SPELLED[name] ?? `--${name.replace(/_/g, "-")}`;
const shell = (text) => (/^[\w./@%+=:,-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replace(/'/g, `'\\''`)}'`);

export const target = (name, format) => `${name.replace(/\.[^./]*$/, "")}-tinct.${format}`;

export function command(name, settings) {
  const options = asked(settings).map(([n, v]) => (v === true ? spelled(n) : `${spelled(n)} ${n === "palette" || n === "reserve" ? shell(v) : v}`));
  const path = name.startsWith("-") ? `./${name}` : name;
  return ["tinct compress", shell(path), ...options].join(" ");
}

function bytes(text) {
  const [, number, unit] = /^([\d.]+)\s*([kmKM]?)/.exec(text);
  return Math.trunc(Number(number) * ({ k: 1e3, m: 1e6 }[unit.toLowerCase()] ?? 1));
}

// `format` is the result's: an animation's own where none was asked for.
export function python(name, settings, format) {
  const literal = (n, v) => (n === "max_bytes" ? bytes(v) : typeof v === "string" ? JSON.stringify(v) : v === true ? "True" : v);
  const { allow_truncated, ...rest } = Object.fromEntries(asked(settings));
  const called = { keep_metadata: 'metadata="all"', strip: 'metadata="none"' };
  const options = Object.entries(rest).map(([n, v]) => `, ${called[n] ?? `${n}=${literal(n, v)}`}`);
  const source = allow_truncated ? `tinct.read(${JSON.stringify(name)}, allow_truncated=True)` : JSON.stringify(name);
  return `import tinct\n\ntinct.compress(${source}${options.join("")}).save(${JSON.stringify(target(name, format))})\n`;
}
