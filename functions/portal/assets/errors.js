// The list of error codes: hides the rows that do not match.
import { byId } from "./dom.js";

const filter = byId("filter");
const rows = [...document.querySelectorAll(".error-list tbody tr")];
const texts = rows.map((row) => row.textContent.toLowerCase().replaceAll("_", " "));

filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().replaceAll(/[_-]/g, " ").split(/\s+/).filter(Boolean);
  rows.forEach((row, place) => (row.hidden = !words.every((word) => texts[place].includes(word))));
  for (const list of document.querySelectorAll(".error-list")) list.hidden = !list.querySelector("tbody tr:not([hidden])");
  const shown = rows.filter((row) => !row.hidden).length;
  byId("found").textContent = words.length ? `${shown} of ${rows.length} codes` : "";
});
