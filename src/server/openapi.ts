/**
 * Schemas as OpenAPI 3.1 wants them (JSON Schema 2020-12): typebox writes tuples the way of draft 7,
 * `items` a list and `additionalItems`, which are `prefixItems` and `items` now.
 */
export function toSchema202012(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toSchema202012);
  if (typeof value !== 'object' || value === null) return value;
  const { items, additionalItems, ...rest } = value as Record<string, unknown>;
  const walked = Object.fromEntries(Object.entries(rest).map(([key, inner]) => [key, toSchema202012(inner)]));
  if (Array.isArray(items)) {
    const after = additionalItems === undefined ? {} : { items: toSchema202012(additionalItems) };
    return { ...walked, prefixItems: items.map(toSchema202012), ...after };
  }
  return items === undefined ? walked : { ...walked, items: toSchema202012(items) };
}

export const API_DESCRIPTION = `Aisleflow routes robot fleets: lanes priced from live traffic by a policy that learns
from every completed route. Fleets use the WebSocket at \`/v1/ws\` (sub-protocol \`aisleflow.v1\`), whose
messages \`docs/websocket.md\` describes; this is the rest.

Every entry but \`/healthz\` and \`/readyz\` needs a token, sent as \`Authorization: Bearer <token>\` and never in a URL.
Viewers read, robots drive for themselves, operators do everything. \`/docs\` also takes the token as a Basic password; to try a call out, enter it once more under Authorize.
Errors are problem details (RFC 9457) with a code of \`docs/errors.md\`.`;
