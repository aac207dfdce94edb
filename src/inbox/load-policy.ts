import { judgeSubject } from './judge.js';
import { offerFor } from './offer.js';
import type { Policy } from './policy.js';
import { loadShellParser } from './shell-parser.js';
import { readSubject } from './subject.js';

/** The policy, with the parser of commands it needs; fails with `unexpected` where its grammar is missing. Load it once. */
export async function loadPolicy(): Promise<Policy> {
  const parser = await loadShellParser();
  return {
    judge(request, rules) {
      if (request.kind !== 'approval') return { do: 'ask', rule: null, reason: null, categories: [] };
      return judgeSubject(request, readSubject(request.action, parser), rules);
    },
    offer(request, rules) {
      return request.kind === 'approval' ? offerFor(request, readSubject(request.action, parser), rules) : null;
    },
  };
}
