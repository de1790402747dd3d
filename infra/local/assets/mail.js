// The mails that the local stack sent: a list that renews itself, and one mail.
import { Refused, send } from "../docs/assets/api.js";
import { address, byId, element, showNotice } from "../docs/assets/dom.js";

const SECONDS = 2;
const LINK = /https?:\/\/[^\s<>"')\]]+/g;
const TIMES = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const [list, place] = [byId("mails"), byId("mail")];
let shown = "";
let open = decodeURIComponent(window.location.hash.slice(1));

/** Returns a text with its addresses as links. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    parts.push(text.slice(end, found.index), element("a", { href: found[0] }, found[0]));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

function row(mail) {
  const link = element(
    "a",
    { href: `#${encodeURIComponent(mail.id)}`, "aria-current": mail.id === open && "true" },
    element("strong", {}, mail.subject),
    element("span", { class: "small" }, `to ${mail.to}`),
    element("span", { class: "small muted" }, TIMES.format(new Date(mail.sent_at))),
  );
  return element("li", {}, link);
}

async function showList() {
  const { mails } = await send("GET", "/local/mail.json");
  const now = JSON.stringify([mails, open]);
  if (now === shown) return;
  shown = now;
  byId("count").textContent = mails.length ? `${mails.length} ${mails.length === 1 ? "mail" : "mails"}` : "No mail yet.";
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  list.replaceChildren(...mails.map(row));
  if (focused) list.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
}

async function showMail() {
  if (!open) return;
  const mail = await send("GET", `/local/mail.json?id=${encodeURIComponent(open)}`);
  const facts = [
    ["From", mail.from],
    ["To", mail.to],
    ["Time", TIMES.format(new Date(mail.sent_at))],
    mail.attachments.length && ["Attachments", mail.attachments.join(", ")],
  ];
  const text = mail.text === null ? null : element("div", { class: "mail-text" }, linked(mail.text));
  // No scripts and no forms run in the frame, and its links open a new tab.
  const frame = mail.has_html
    ? element("iframe", {
        title: "The mail as HTML",
        sandbox: "allow-popups allow-popups-to-escape-sandbox",
        src: address(`/local/mail.html?id=${encodeURIComponent(mail.id)}`).href,
      })
    : null;
  const headers = mail.headers.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  place.replaceChildren(
    ...[
      element("h2", {}, mail.subject),
      element(
        "dl",
        { class: "facts" },
        facts.filter(Boolean).map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
      ),
      frame,
      frame && text ? element("details", {}, element("summary", {}, "As text"), text) : text,
      element("details", {}, element("summary", {}, "All headers"), element("dl", { class: "facts small" }, headers)),
    ].filter(Boolean),
  );
}

async function attempt(action) {
  try {
    await action();
    byId("told").replaceChildren();
  } catch (refused) {
    showNotice(byId("told"), "bad", refused.message);
    if (!(refused instanceof Refused)) throw refused;
  }
}

window.addEventListener("hashchange", async () => {
  open = decodeURIComponent(window.location.hash.slice(1));
  await attempt(async () => {
    await showMail();
    await showList();
  });
  place.focus();
});

await attempt(showList);
await attempt(showMail);
window.setInterval(() => document.hidden || attempt(showList), SECONDS * 1000);
