// The pages of the local provider.

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escaped = (text) => String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);

const page = (title, body) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>
  :root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
  body { max-width: 24rem; margin: 12vh auto; padding: 0 1rem; }
  label { display: block; margin: 1rem 0; }
  input:not([type=checkbox]) { display: block; box-sizing: border-box; width: 100%; padding: .5rem; font: inherit; }
  button { padding: .5rem 1.5rem; font: inherit; cursor: pointer; }
  [role=alert] { color: #b00020; }
</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${body}
</body>
</html>
`;

/** The sign-in page. */
export const signInPage = (uid, form = new URLSearchParams(), wrong = '') =>
  page(
    'Sign in',
    `<p>There is no password: this page is part of the stack on your own machine, and accepts every address.</p>
${wrong && `<p role="alert">${escaped(wrong)}</p>`}
<form method="post" action="/sign-in/${escaped(uid)}">
<label>Email address <input name="email" type="email" required autofocus autocomplete="email" value="${escaped(form.get('email') ?? '')}"></label>
<label>Name <input name="name" autocomplete="name" value="${escaped(form.get('name') ?? '')}"></label>
<label><input name="unverified" type="checkbox"${form.has('unverified') ? ' checked' : ''}> The address is not verified</label>
<button>Sign in</button>
</form>`,
  );

/** The sign-out page. It signs out at once: the person has already chosen to sign out in the console. */
export const signOutPage = (form) =>
  page(
    'Signing out',
    `${form}
<input form="op.logoutForm" type="hidden" name="logout" value="yes">
<noscript><button form="op.logoutForm">Sign out</button></noscript>
<script>document.getElementById('op.logoutForm').submit();</script>`,
  );

/** A page with a message and no links. */
export const troublePage = (title, text) => page(title, `<p>${escaped(text)}</p>`);

/** A person's picture: the first letter of the name. */
export const pictureOf = (person) => {
  const letter = [...(person?.name ?? '?')][0].toUpperCase();
  const hue = person ? parseInt(person.sub.slice(0, 4), 16) % 360 : 0;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="hsl(${hue} 45% 40%)"/>
<text x="32" y="43" fill="#fff" font-family="system-ui, sans-serif" font-size="32" text-anchor="middle">${escaped(letter)}</text></svg>`;
};
