// Requests of pages to the console's API.
import { address } from "./dom.js";

/** The API refused a request. `message` is for people, and `code` and `status` are for the page. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.message ?? `The request failed with status ${status}: try again.`);
    this.status = status;
    this.code = body.code;
    this.details = body.details ?? [];
  }
}

/** Sends a request and returns the parsed body. Throws Refused, also when the network fails. */
export async function send(method, path, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(address(path), { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Refused(0, { message: "The service cannot be reached: check your connection, then try again." });
  }
  const parsed = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, parsed);
  return parsed;
}

let person;

/** Returns the signed-in person, from one request of the page. `null` if the session has ended. */
export function currentPerson() {
  person ??= send("GET", "/api/me").catch((refused) => {
    if (refused.status === 401) return null;
    throw refused;
  });
  return person;
}

/** Returns the address of the sign-in that comes back to this page. */
export function signInAddress() {
  const place = address("/auth/login");
  place.searchParams.set("return_to", window.location.pathname + window.location.search);
  return place;
}
