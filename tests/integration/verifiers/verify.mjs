// Verifies deliveries with the official libraries. Reads `[{secret, body, headers}]`, and prints for each library and
// each delivery whether it is verified.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(process.env.MODULES);
const libraries = { standardwebhooks: require('standardwebhooks').Webhook, svix: require('svix').Webhook };

const isVerified = (Webhook, { secret, body, headers }) => {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch {
    return false;
  }
};

const deliveries = JSON.parse(readFileSync(0, 'utf8'));
const found = Object.entries(libraries).map(([name, Webhook]) => [
  name,
  deliveries.map((one) => isVerified(Webhook, one)),
]);
process.stdout.write(JSON.stringify(Object.fromEntries(found)));
