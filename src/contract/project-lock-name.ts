/** Name of the abstract unix socket that a daemon holds for as long as it lives, without the zero byte in front (`@` where tools show it). */
export function lockName(key: string, uid: number): string {
  return `filare-agents-${String(uid)}-${key}`;
}
