// Unpacks the browser, its fonts and the shared libraries that a bare machine lacks: `node inflate.mjs <node_modules>`,
// into $TMPDIR.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const chromium = join(process.argv[2], '@sparticuz', 'chromium');
const { inflate } = await import(pathToFileURL(join(chromium, 'build', 'index.js')));
const parts = ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'];
await Promise.all(parts.map((name) => inflate(join(chromium, 'bin', name))));
