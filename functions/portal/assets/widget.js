/*
 * The voice widget: <script src="https://…/widget.js" data-key="whk_…" async></script>
 * One file without dependencies, for pages with a strict Content-Security-Policy: no inline style, no eval.
 * It shows a button, a form and the talk as text. A page that plays the audio itself listens for the event
 * `switchboard-widget:connection` on the document: its detail has the room's url and ticket.
 */
(() => {
  "use strict";

  const script = document.currentScript;
  const key = script && script.dataset.key;
  if (!key) {
    console.warn("widget: the script has no data-key");
    return;
  }
  const api = new URL("api/widget/", script.src);
  const TURNSTILE = "https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit";
  const POLL_MS = 1000;
  const FAILURES = 5;
  const AUTOCOMPLETE = { name: "name", email: "email", phone: "tel", notes: "off" };
  const STYLE = `
    :host { all: initial; position: fixed; right: 1rem; bottom: 1rem; z-index: 2147483000;
      font: 16px/1.45 system-ui, sans-serif; color: #111827; }
    button, input, textarea { font: inherit; color: inherit; border-radius: .5rem; }
    button { min-height: 2.75rem; padding: .5rem 1.1rem; border: 1px solid transparent; cursor: pointer;
      background: #1d4ed8; color: #fff; }
    button.plain { background: #fff; color: #1d4ed8; border-color: #1d4ed8; }
    button:disabled { background: #4b5563; cursor: default; }
    :focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
    .open { border-radius: 2rem; box-shadow: 0 2px 8px #0006; }
    dialog { box-sizing: border-box; width: min(26rem, calc(100vw - 2rem)); max-height: min(40rem, calc(100vh - 2rem));
      margin: auto 1rem 1rem auto; padding: 1.25rem; overflow: auto; border: 1px solid #6b7280; border-radius: .75rem;
      background: #fff; }
    dialog::backdrop { background: #0006; }
    h2 { margin: 0 0 .75rem; font-size: 1.15rem; }
    label { display: block; margin: .6rem 0 .2rem; }
    input, textarea { box-sizing: border-box; width: 100%; padding: .55rem; border: 1px solid #6b7280;
      background: #fff; }
    input[type=checkbox] { width: auto; margin: 0 .5rem 0 0; }
    [aria-invalid=true] { border-color: #b91c1c; }
    .error { margin: .2rem 0 0; color: #b91c1c; }
    .row { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: 1rem; }
    ol { margin: 0; padding: 0; max-height: 18rem; overflow: auto; list-style: none; }
    li { margin: .4rem 0; padding: .5rem .7rem; border-radius: .6rem; background: #eff6ff; overflow-wrap: anywhere; }
    li.visitor { background: #f3f4f6; margin-left: 2rem; }
    [hidden] { display: none !important; }
    @media (prefers-reduced-motion: no-preference) { button { transition: background-color .15s; } }
  `;

  const make = (name, props = {}, ...children) => {
    const { attrs = {}, ...rest } = props;
    const made = Object.assign(document.createElement(name), rest);
    for (const [attribute, value] of Object.entries(attrs)) made.setAttribute(attribute, value);
    made.append(...children);
    return made;
  };

  const ask = async (method, path, credential, body, keepalive = false) => {
    const headers = { Authorization: `Bearer ${credential}` };
    if (body) headers["Content-Type"] = "application/json";
    const answer = await fetch(new URL(path, api), {
      method, headers, keepalive, credentials: "omit", cache: "no-store", body: body && JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json().catch(() => ({})) };
  };

  const build = (config) => {
    const host = make("div", { attrs: { "data-switchboard-widget": config.name } });
    const root = host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];

    const button = make("button", {
      type: "button", className: "open", textContent: script.dataset.label || "Talk to us",
      attrs: { "aria-haspopup": "dialog" },
    });
    const fields = config.lead_fields.map((field) => {
      const id = `lead-${field.name}`;
      const tag = field.type === "textarea" ? "textarea" : "input";
      const input = make(tag, { id, name: field.name, required: field.required, attrs: {
        autocomplete: AUTOCOMPLETE[field.name], "aria-describedby": `${id}-error`,
      } });
      if (tag === "input") input.type = field.type;
      const error = make("p", { id: `${id}-error`, className: "error", hidden: true });
      const name = field.required ? field.label : `${field.label} (optional)`;
      return { ...field, input, error, caption: make("label", { htmlFor: id, textContent: name }) };
    });
    // The captcha draws outside of the shadow tree: its script looks for its own elements in the document.
    const captchaBox = make("div", { slot: "captcha" });
    const problem = make("p", { className: "error", hidden: true, attrs: { role: "alert" } });
    const notice = make("p", {}, config.notice);
    if (config.privacy_url) {
      const link = { href: config.privacy_url, target: "_blank", rel: "noopener", textContent: "Privacy policy" };
      notice.append(" ", make("a", link));
    }
    // Nobody needs to tick it: a talk does not depend on the consent to later calls.
    const consent = make("input", { type: "checkbox" });
    const consentLine = make("label", { hidden: !config.consent_text }, consent, config.consent_text || "");
    const start = make("button", { type: "submit", textContent: "Start the talk" });
    const cancel = make("button", { type: "button", className: "plain", textContent: "Close" });
    const form = make("form", { noValidate: true },
      ...fields.flatMap((field) => [field.caption, field.input, field.error]),
      consentLine, make("slot", { name: "captcha" }), notice, problem,
      make("div", { className: "row" }, start, cancel));

    const status = make("p", { attrs: { role: "status" } });
    const log = make("ol", { tabIndex: 0, attrs: { role: "log", "aria-live": "polite", "aria-label": "Transcript" } });
    const end = make("button", { type: "button", textContent: "End the talk" });
    const close = make("button", { type: "button", className: "plain", textContent: "Close", hidden: true });
    const talk = make("div", { hidden: true }, status, log, make("div", { className: "row" }, end, close));

    const title = make("h2", { id: "title", textContent: config.name });
    const dialog = make("dialog", { attrs: { "aria-labelledby": "title", "aria-modal": "true" } }, title, form, talk);
    root.append(button, dialog);
    host.append(captchaBox);

    let session = null;
    let captcha = null;

    const say = (element, text) => {
      element.textContent = text;
      element.hidden = !text;
    };

    const loadCaptcha = () => {
      if (config.captcha.provider !== "turnstile" || captcha !== null) return;
      captcha = "";
      const render = () => {
        captcha = window.turnstile.render(captchaBox, {
          sitekey: config.captcha.site_key, action: config.captcha.action,
          "error-callback": () => say(problem, "The captcha could not be loaded: reload the page."),
        });
      };
      if (window.turnstile) {
        render();
        return;
      }
      const loader = make("script", { src: TURNSTILE, async: true });
      loader.addEventListener("load", () => window.turnstile.ready ? window.turnstile.ready(render) : render());
      loader.addEventListener("error", () => {
        captcha = null;
        say(problem, "The captcha could not be loaded: reload the page.");
      });
      document.head.append(loader);
    };

    // Shows the problem of each field. Returns the first input with a problem.
    const mark = (details) => {
      let first = null;
      for (const field of fields) {
        const found = details.find((detail) => detail.field === `lead.${field.name}`);
        say(field.error, found ? `${field.label} ${found.message}.` : "");
        field.input.setAttribute("aria-invalid", String(Boolean(found)));
        if (found && !first) first = field.input;
      }
      return first;
    };

    const complain = (answer) => {
      const details = answer.details || [];
      const first = mark(details);
      const elsewhere = details.find((detail) => detail.field === "captcha_token");
      const text = elsewhere ? `The captcha ${elsewhere.message}.` : answer.message || "It did not work: try again.";
      say(problem, first ? "" : text);
      (first || start).focus();
    };

    const checkForm = () => fields.filter((field) => field.required && !field.input.value.trim())
      .map((field) => ({ field: `lead.${field.name}`, message: "is missing" }));

    const show = (turns) => {
      for (const turn of turns) {
        const id = `turn-${turn.number}`;
        let line = root.getElementById(id);
        if (!line) {
          line = make("li", { id, className: turn.role });
          log.append(line);
        }
        const text = `${turn.role === "agent" ? config.name : "You"}: ${turn.text}`;
        if (line.textContent !== text) line.textContent = text;
      }
      if (turns.length) log.scrollTop = log.scrollHeight;
    };

    const finish = (text) => {
      session = null;
      say(status, text);
      end.hidden = true;
      close.hidden = false;
      if (dialog.open) close.focus();
    };

    const poll = async (current, failures = 0) => {
      if (session !== current) return;
      let missed = failures + 1;
      try {
        const found = await ask("GET", `sessions/${current.session_id}`, current.session_token);
        if (session !== current) return;
        if (found.status === 200) {
          missed = 0;
          show(found.body.turns);
          if (found.body.status === "live") say(status, "You are connected.");
          if (found.body.status === "ended") return finish("The talk has ended.");
        }
      } catch (_) { /* The network comes back, or the failures add up. */ }
      if (missed >= FAILURES) return finish("The connection was lost.");
      setTimeout(() => poll(current, missed), POLL_MS * (missed + 1));
    };

    const stop = (keepalive = false) => {
      const current = session;
      if (current) {
        ask("POST", `sessions/${current.session_id}/end`, current.session_token, {}, keepalive).catch(() => {});
      }
      return current;
    };

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const missing = checkForm();
      if (missing.length) return complain({ details: missing });
      mark([]);
      say(problem, "");
      const body = { lead: Object.fromEntries(fields.filter((one) => one.input.value.trim())
        .map((one) => [one.name, one.input.value])) };
      if (consent.checked) body.consent = config.consent_text;
      if (captcha) body.captcha_token = window.turnstile.getResponse(captcha) || "";
      start.disabled = true;
      start.textContent = "Connecting…";
      try {
        const started = await ask("POST", "sessions", key, body);
        start.disabled = false;
        if (started.status !== 200) return complain(started.body);
        session = started.body;
        if (!dialog.open) {
          stop();
          session = null;
          return;
        }
        log.replaceChildren();
        form.hidden = true;
        talk.hidden = end.hidden = false;
        close.hidden = true;
        say(status, "Connecting…");
        end.focus();
        document.dispatchEvent(new CustomEvent("switchboard-widget:connection", {
          detail: { ...session.connection, sessionId: session.session_id, expiresAt: session.expires_at },
        }));
        poll(session);
      } catch (_) {
        start.disabled = false;
        complain({ message: "No connection: try again." });
      } finally {
        start.disabled = false;
        start.textContent = "Start the talk";
        if (captcha) window.turnstile.reset(captcha);
      }
    });

    button.addEventListener("click", () => {
      form.hidden = Boolean(session);
      talk.hidden = !session;
      say(problem, "");
      dialog.showModal();
      (form.querySelector("input, textarea") || start).focus();
      loadCaptcha();
    });
    for (const one of [cancel, close]) one.addEventListener("click", () => dialog.close());
    end.addEventListener("click", () => {
      say(status, "Ending…");
      stop();
    });
    // Escape closes the dialog too. Nobody talks behind a closed window.
    dialog.addEventListener("close", () => {
      stop();
      session = null;
      document.dispatchEvent(new CustomEvent("switchboard-widget:closed"));
      button.focus();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key !== "Tab") return;
      const stops = [...dialog.querySelectorAll("a, button, input, textarea, ol, slot")]
        .flatMap((one) => one.matches("slot") ? [...captchaBox.querySelectorAll("iframe")] : [one])
        .filter((one) => !one.disabled && one.getClientRects().length);
      const last = event.shiftKey ? stops[0] : stops[stops.length - 1];
      if (root.activeElement === last) {
        event.preventDefault();
        (event.shiftKey ? stops[stops.length - 1] : stops[0]).focus();
      }
    });
    window.addEventListener("pagehide", () => stop(true));
    document.body.append(host);
  };

  const begin = async () => {
    try {
      const found = await ask("GET", "config", key);
      if (found.status === 200) build(found.body);
      else console.warn(`widget: ${found.body.message || found.status}`);
    } catch (_) {
      console.warn("widget: the server cannot be reached, or this page's origin is not allowed");
    }
  };
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin, { once: true });
})();
