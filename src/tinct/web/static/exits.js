// Ways out: one file, all as a ZIP, the palette, and the lines that do the same.
import { call } from "./api.js";
import * as copies from "./copies.js";
import { $, make, notice, save } from "./dom.js";
import { current, reading } from "./settings.js";
import { words } from "./words.js";
import { zip } from "./zip.js";

export const download = (compressor) => (compressor.files.length > 1 ? downloadAll(compressor) : downloadOne(compressor));

export async function downloadOne(compressor) {
  const { file } = compressor;
  await compressor.finished([file]);
  if (file.result) save(file.result.blob, copies.target(file.name, file.result.report.format));
}

export async function downloadAll(compressor) {
  const { files } = compressor;
  await compressor.finished(files);
  const done = files.filter((f) => f.result);
  const name = (f) => (f.smaller ? copies.target(f.name, f.result.report.format) : f.name);
  save(await zip(done.map((f) => ({ name: name(f), blob: f.best }))), "tinct.zip");
  notice(words.saving(done.length));
}

export async function savePalette(compressor) {
  const { file } = compressor;
  await compressor.finished([file]);
  if (!file.result) return;
  const [format, palette] = [$("palette-format").value, file.result.report.palette.join()];
  const name = `${file.name.replace(/\.[^.]*$/, "")}.${format === "riff" ? "pal" : format}`;
  if (format === "json") {
    const colors = file.result.report.palette.map((hex) => ({ hex: `#${hex}` }));
    return save(new Blob([JSON.stringify({ colors }, null, 1)]), name);
  }
  try {
    const { answer } = await call("/api/palette", { palette, format, ...reading() }, file);
    save(await answer.blob(), name);
  } catch (error) {
    notice(error.message, true);
  }
}

export async function copyAs(what, compressor) {
  const { file } = compressor;
  if (what === "palette") await compressor.finished([file]);
  if (what === "palette" && !file.result) return;
  const texts = {
    command: () => copies.command(file.name, current()),
    python: () => copies.python(file.name, current(), file.result?.report.format ?? (current().format || "png")),
    link: () => location.href,
    palette: () => file.result.report.palette.map((hex) => `#${hex}`).join("\n"),
  };
  copy(texts[what]());
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = make("textarea", { class: "hidden" }, text); // where the page is not on a secure address
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notice(words.copied(text.length > 120 ? `${text.slice(0, 120)}…` : text));
}
