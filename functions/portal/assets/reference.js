// The reference page of one API, shown by the renderer Scalar. This script adds what the renderer does not have: keys
// that are kept for this tab only, the demo keys of a local stack, and this host's address in the code samples.
import { send } from "./api.js";
import { byId, element, root } from "./dom.js";
import { fillInIds } from "./examples.js";

const { api, session } = byId("reference").dataset;
const host = root.href.replace(/\/$/, "");
const STORE = `switchboard.keys.${api}`;
// A script may not set the session's cookie. The browser sends it by itself, so a box for it could not work.
const COOKIE_SCHEME = "sessionCookie";
const TOKEN = "x-scalar-secret-token";
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

/** The renderer's view of the keys in its boxes. */
let enteredKeys;

/** Returns the demo's keys and ids of each API. Only a local stack has them, and an address that serves them. */
async function fetchDemo() {
  const { stage } = await send("GET", "/api/health").catch(() => ({}));
  return stage === "local" ? send("GET", "/local/keys").catch(() => ({})) : {};
}

/** Returns the keys of this tab, by the names of their security schemes. */
function readKeys() {
  try {
    return JSON.parse(window.sessionStorage.getItem(STORE)) ?? {};
  } catch {
    return {};
  }
}

const writeKeys = (keys) => window.sessionStorage.setItem(STORE, JSON.stringify(keys));

function visitObjects(value, visit) {
  if (!value || typeof value !== "object") return;
  if (!Array.isArray(value)) visit(value);
  for (const part of Object.values(value)) visitObjects(part, visit);
}

/** Returns the values of the samples' environment variables that are known here: the address, and a demo's keys. */
function knownVariables(demo) {
  const known = { SWITCHBOARD_URL: host };
  for (const [name, values] of Object.entries(demo)) {
    for (const [key, value] of Object.entries(values)) {
      const variable = `${name}_${key}`.toUpperCase();
      known[variable] = known[`${variable}_KEY`] = value;
    }
  }
  return known;
}

/** Replaces variables in a sample: first those inside of a text, then those that stand alone. */
function fillVariables({ lang, source }, known) {
  const inside = { bash: /\$([A-Z_]+)/g, python: /\{environ\['([A-Z_]+)'\]\}/g, typescript: /\$\{env\.([A-Z_]+)\}/g };
  const alone = { python: /environ\["([A-Z_]+)"\]/g, typescript: /\benv\.([A-Z_]+)!?/g };
  let text = source.replace(inside[lang], (whole, name) => known[name] ?? whole);
  if (alone[lang]) text = text.replace(alone[lang], (whole, name) => (known[name] ? JSON.stringify(known[name]) : whole));
  return text;
}

/** Puts this host's address into the document, and keys and ids that work here into samples and examples. */
function fitToHost(description, demo) {
  const known = knownVariables(demo);
  const agentId = demo[api]?.agent_id;
  description.servers = [{ url: host, description: "The host that serves this page." }];
  visitObjects(description, (part) => {
    for (const sample of part["x-codeSamples"] ?? []) sample.source = fillVariables(sample, known);
    if (!agentId) return;
    for (const example of Array.isArray(part.examples) ? part.examples : []) {
      if (example?.agent_id) example.agent_id = agentId;
    }
  });
}

function removeCookieScheme(description) {
  delete description.components.securitySchemes[COOKIE_SCHEME];
  visitObjects(description, (part) => {
    if (Array.isArray(part.security)) part.security = part.security.filter((one) => !(COOKIE_SCHEME in one));
  });
}

/** Saves what the person has entered or removed in the renderer's boxes. The renderer does not report prefilled keys. */
function saveKeys() {
  const keys = readKeys();
  for (const { secrets } of Object.values(enteredKeys?.export() ?? {})) {
    for (const [scheme, secret] of Object.entries(secrets ?? {})) {
      if (secret[TOKEN]) keys[scheme] = secret[TOKEN];
      else if (secret["x-scalar-secret-cleared-fields"]?.includes(TOKEN)) delete keys[scheme];
    }
  }
  writeKeys(keys);
}

function settingsOf(description, keys) {
  const schemes = Object.entries(description.components.securitySchemes);
  return {
    content: description,
    authentication: {
      preferredSecurityScheme: firstScheme ?? null,
      securitySchemes: Object.fromEntries(
        schemes.map(([name, { type }]) => [name, { [type === "http" ? "token" : "value"]: keys[name] ?? "" }]),
      ),
    },
    plugins: [() => ({ name: "keys-of-this-tab", extensions: [], hooks: { onInit: ({ auth }) => (enteredKeys = auth) } })],
    // The samples of the documents replace the renderer's own.
    hiddenClients: true,
    hideModels: true,
    forceDarkModeState: prefersDark.matches ? "dark" : "light",
    hideDarkModeToggle: true,
    documentDownloadType: "none",
    // Everything that would send something to the renderer's maker is off.
    agent: { disabled: true },
    hideClientButton: true,
    mcp: { disabled: true },
    persistAuth: false,
    showDeveloperTools: "never",
    telemetry: false,
    withDefaultFonts: false,
  };
}

/** Returns the headers for requests of the page itself, or `undefined` if it may send none. */
function demoHeaders({ [api]: own = {} }) {
  if (api === "anima" && own.master) return { Authorization: `Bearer ${own.master}` };
  return api === "hum" && own.session && session ? {} : undefined;
}

/** Shows a button for each demo key. The renderer reads keys only when it starts. */
function offerKeys(demoKeys, show) {
  const keys = Object.entries(demoKeys).filter(([name]) => ["agent", "master", "test", "key"].includes(name));
  const label = (name) => (name === "key" ? "Use the demo key" : `Use the demo ${name} key`);
  byId("demo-keys").replaceChildren(
    ...keys.map(([name, key]) =>
      element("button", { type: "button", class: "button-small", onclick: () => show(name, key) }, label(name)),
    ),
  );
}

const [description, demo] = await Promise.all([send("GET", `/openapi/${api}.json`), fetchDemo()]);
removeCookieScheme(description);
fitToHost(description, demo);
const headers = demoHeaders(demo);
if (headers) await fillInIds(description, headers);
const firstScheme = Object.keys(description.security?.[0] ?? {})[0];
let shown = window.Scalar.createApiReference("#renderer", settingsOf(description, readKeys()));

function restart(keys) {
  writeKeys(keys);
  enteredKeys = undefined;
  shown.destroy();
  byId("renderer").replaceChildren();
  shown = window.Scalar.createApiReference("#renderer", settingsOf(description, keys));
}

offerKeys(demo[api] ?? {}, (name, key) => {
  restart({ ...readKeys(), [firstScheme]: key });
  byId("key-status").textContent = `Requests of this tab use the demo ${name === "key" ? "" : `${name} `}key.`;
});
prefersDark.addEventListener("change", () => {
  saveKeys();
  restart(readKeys());
});
window.addEventListener("pagehide", saveKeys);
