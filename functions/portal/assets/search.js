// The search of the documentation: finds guides, their sections and operations by words, in any case.
import { address, byId, element } from "./dom.js";

const MOST = 30;
const search = byId("search");
let entries;

/** Loads the index when somebody searches for the first time. */
async function loadEntries() {
  const response = await fetch(search.dataset.index);
  if (!response.ok) throw new Error(`The index of the search could not be loaded (${response.status}).`);
  const loaded = await response.json();
  return loaded.map((entry) => ({ ...entry, words: `${entry.title} ${entry.text} ${entry.kind}`.toLowerCase() }));
}

/** Returns the entries that contain all words. Entries whose title contains them come first. */
function findEntries(words) {
  const found = entries.filter((entry) => words.every((word) => entry.words.includes(word)));
  const inTitle = ({ title }) => words.every((word) => title.toLowerCase().includes(word));
  return [...found.filter(inTitle), ...found.filter((entry) => !inTitle(entry))];
}

const row = ({ kind, title, path, text }) =>
  element(
    "li",
    {},
    element(
      "span",
      { class: "grow" },
      element("a", { href: address(path) }, title),
      text && element("span", { class: "small muted result-text" }, text),
    ),
    element("span", { class: "small muted" }, kind),
  );

async function showResults() {
  try {
    entries ??= await loadEntries();
  } catch (failure) {
    byId("found").textContent = `${failure.message} Reload the page.`;
    return;
  }
  // The person may have typed on while the index was loading.
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length ? findEntries(words) : [];
  byId("results").replaceChildren(...found.slice(0, MOST).map(row));
  const more = found.length > MOST ? `, and shows the first ${MOST}` : "";
  byId("found").textContent = words.length ? `The search found ${found.length}${more}.` : "";
}

search.addEventListener("input", showResults);
// A browser keeps the words when a person comes back to the page.
if (search.value) showResults();
