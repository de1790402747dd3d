// The header says who is signed in.
import { currentPerson, signInAddress } from "./api.js";
import { byId, element } from "./dom.js";

const place = byId("who");
const me = await currentPerson().catch(() => undefined);
if (me === null) {
  const link = { class: "button button-small button-primary", href: signInAddress() };
  place.replaceChildren(element("a", link, "Sign in"));
} else if (me) {
  place.querySelector(".avatar").textContent = [...me.user.name][0]?.toUpperCase() ?? "?";
  place.querySelector(".who-name").textContent = me.user.name;
  place.querySelector(".who-name").title = me.user.email ?? me.user.name;
}
