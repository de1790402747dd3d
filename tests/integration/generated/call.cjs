// Calls operations of generated clients, one line of JSON per call, and writes one line of JSON for each result.
//
// A call: {client, url, operation, api, parameters, body, reader, writer, headers, token, key}. `parameters` are by the
// client's names, each with its type. `reader` and `writer` are the names of the functions for the body and the result.
const { createInterface } = require("node:readline");

/** Sends a request without following a redirect. Of a stream it reads the first block only. */
async function send(url, init) {
  const answer = await fetch(url, { ...init, redirect: "manual" });
  if (!answer.headers.get("content-type")?.startsWith("text/event-stream")) return answer;
  const reader = answer.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new Response(value, { status: answer.status, headers: answer.headers });
}

const KINDS = {
  Date: (text) => new Date(text),
  number: (text) => Number(text),
  boolean: (text) => text === "true",
  Blob: ({ text, name, type }) => new File([Buffer.from(text, "base64")], name, { type }),
};

async function call(asked) {
  const client = require(asked.client);
  const { url, headers, token, key } = asked;
  const options = { basePath: url, headers, fetchApi: send };
  if (token) options.accessToken = token;
  if (key) options.apiKey = key;
  const api = new client[asked.api](new client.Configuration(options));
  const given = {};
  for (const [name, { kind, value }] of Object.entries(asked.parameters)) {
    given[name] = kind in KINDS ? KINDS[kind](value) : value;
  }
  if (asked.reader) given[asked.body.name] = client[asked.reader](asked.body.value);
  let answer;
  try {
    answer = await api[`${asked.operation}Raw`](given);
  } catch (error) {
    // The client's error for every status that is no success.
    if (error.response) return { status: error.response.status, said: await error.response.text() };
    throw error;
  }
  const said = await answer.raw.clone().text();
  const value = await answer.value();
  return { status: answer.raw.status, said, value: asked.writer ? client[asked.writer](value) : null };
}

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const result = await call(JSON.parse(line)).catch((error) => ({ fault: String(error.stack ?? error) }));
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

main();
