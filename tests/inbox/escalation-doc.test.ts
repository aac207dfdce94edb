import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadCommandReader } from '../../src/inbox/load-command-reader.js';
import { TestProject } from '../manifest/project.js';
import { WORKSPACE } from './requests.js';

const page = readFileSync(new URL('../../docs/escalation.md', import.meta.url), 'utf8');
const section = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
const codesIn = (text: string): string[] => Array.from(text.matchAll(/`([^`]+)`/g), ([, code]) => code ?? '');

test('what docs/escalation.md calls plain is plain, and what it does not is not', async () => {
  const read = await loadCommandReader();
  const rows = section('Plain')
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2);
  const cells = rows.map((row) => row.split('|').slice(1, 3));
  const plain = cells.flatMap(([cell = '']) => codesIn(cell));
  const others = cells.flatMap(([, cell = '']) => codesIn(cell));
  expect([plain.length, others.length]).toEqual([5, 10]);
  for (const code of plain) expect(read(code, WORKSPACE).plain, code).not.toBeNull();
  for (const code of others) expect(read(code, WORKSPACE).plain, code).toBeNull();
});

test('what it calls opaque is opaque', async () => {
  const read = await loadCommandReader();
  const whole = ['eval "$x"', 'bash run.sh', 'source env.sh', 'python3 -'];
  const opaque = codesIn(section('Opaque'));
  for (const code of whole) {
    expect(opaque).toContain(code);
    expect(read(code, WORKSPACE).opaque, code).not.toBeNull();
  }
  for (const set of ['PATH=x', 'LD_PRELOAD=x', 'GIT_SSH_COMMAND=x', 'PAGER=x'])
    expect(read(`${set} ls`, WORKSPACE).opaque, set).not.toBeNull();
});

test('its example is a manifest', async () => {
  using project = new TestProject();
  const example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  expect(parse(example)).toMatchObject({ id: 'careful' });
  const agent = await project.agent(example);
  expect(agent.escalation.rules).toHaveLength(4);
});
