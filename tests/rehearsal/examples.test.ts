import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { loadRehearsal } from '../../src/rehearsal/script.js';
import { CodexRig } from './codex-rig.js';

const run = promisify(execFile);
const APPROVE = {
  'item/commandExecution/requestApproval': { decision: 'accept' },
  'item/fileChange/requestApproval': { decision: 'accept' },
  'item/tool/call': { contentItems: [{ type: 'inputText', text: 'green' }], success: true },
};

async function git(rig: CodexRig, ...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=feature agent', '-c', 'user.email=feature@agents.local'];
  return (await run('git', [...identity, ...args], { cwd: rig.workspace })).stdout.trim();
}

async function rehearse(role: string): Promise<CodexRig> {
  const agent = role === 'DOCUMENTATION' ? 'docs' : role.toLowerCase();
  const plan = await loadRehearsal(['examples/rehearsal/quickstart.yml']);
  const rig = await CodexRig.start({ script: plan, role, agent, approvalPolicy: 'untrusted', answers: APPROVE });
  await cp('examples/sample-repo', rig.workspace, { recursive: true });
  await git(rig, 'init', '-q', '-b', `agents/${agent}`);
  await git(rig, 'config', 'user.name', `${agent} agent`);
  await git(rig, 'config', 'user.email', `${agent}@agents.local`);
  await git(rig, 'add', '-A');
  await git(rig, 'commit', '-q', '-m', 'Seed');
  return rig;
}

describe('the quickstart rehearsal on the sample repository', { timeout: 90_000 }, () => {
  it.each([
    { role: 'FEATURE', files: ['greeter/__init__.py', 'greeter/farewell.py', 'tests/test_farewell.py'] },
    { role: 'DOCUMENTATION', files: ['README.md', 'docs/usage.md'] },
    { role: 'VALIDATOR', files: ['REVIEW.md'] },
  ])('$role does its work, commits it once, and stays to talk', async ({ role, files }) => {
    await using rig = await rehearse(role);
    const first = await rig.turn('Do your work.');
    expect(first.status).toBe('completed');
    const commands = first.items.filter(({ type }) => type === 'commandExecution');
    expect(commands.map((item) => [item['command'], item['exitCode']])).toEqual(
      commands.map((item) => [item['command'], 0]),
    );
    expect(commands.length).toBeGreaterThan(2);
    expect((await git(rig, 'diff', '--name-only', 'HEAD~1')).split('\n')).toEqual(files);
    expect(await git(rig, 'status', '--porcelain')).toBe('');
    await run('python3', ['-m', 'unittest'], { cwd: rig.workspace });

    expect((await rig.turn('What is your status?')).said.join()).toContain(await git(rig, 'log', '--oneline', '-1'));
    expect((await rig.turn('Please run the tests')).said.join()).toContain('OK');
    expect((await rig.turn('canary 17')).said.join()).toContain('You said: canary 17');
    await rig.startThread();
    expect((await rig.turn('Do your work again.')).status).toBe('completed');
    expect(await git(rig, 'rev-list', '--count', 'HEAD')).toBe('2');
    expect(await git(rig, 'status', '--porcelain')).toBe('');
  });
});

describe('the tour', { timeout: 90_000 }, () => {
  it('shows every kind of step', async () => {
    const inputSchema = { type: 'object', properties: {} };
    const dynamicTools = [{ type: 'function', name: 'ask_operator', description: 'Asks.', inputSchema }];
    const script = await loadRehearsal(['examples/rehearsal/tour.yml']);
    const provider = { request_max_retries: 1, stream_max_retries: 1 };
    const approvalPolicy = 'untrusted' as const;
    await using rig = await CodexRig.start({ script, approvalPolicy, answers: APPROVE, dynamicTools, provider });
    const last = async (text: string): Promise<string | undefined> => (await rig.turn(text)).said.at(-1);
    expect(await last('tour say')).toMatch(/feature writes slowly/);
    expect(await last('tour run')).toMatch(/^The file says \d{4}\.$/);
    expect(await last('tour edit')).toBe('Written, then changed.');
    expect(await last('tour approval cake')).toBe('Codex reported: ');
    expect(rig.of('item/commandExecution/requestApproval').at(-1)?.params['reason']).toBe(
      'May I create cake.approved?',
    );
    expect(await last('tour question')).toBe('Then it is green.');
    expect(await last('tour tool')).toContain('missing.png');
    expect((await rig.turn('tour retry')).said).toEqual(['Half of this was', 'lost, and said again.']);
    expect((await rig.turn('tour failure')).status).toBe('failed');
    expect(await last('tour wait')).toBe('I was thinking, then silent.');
    const hanging = await rig.begin('tour hang');
    await rig.until(
      ({ method, params }) => method === 'item/completed' && JSON.stringify(params).includes('Interrupt me'),
    );
    await rig.interrupt(hanging);
    expect((await rig.end(hanging)).status).toBe('interrupted');
  });
});
