// The home page: the state of the service and, on a local stack, the keys of the demo organization.
import { send } from "./api.js";
import { address, byId, copyButton, element, snippet } from "./dom.js";

const LOCAL = "local";

function showHealth(kind, text) {
  const place = byId("health");
  place.className = `health health-${kind}`;
  place.querySelector(".health-text").textContent = text;
}

function keyRow(label, key) {
  return element(
    "li",
    {},
    element("span", { class: "key-label" }, label),
    element("code", { class: "grow" }, key),
    copyButton(key, label),
  );
}

const command = (title, about, text) =>
  element("div", { class: "card" }, element("h3", {}, title), element("p", { class: "muted" }, about), snippet(text, title));

/** Returns the commands for the demo organization. They are those of the README and the tour. */
function commands({ anima, opticomm, athos, hum }) {
  const url = address("/").href.replace(/\/$/, "");
  const json = "-H 'Content-Type: application/json'";
  return [
    command(
      "Send a mail as an agent",
      "Anima accepts the mail. It appears under Sent mail a moment later.",
      `curl -s ${url}/v1/email/send \\\n  -H 'Authorization: Bearer ${anima.agent}' \\\n  ${json} \\\n` +
        `  -d '{"to":"you@example.com","subject":"Hello","body":"From an agent."}'`,
    ),
    command(
      "Place a call as a back end",
      "A test key makes no real call. The demo caller speaks with a simulated person.",
      `curl -s ${url}/functions/v1/external-api \\\n  -H 'X-API-Key: ${opticomm.test}' \\\n  ${json} \\\n` +
        `  -d '{"action":"initiate_call","agent_id":"${opticomm.agent_id}","phone_number":"+14155550142"}'`,
    ),
    command(
      "Begin a roleplay session",
      "Athos returns a token for one session of a sales rep.",
      `curl -s ${url}/api/external/v1/session \\\n  -H 'Authorization: Bearer ${athos.key}' \\\n  ${json} \\\n` +
        `  -d '{"externalUserId":"rep_1"}'`,
    ),
    command(
      "Ask the console who is signed in",
      "HUM knows Ada, the admin of the demo organization, by her session.",
      `curl -s ${url}/api/me \\\n  -H 'Cookie: bh_hum_session=${hum.session}'`,
    ),
  ];
}

async function showLocalStack() {
  const keys = await send("GET", "/local/keys");
  const rows = [
    keyRow("Anima, agent", keys.anima.agent),
    keyRow("Anima, master", keys.anima.master),
    keyRow("OptiComm, test", keys.opticomm.test),
    keyRow("OptiComm, live", keys.opticomm.live),
    keyRow("Athos", keys.athos.key),
  ];
  const links = element(
    "p",
    { class: "actions" },
    element("a", { class: "button", href: address("/local/mail") }, "Sent mail"),
    element("a", { class: "button", href: address(`/docs/widget-demo?key=${keys.widget.key}`) }, "Widget demo"),
  );
  byId("local-content").replaceChildren(
    element("div", { class: "card" }, element("h3", {}, "Keys"), element("ul", { class: "rows" }, rows)),
    element("div", { class: "commands" }, commands(keys)),
    links,
  );
  byId("local").hidden = false;
}

try {
  const health = await send("GET", "/api/health");
  showHealth("good", health.stage === LOCAL ? "The local stack works" : "All systems work");
  // Only a local stack has these keys, and an address that serves them.
  if (health.stage === LOCAL) await showLocalStack();
} catch (refused) {
  showHealth("bad", refused.message);
}
