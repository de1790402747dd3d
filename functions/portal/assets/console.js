// The first page of the console: the person, their organizations, their invites, and where to go.
import { Refused, currentPerson, send, signInAddress } from "./api.js";
import { address, byId, dayOf, element, showNotice } from "./dom.js";

const ROLES = {
  admin: "An admin can do everything, including inviting people and paying.",
  operator: "An operator can call, text and change contacts, flows and campaigns, but cannot manage the team or pay.",
  viewer: "A viewer can read, and can change nothing.",
};
const PLACES = [
  ["console/webhooks", "Webhooks", "The organization's endpoints and their deliveries. Send one again.", "webhooks.read"],
  ["console/events", "Live events", "All that happens in the organization, as it happens.", "events.read"],
  ["docs", "Documentation", "The reference of all four APIs."],
];
const LOCAL_PLACES = [["local/mail", "Sent mail", "The mails that this local stack has sent."]];

const place = byId("console");

const roleBadge = (role) => element("span", { class: role === "admin" ? "badge badge-accent" : "badge" }, role);

/** Returns a button that runs an action. While it runs, the button is disabled. A refusal is shown in `told`. */
function actionButton(label, told, action, properties = {}) {
  const button = element("button", { type: "button", class: "button-small", ...properties }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await action();
    } catch (refused) {
      button.disabled = false;
      showNotice(told, "bad", refused.message);
      if (!(refused instanceof Refused)) throw refused;
    }
  });
  return button;
}

function greeting(me) {
  return element(
    "div",
    { class: "person" },
    element("span", { class: "avatar avatar-large", "aria-hidden": "true" }, [...me.user.name][0]?.toUpperCase() ?? "?"),
    element(
      "div",
      {},
      element("h1", {}, me.user.name),
      element("p", { class: "muted" }, me.user.email ?? "No email address"),
    ),
  );
}

function invites(me, told) {
  if (!me.invites.length) return null;
  const rows = me.invites.map((invite) => {
    const answer = (verb) => () => send("POST", `/api/invites/${invite.id}/${verb}`).then(() => window.location.reload());
    const of = { "aria-label": `Decline the invite of ${invite.org_name}` };
    const to = { "aria-label": `Accept the invite of ${invite.org_name}`, class: "button-small button-primary" };
    return element(
      "li",
      {},
      element(
        "div",
        { class: "grow" },
        element("strong", {}, invite.org_name),
        element(
          "p",
          { class: "small muted" },
          `${invite.invited_by} invites you as ${invite.role}, until ${dayOf(invite.expires_at)}.`,
        ),
      ),
      actionButton("Accept", told, answer("accept"), to),
      actionButton("Decline", told, answer("decline"), of),
    );
  });
  return element(
    "section",
    { class: "card", "aria-labelledby": "invites" },
    element("h2", { id: "invites" }, "Invites"),
    element("ul", { class: "rows" }, rows),
  );
}

function organizations(me, told) {
  const rows = me.orgs.map((org) => {
    const isCurrent = org.id === me.org?.id;
    const turn = () => send("POST", "/api/session/org", { org_id: org.id }).then(() => window.location.reload());
    return element(
      "li",
      { "aria-current": isCurrent && "true" },
      element("div", { class: "grow" }, element("strong", {}, org.name), " ", roleBadge(org.role)),
      isCurrent
        ? element("span", { class: "badge badge-good" }, "Current")
        : actionButton("Switch", told, turn, { "aria-label": `Switch to ${org.name}` }),
    );
  });
  return element(
    "section",
    { class: "card", "aria-labelledby": "organizations" },
    element("h2", { id: "organizations" }, "Organizations"),
    element("ul", { class: "rows" }, rows),
    me.org && element("p", { class: "small muted role" }, ROLES[me.role], ` ${me.org.name} has the plan ${me.org.plan}.`),
  );
}

function firstOrganization(me, told) {
  const name = element("input", { id: "name", name: "name", required: true, maxLength: 200, autocomplete: "organization" });
  const button = element("button", { class: "button-primary" }, "Create the organization");
  const form = element(
    "form",
    { class: "card", "aria-labelledby": "first" },
    element("h2", { id: "first" }, "Create your organization"),
    element("p", {}, "Everything belongs to an organization: contacts, calls, texts and keys. You become its admin."),
    me.invites.length > 0 && element("p", { class: "muted" }, "You can also accept an invite instead."),
    element("div", { class: "field" }, element("label", { htmlFor: "name" }, "Name"), name),
    button,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await send("POST", "/api/orgs", { name: name.value });
      window.location.reload();
    } catch (refused) {
      button.disabled = false;
      showNotice(told, "bad", refused.message);
      name.focus();
    }
  });
  return form;
}

function links(me, places) {
  const usable = places.filter(([, , , permission]) => !permission || me.permissions.includes(permission));
  const cards = usable.map(([path, title, about]) =>
    element(
      "li",
      { class: "card" },
      element("h3", {}, element("a", { class: "card-link", href: address(path) }, title)),
      element("p", { class: "muted" }, about),
    ),
  );
  return element(
    "section",
    { class: "section", "aria-labelledby": "places" },
    element("h2", { id: "places" }, "Pages"),
    element("ul", { class: "grid" }, cards),
  );
}

function show(me, stage) {
  const told = element("div", { id: "told" });
  const places = stage === "local" ? [...PLACES, ...LOCAL_PLACES] : PLACES;
  place.replaceChildren(
    ...[
      element("div", { class: "head" }, greeting(me)),
      told,
      element(
        "div",
        { class: "stack" },
        invites(me, told),
        me.orgs.length ? organizations(me, told) : firstOrganization(me, told),
      ),
      links(me, places),
    ],
  );
}

try {
  const [me, health] = await Promise.all([currentPerson(), send("GET", "/api/health").catch(() => ({}))]);
  if (me === null) window.location.replace(signInAddress());
  else show(me, health.stage);
} catch (refused) {
  showNotice(byId("loading"), "bad", refused.message);
}
