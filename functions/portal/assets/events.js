// The live events of the organization. An EventSource reconnects by itself with the id of the last event.
import { currentPerson, signInAddress } from "./api.js";
import { address, byId, element, showNotice, timeElement } from "./dom.js";

const KEPT = 500;

const [list, told, type, pause] = [byId("events"), byId("told"), byId("type"), byId("pause")];
const waiting = [];
let isPaused = false;

function showState(kind, text) {
  const badge = byId("state");
  if (badge.textContent === text) return;
  badge.className = `badge badge-${kind}`;
  badge.textContent = text;
}

function card(event) {
  const facts = [
    ["Sequence number", String(event.id)],
    ["Channel", event.channel],
    ["Subject", event.detail],
    ["Agent", event.agent_id],
    ["Correlation id", event.correlation_id],
  ];
  return element(
    "details",
    { class: "card delivery", "data-type": event.event },
    element(
      "summary",
      {},
      element("code", {}, event.event),
      element("span", { class: "badge" }, event.channel),
      element("span", { class: "muted small" }, timeElement(event.at)),
    ),
    element(
      "dl",
      { class: "facts" },
      facts.filter(([, value]) => value).map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
    ),
  );
}

function count() {
  const shown = [...list.children].filter((one) => !one.hidden).length;
  const held = waiting.length ? `, ${waiting.length} waiting` : "";
  byId("count").textContent = list.children.length ? `${shown} of ${list.children.length} events${held}` : held.slice(2);
  byId("empty").hidden = shown > 0;
}

const matches = (name) => name.startsWith(type.value.trim().toLowerCase());

function add(event) {
  const made = card(event);
  made.hidden = !matches(event.event);
  list.prepend(made);
  while (list.children.length > KEPT) list.lastChild.remove();
}

function receive(message) {
  const event = JSON.parse(message.data);
  if (isPaused) waiting.push(event);
  else add(event);
  while (waiting.length > KEPT) waiting.shift();
  count();
}

function connect() {
  const source = new EventSource(address("/api/events/stream"));
  source.addEventListener("open", () => showState("good", "Live"));
  source.addEventListener("message", receive);
  source.addEventListener("error", async () => {
    if (source.readyState !== EventSource.CLOSED) return showState("warn", "Reconnecting");
    showState("bad", "Disconnected");
    const again = element("a", { href: signInAddress() }, "Sign in again");
    showNotice(told, "bad", "The stream has ended: your session is over, or your role has changed. ", again, ".");
  });
}

type.addEventListener("input", () => {
  for (const one of list.children) one.hidden = !matches(one.dataset.type);
  count();
});
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  pause.textContent = isPaused ? "Continue" : "Pause";
  if (!isPaused) waiting.splice(0).forEach(add);
  count();
});
byId("clear").addEventListener("click", () => {
  list.replaceChildren();
  count();
});

const me = await currentPerson().catch((refused) => showNotice(told, "bad", refused.message));
if (me === null) window.location.replace(signInAddress());
else if (me?.permissions.includes("events.read")) connect();
else if (me) {
  showState("warn", "Not connected");
  showNotice(told, "warn", me.org ? "Your role cannot see events: ask an admin." : "Create an organization first.");
}
