// Shows the trials behind a figure where it stands; without this script its link leads to them.
"use strict";
const told = document.getElementById("told");

function without_ids(element) {
  const copy = element.cloneNode(true);
  copy.removeAttribute("id");
  for (const inner of copy.querySelectorAll("[id]")) inner.removeAttribute("id");
  return copy;
}

function show(link, trials) {
  const whole = trials.closest("table");
  const table = document.createElement("table");
  table.className = "trials";
  table.append(without_ids(whole.caption), without_ids(whole.tHead), without_ids(trials));
  const scroll = document.createElement("div");
  scroll.className = "scroll";
  scroll.append(table);
  const keys = new Set([...trials.querySelectorAll("a[href^='#origin-']")].map((one) => one.hash.slice(1)));
  const origins = [...keys].map((key) => without_ids(document.getElementById(key)));
  document.getElementById("told-name").textContent = `Where ${link.textContent} comes from`;
  document.getElementById("told-body").replaceChildren(scroll, ...origins);
  told.showModal();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  if (told.contains(link)) return told.close();
  const trials = link.matches(".cell") && document.getElementById(link.hash.slice(1));
  if (!trials || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link, trials);
});
told.addEventListener("click", (event) => {
  if (event.target === told) told.close();
});
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details:not(.data)")) details.open = true;
});
