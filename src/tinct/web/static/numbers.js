// What became of a picture, in numbers and in words.
import { $, make, tell } from "./dom.js";
import { current, QUICK } from "./settings.js";
import { words } from "./words.js";

export function tellNumbers(file) {
  const { report, blob } = file.result;
  const [before, after] = [file.blob.size, blob.size];
  $("bytes").replaceChildren(make("b", {}, words.bytes(before, after)), " ", make("span", { class: "saved" }, words.saved(before, after)));
  const looks = [];
  if (!file.smaller) looks.push(words.notSmaller);
  if (report.psnr === null) looks.push(words.lossless);
  else if (report.ssimulacra2 !== null) looks.push(`${words.looked} ${words.looks(report.ssimulacra2)} (${Math.round(report.ssimulacra2)})`);
  if (report.bands !== null && report.psnr !== null) looks.push(words.bands[report.bands]);
  if (report.psnr !== null) looks.push(words.decibels(report.psnr));
  if (report.frames !== null) looks.push(words.frames(report.frames));
  else if (report.animated) looks.push(words.onlyFirst);
  if (report.flaw) looks.push(words.flaw);
  if (report.cut) looks.push(words.cut);
  $("looks").textContent = looks.join(" · ");
  $("looks").title = report.ssimulacra2 === null ? "" : words.score(report.ssimulacra2, report.ground);
  $("download").disabled = false;
  if (!QUICK.includes(current().aim)) $("k-now").textContent = words.kNow(report.colors);
  tell(`${words.kSaid(report.colors)}, ${words.bytes(before, after)}. ${looks.join(". ")}`);
}
