// Keys that work everywhere on the page, and the list of them.
import { $, make } from "./dom.js";
import { words } from "./words.js";

const typing = (e) => e.matches("input:not([type=range]):not([type=checkbox]), select, textarea");

// `actions` by key; a key that an element needs for itself stays with it.
export function listen(actions, release) {
  addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (typing(target) && key !== "Escape" && !command) return;
    if (target.matches("button, a, summary, [role=slider]") && (key === " " || key === "Enter")) return;
    if (target.matches("input[type=range]") && target.id !== "k" && key.startsWith("Arrow")) return;
    const act = actions[(command ? "ctrl+" : "") + key];
    if (!act || event.altKey) return;
    if (act(event) !== false) event.preventDefault();
  });
  addEventListener("keyup", (event) => event.key === " " && release());
}

export function help(yes = $("help").hidden) {
  const box = $("help");
  if (!box.childElementCount) {
    const close = make("button", { type: "button", class: "quiet round", "aria-label": words.close, title: words.close, onclick: () => help(false) }, "×");
    const list = words.keyList.flatMap(([key, text]) => [make("dt", {}, key), make("dd", {}, text)]);
    box.append(make("div", { class: "head" }, make("h2", {}, words.keys), close), make("dl", {}, ...list));
  }
  box.hidden = !yes;
  $("help-open").setAttribute("aria-expanded", yes);
  if (yes) box.querySelector("button").focus();
  else $("help-open").focus();
}
