// Small tools for pages: elements, times, and the link to the home page.

/** The address of the home page. All links of scripts start from it. */
export const root = new URL(document.documentElement.dataset.root, window.location.href);

/** Returns an address of this site as a URL. */
export const address = (path) => new URL(path.replace(/^\//, ""), root);

/**
 * Returns a new element. Properties are set as properties or, if they have a dash or are unknown, as attributes.
 * Children are nodes or texts. Texts stay texts: nothing is parsed as HTML.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class") made.className = value;
    else if (key in made && !key.includes("-")) made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return made;
}

/** Returns the element with an id. */
export const byId = (id) => document.getElementById(id);

const TIMES = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const DAYS = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

/** Returns a time element that shows an ISO time in the person's own format and time zone. */
export const timeElement = (iso) => element("time", { dateTime: iso, title: iso }, TIMES.format(new Date(iso)));

/** Returns the day of an ISO time in the person's own format. */
export const dayOf = (iso) => DAYS.format(new Date(iso));

/** Copies a text when the button is pressed, and says so. */
export function copyButton(text, label) {
  const button = element("button", { type: "button", class: "button-small", "aria-label": `Copy ${label}` }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
      window.getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    }
    window.setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return button;
}

/** Returns a block of code with a button that copies it. */
export const snippet = (text, label) =>
  element("div", { class: "snippet" }, element("pre", {}, element("code", {}, text)), copyButton(text, label));

/** Replaces the content of an element by a message. `kind` is good, warn or bad. */
export function showNotice(place, kind, ...content) {
  // An alert interrupts a screen reader, so only failures are alerts.
  const role = kind === "bad" ? "alert" : "status";
  place.replaceChildren(element("div", { class: `notice notice-${kind}`, role }, element("p", {}, ...content)));
}
