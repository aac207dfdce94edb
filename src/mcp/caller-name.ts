/** Longest part of a client's name that is written down. */
const MAX_CLIENT_NAME = 60;

/** Who a call is written down as: `mcp:` and the name that the client gave itself, of letters, digits, `.`, `_` and `-`. It is a claim, not a proof. */
export function callerName(client_name: string | undefined): string {
  const safe = (client_name ?? '')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^-+/, '')
    .slice(0, MAX_CLIENT_NAME)
    .replace(/-+$/, '');
  return `mcp:${safe === '' ? 'unnamed' : safe}`;
}
