// The OpenID provider of the local stack. Its protocol is real, but it believes everything that people type.
//
// It stores nothing on disk. Its keys are new at each start, and the address alone identifies a person.
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

import { pictureOf, signInPage, signOutPage, troublePage } from './pages.mjs';

const { PORT, CLIENT_ID, CONSOLE_URL, HOME_PATH, MODULES } = process.env;
const { Provider } = createRequire(MODULES)('oidc-provider');

const HOUR = 3_600;
const ISSUER = `http://localhost:${PORT}`;
const SCOPES = ['openid', 'email', 'profile'];
const LARGEST_FORM = 16_384;
const ADDRESS = /^[^\s@<>]+@[^\s@<>]+$/;

/** The people who have signed in since the start, by `sub`. */
const people = new Map();

const provider = new Provider(ISSUER, {
  clients: [
    {
      client_id: CLIENT_ID,
      client_name: 'Switchboard',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      redirect_uris: [`${CONSOLE_URL}/auth/callback`],
      post_logout_redirect_uris: [`${CONSOLE_URL}${HOME_PATH}`],
      id_token_signed_response_alg: 'ES256',
    },
  ],
  jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
  scopes: SCOPES,
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'picture'] },
  // The claims of a scope are in the id token, as with Cognito.
  conformIdTokenClaims: false,
  responseTypes: ['code'],
  pkce: { required: () => true },
  cookies: {
    keys: [randomBytes(32).toString('hex')],
    // The console is on the same host, and cookies ignore ports: these names must differ from the console's.
    names: { session: 'identity_session', interaction: 'identity_sign_in', resume: 'identity_resume' },
  },
  ttl: { Interaction: HOUR, Session: 12 * HOUR, Grant: 12 * HOUR, AuthorizationCode: 60, AccessToken: HOUR, IdToken: HOUR },
  features: {
    devInteractions: { enabled: false },
    pushedAuthorizationRequests: { enabled: false },
    dPoP: { enabled: false },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) => {
        ctx.body = signOutPage(form);
      },
      postLogoutSuccessSource: (ctx) => {
        ctx.body = troublePage('You are signed out', 'This window can be closed.');
      },
    },
  },
  interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
  findAccount: (_, sub) => people.has(sub) && { accountId: sub, claims: () => people.get(sub) },
  loadExistingGrant,
  renderError: (ctx, { error, error_description: description }) => {
    ctx.type = 'html';
    ctx.body = troublePage('That did not work', `${error}: ${description ?? ''}`);
  },
});

/** Grants everything without a consent page: the only client is the console of the same system. */
async function loadExistingGrant({ oidc }) {
  const { accountId } = oidc.session;
  const grant = new oidc.provider.Grant({ accountId, clientId: oidc.client.clientId });
  grant.addOIDCScope(SCOPES.join(' '));
  await grant.save();
  return grant;
}

/** The person of a form. The same address is the same person, also after a restart. */
function person(form) {
  const email = (form.get('email') ?? '').trim();
  if (!ADDRESS.test(email)) return undefined;
  const sub = createHash('sha256').update(email.toLowerCase()).digest('hex').slice(0, 32);
  const name = (form.get('name') ?? '').trim() || email.split('@')[0];
  return { sub, email, email_verified: !form.has('unverified'), name, picture: `${ISSUER}/pictures/${sub}.svg` };
}

async function signIn(request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method !== 'POST') return send(response, 200, signInPage(uid));
  const form = new URLSearchParams(await read(request));
  const found = person(form);
  if (!found) return send(response, 400, signInPage(uid, form, 'This is not an email address. Enter an address like you@example.com.'));
  people.set(found.sub, found);
  return provider.interactionFinished(request, response, { login: { accountId: found.sub } });
}

async function read(request) {
  let text = '';
  for await (const part of request) {
    text += part;
    if (text.length > LARGEST_FORM) throw new Error('the form is too large');
  }
  return text;
}

function send(response, status, body, type = 'text/html; charset=utf-8') {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(body);
}

const answer = provider.callback();

async function handle(request, response) {
  const [, place, name] = new URL(request.url, ISSUER).pathname.split('/');
  try {
    if (place === 'sign-in') await signIn(request, response);
    else if (place === 'pictures') send(response, 200, pictureOf(people.get(name?.split('.')[0])), 'image/svg+xml');
    else answer(request, response);
  } catch (error) {
    send(response, 400, troublePage('This sign-in has ended', `Start again at ${CONSOLE_URL}. (${error.message})`));
  }
}

createServer(handle).listen(Number(PORT), '127.0.0.1');

process.on('SIGTERM', () => process.exit(0));
// Standard input is a pipe from the stack: it closes when the stack ends in any way.
process.stdin.on('end', () => process.exit(0)).resume();
