// Webhooks of the organization: their deliveries, filtered, with attempts and payload. Deliveries can be sent again.
import { currentPerson, send, signInAddress } from "./api.js";
import { byId, copyButton, element, showNotice, timeElement } from "./dom.js";

const PAGE = 20;
const KINDS = { succeeded: "good", failed: "bad", pending: "warn", retrying: "warn" };

const [told, list, more] = [byId("told"), byId("deliveries"), byId("more")];
const [webhook, status, event] = [byId("webhook"), byId("status"), byId("event")];
let known = [];
let cursor = null;
let mayWrite = false;
// Only the response to the newest question is shown.
let question = 0;

const badge = (word) => element("span", { class: `badge badge-${KINDS[word] ?? "plain"}` }, word);

async function attempt(action) {
  try {
    await action();
  } catch (refused) {
    showNotice(told, "bad", refused.message);
  }
}

function attemptRow(one) {
  const answer = one.response_status ? `HTTP ${one.response_status}` : (one.error ?? "no response");
  return element(
    "tr",
    {},
    element("td", {}, String(one.number)),
    element("td", {}, timeElement(one.at)),
    element("td", {}, answer),
    element("td", {}, `${one.response_ms} ms`),
  );
}

function attemptsTable(delivery) {
  if (!delivery.attempts.length) return element("p", { class: "muted" }, "No attempt yet.");
  const head = ["No.", "Time", "Response", "Duration"].map((title) => element("th", { scope: "col" }, title));
  const table = element(
    "table",
    {},
    element("caption", { class: "visually-hidden" }, "Attempts"),
    element("thead", {}, element("tr", {}, head)),
    element("tbody", {}, delivery.attempts.map(attemptRow)),
  );
  return element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Attempts" }, table);
}

function redeliverButton(delivery) {
  const button = element("button", { type: "button", class: "button-small" }, "Send again");
  button.addEventListener("click", () =>
    attempt(async () => {
      await send("POST", `/api/webhooks/${delivery.webhook_id}/redeliver/${delivery.id}`);
      showNotice(told, "good", "The delivery is sent again, with the same id and the same body.");
      await showDeliveries();
    }),
  );
  return button;
}

function deliveryCard(delivery) {
  const payload = JSON.stringify(delivery.payload, null, 2);
  const code = element("pre", { tabindex: "0", role: "region", "aria-label": "Payload" }, element("code", {}, payload));
  return element(
    "details",
    { class: "card delivery" },
    element(
      "summary",
      {},
      badge(delivery.status),
      element("code", {}, delivery.event),
      element("span", { class: "muted small" }, timeElement(delivery.created_at)),
      element("span", { class: "muted small" }, `${delivery.attempt} ${delivery.attempt === 1 ? "attempt" : "attempts"}`),
    ),
    element(
      "dl",
      { class: "facts" },
      element("dt", {}, "Id"),
      element("dd", {}, element("code", {}, delivery.id)),
      delivery.error && [element("dt", {}, "Error"), element("dd", {}, delivery.error)],
      delivery.next_attempt_at && [element("dt", {}, "Next attempt"), element("dd", {}, timeElement(delivery.next_attempt_at))],
    ),
    element("h3", {}, "Attempts"),
    attemptsTable(delivery),
    element("h3", {}, "Payload"),
    element("div", { class: "snippet" }, code, copyButton(payload, "the payload")),
    delivery.response_body && [
      element("h3", {}, "Response"),
      element("pre", { tabindex: "0", role: "region", "aria-label": "Response" }, element("code", {}, delivery.response_body)),
    ],
    mayWrite && element("p", { class: "actions" }, redeliverButton(delivery)),
  );
}

function showEndpoint(found) {
  const state = found.active ? ["succeeded", "active"] : ["failed", found.disabled_reason ?? "inactive"];
  const test = element("button", { type: "button", class: "button-small button-primary" }, "Send a test event");
  test.addEventListener("click", () =>
    attempt(async () => {
      await send("POST", `/api/webhooks/${found.id}/test`);
      showNotice(told, "good", "The test event is on its way. Refresh the list in a moment.");
      await showDeliveries();
    }),
  );
  byId("endpoint").replaceChildren(
    element(
      "div",
      { class: "card endpoint" },
      element(
        "div",
        { class: "grow" },
        element("h2", {}, found.label ?? "Webhook", " ", element("span", { class: `badge badge-${KINDS[state[0]]}` }, state[1])),
        element("p", {}, element("code", {}, found.url)),
        element("p", { class: "small muted" }, `Events: ${found.events.join(", ")}`),
      ),
      mayWrite && test,
    ),
  );
}

async function showDeliveries(after = null) {
  const found = known.find((one) => one.id === webhook.value);
  showEndpoint(found);
  const asked = ++question;
  const query = new URLSearchParams({ limit: PAGE });
  for (const [name, value] of Object.entries({ status: status.value, event: event.value, cursor: after })) {
    if (value) query.set(name, value);
  }
  const page = await send("GET", `/api/webhooks/${found.id}/deliveries?${query}`);
  if (asked !== question) return;
  const cards = page.deliveries.map(deliveryCard);
  if (after) list.append(...cards);
  else list.replaceChildren(...(cards.length ? cards : [element("p", { class: "muted" }, "No delivery matches.")]));
  cursor = page.next_cursor;
  more.hidden = !cursor;
}

async function listWebhooks() {
  const found = [];
  let next = "";
  do {
    const page = await send("GET", `/api/webhooks?limit=100${next && `&cursor=${encodeURIComponent(next)}`}`);
    found.push(...page.webhooks);
    next = page.next_cursor ?? "";
  } while (next);
  return found;
}

async function start() {
  const me = await currentPerson();
  if (me === null) return window.location.replace(signInAddress());
  if (!me.permissions.includes("webhooks.read")) {
    list.replaceChildren();
    return showNotice(told, "warn", me.org ? "Your role cannot see webhooks: ask an admin." : "Create an organization first.");
  }
  mayWrite = me.permissions.includes("webhooks.write");
  const [hooks, types] = await Promise.all([listWebhooks(), send("GET", "/api/webhooks/event-types")]);
  known = hooks;
  if (!known.length) {
    const about = "There is no webhook yet. Create one with POST /api/webhooks, and its deliveries appear here.";
    return list.replaceChildren(element("div", { class: "card" }, element("p", {}, about)));
  }
  webhook.append(...known.map((one) => element("option", { value: one.id }, one.label ?? one.url)));
  const names = types.event_types.map((one) => one.name).filter((name) => !name.endsWith("*"));
  event.append(...names.map((name) => element("option", { value: name }, name)));
  byId("filters").hidden = false;
  for (const choice of [webhook, status, event]) choice.addEventListener("change", () => attempt(() => showDeliveries()));
  byId("refresh").addEventListener("click", () => attempt(() => showDeliveries()));
  more.addEventListener("click", () => attempt(() => showDeliveries(cursor)));
  await showDeliveries();
}

await attempt(start);
