// Ids for the requests of a reference page. An invented id would be answered by 404, so the page of a local stack asks
// the API's own lists for the first object of each kind.
import { address } from "./dom.js";

/** Returns the lists that have objects with ids in paths: `/api/contacts` for `/api/contacts/{id}`. */
function findLists(paths) {
  const lists = new Map();
  for (const path of Object.keys(paths)) {
    const [, list, variable] = /^([^{]+)\/\{(\w+)\}/.exec(path) ?? [];
    if (list && paths[list]?.get) lists.set(list, variable);
  }
  return lists;
}

async function fetchFirstId(list, operation, variable, headers) {
  const place = address(list);
  if (operation.parameters.some(({ name }) => name === "limit")) place.searchParams.set("limit", "1");
  const response = await fetch(place, { headers });
  if (!response.ok) return undefined;
  const items = Object.values(await response.json()).find(Array.isArray);
  return items?.[0]?.[variable] ?? items?.[0]?.id;
}

/** Writes ids that exist into the description, as examples of the variables of paths. */
export async function fillInIds(description, headers) {
  const { paths } = description;
  await Promise.all(
    [...findLists(paths)].map(async ([list, variable]) => {
      const id = await fetchFirstId(list, paths[list].get, variable, headers).catch(() => undefined);
      if (typeof id !== "string") return;
      for (const [path, item] of Object.entries(paths)) {
        if (!path.startsWith(`${list}/{${variable}}`)) continue;
        for (const { parameters = [] } of Object.values(item)) {
          const found = parameters.find((one) => one.in === "path" && one.name === variable);
          if (found) found.example = id;
        }
      }
    }),
  );
}
