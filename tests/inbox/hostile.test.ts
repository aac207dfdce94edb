import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { ACTION_CATEGORIES } from '../../src/contract/agent-spec.js';
import { parseCommandPattern, patternOfWords } from '../../src/contract/command-pattern.js';
import { loadPolicy } from '../../src/inbox/load-policy.js';
import { matchesWildcards } from '../../src/inbox/match-words.js';
import type { Policy } from '../../src/inbox/policy.js';
import { readCommand } from '../../src/inbox/read-command.js';
import { loadShellParser, type ShellParser } from '../../src/inbox/shell-parser.js';
import { approval, approve, ask, changes, command, reject, rules, standing, WORKSPACE } from './requests.js';

let policy: Policy;
let parser: ShellParser;
beforeAll(async () => {
  policy = await loadPolicy();
  parser = await loadShellParser();
});

const PIECES =
  `ls|rm|git|push|npm|test|sh|bash|-c|-lc|eval|sudo|env|xargs|find|-exec|{}|\\;|;|&&|\|\||\||&|>|<|<<|<<<|EOF|\n|$|(|)|$(|\`|"|'|\\|{|}|[|]|[[|]]|((|))|` +
  `*|?|~|#|!|=|A=b|LD_PRELOAD=x|if|then|fi|for|in|do|done|case|esac|while|function|f()|time|coproc|/|/etc/passwd|../|-rf|a|b|1|2>&1|$x|\${x}|\${x:-|$'\\x41'|é|\u202e|\u200b|\ud800|\0|\r|\t`;
const piece = fc.constantFrom(...PIECES.split('|'), ' ', ' ', ' ');
const script = fc.oneof(
  fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 25 }).map((pieces) => pieces.join(' ')),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 30 }).map((codes) => String.fromCharCode(...codes)),
);
const EVERYTHING = [
  ...ACTION_CATEGORIES.map((category) => approve({ category })),
  ...['ls', 'rm', 'git', 'npm', 'sh', 'bash', 'a', 'b', 'sudo', 'env'].flatMap((name) => [
    approve({ command: `${name} **` }),
    approve({ command: `${name} -* **` }),
  ]),
  approve({ command: '**' }),
  approve({ path: '**' }),
  approve({ tool: '*' }),
];

test('10,000 hostile scripts: no throw, the same verdict twice, nothing approved that is not plain', () => {
  fc.assert(
    fc.property(script, (text) => {
      const request = command(text);
      const verdict = policy.judge(request, rules('ask', ...EVERYTHING));
      expect(policy.judge(request, rules('ask', ...EVERYTHING))).toEqual(verdict);
      const reading = readCommand(text, WORKSPACE, parser);
      if (verdict.do === 'approve') {
        expect(reading.plain).not.toBeNull();
        expect(text).toMatch(/^[ -~]+$/);
        expect(text.replaceAll(/'[^']*'|"[^"]*"|\\./g, '')).not.toMatch(/[;&|<>()$`{}*?[\]#!\n]/);
      }
      if (reading.opaque !== null) {
        expect(reading.plain).toBeNull();
        expect(policy.judge(request, rules('approve', ask({ category: 'network' }))).do).toBe('ask');
      }
    }),
    { numRuns: 10_000 },
  );
});

test('what is offered is approved once it stands', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom('-f', '/etc/x', '../y', "it's", '"', '\\', '*', '~', 'é'),
  );
  const plainCommand = fc
    .tuple(fc.constantFrom('ls', 'git', 'npm', './run', '/usr/bin/make'), fc.array(word, { maxLength: 13 }))
    .map(([program, args]) => [program, ...args.map((arg) => `'${arg.replaceAll("'", "'\\''")}'`)].join(' '));
  const request = fc.oneof(
    fc.oneof(script, plainCommand).map((text) => command(text)),
    fc
      .array(fc.oneof(fc.string(), fc.constantFrom('src/a.ts', '.git/config', '../x', '/etc/x')), { maxLength: 2 })
      .map((paths) => changes(...paths)),
  );
  const some = fc.constantFrom(
    rules('ask'),
    rules('approve', ask({ category: 'outside_workspace' })),
    rules('ask', reject({ command: 'git **' })),
    rules('reject', ask({ command: 'npm **' })),
    { ...rules('ask'), standing: [standing({ command: 'ls **' }, { do: 'ask' })] },
  );
  let offered = 0;
  fc.assert(
    fc.property(request, some, (one, given) => {
      const when = policy.offer(one, given);
      if (when === null) return;
      offered += 1;
      expect(policy.judge(one, { ...given, standing: [...given.standing, standing(when)] }).do).toBe('approve');
    }),
    { numRuns: 3000 },
  );
  expect(offered).toBeGreaterThan(100);
});

test('any action of any shape is judged without a throw', () => {
  const action = fc.record(
    {
      type: fc.constantFrom('command', 'file_change', 'network', 'permissions', 'elicitation', 'question', 'x'),
      command: fc.anything(),
      script: fc.anything(),
      cwd: fc.anything(),
      changes: fc.anything(),
      grant_root: fc.anything(),
      permissions: fc.anything(),
      server: fc.anything(),
      tool: fc.anything(),
    },
    { requiredKeys: ['type'] },
  );
  fc.assert(
    fc.property(action, (one) => {
      const request = approval(one);
      policy.offer(request, rules('ask'));
      expect(policy.judge(request, rules('approve', reject({ path: '**' }), ask({ tool: '*' }))).do).toMatch(
        /^(ask|approve|reject)$/,
      );
    }),
    { numRuns: 3000 },
  );
});

test('a pattern of words matches them and nothing else', () => {
  const words = fc.array(
    fc.string().filter((word) => !word.includes('*')),
    { minLength: 1, maxLength: 5 },
  );
  fc.assert(
    fc.property(words, (given) => {
      const pattern = parseCommandPattern(patternOfWords(given) ?? '');
      expect('problem' in pattern ? null : pattern.words).toEqual(given.map((word) => [word]));
    }),
  );
});

test('wildcards match as a regular expression would, in bounded time', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  fc.assert(
    fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), (glob, text) => {
      const [first = '', ...others] = glob.split('*');
      expect(matchesWildcards([first, ...others], text)).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(text));
    }),
  );
  const [first = '', ...others] = `${'a*'.repeat(500)}b`.split('*');
  const started_ms = performance.now();
  expect(matchesWildcards([first, ...others], 'a'.repeat(10_000))).toBe(false);
  expect(performance.now() - started_ms).toBeLessThan(200);
});

test('a usual command is judged in less than a millisecond', () => {
  const given = rules(
    'ask',
    ask({ category: 'git_push' }),
    approve({ command: 'npm test **' }),
    approve({ command: 'git add **' }),
  );
  const usual = [
    'npm test',
    'git add -A && git commit -m "wip"',
    'rg -n "foo" src | head -20',
    'git push origin main',
  ].map((text) => command(text));
  const judgeAll = (times: number): number => {
    const started_ms = performance.now();
    for (let at = 0; at < times; at += 1) for (const request of usual) policy.judge(request, given);
    return (performance.now() - started_ms) / (times * usual.length);
  };
  judgeAll(100);
  expect(judgeAll(250)).toBeLessThan(1);
});
