import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBundleHeader } from '../../src/homecoming/bundle-header.js';
import { moveRef } from '../../src/homecoming/move-ref.js';
import { openOperatorRepo, type OperatorRepo } from '../../src/homecoming/operator-repo.js';
import { Quarantine } from '../../src/homecoming/quarantine.js';
import { takeFile } from '../../src/homecoming/take-file.js';
import { git } from '../workspace/playground.js';

const REF = 'refs/heads/agents/a';
const signal = new AbortController().signal;
let root: string;
let agent: string;
let repo: OperatorRepo;
let base: string;
let tip: string;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'filare-bundle-'));
  const operator = join(root, 'operator');
  mkdirSync(operator);
  git(operator, 'init', '-q', '-b', 'main');
  writeFileSync(join(operator, 'a.txt'), 'begin\n');
  git(operator, 'add', '-A');
  git(operator, 'commit', '-q', '-m', 'begin');
  base = rev(operator, 'HEAD');
  agent = join(root, 'agent');
  execFileSync('git', ['clone', '-q', operator, agent]);
  git(agent, 'switch', '-q', '-c', 'agents/a');
  writeFileSync(join(agent, 'a.txt'), 'agent\n');
  git(agent, 'commit', '-q', '-am', 'work');
  tip = rev(agent, 'HEAD');
  repo = await openOperatorRepo(operator, [agent], signal);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function rev(path: string, name: string): string {
  return execFileSync('git', ['-C', path, 'rev-parse', name], { encoding: 'utf8' }).trim();
}

function bundle(...what: string[]): string {
  const path = join(root, 'bundle');
  execFileSync('git', ['-C', agent, 'bundle', 'create', '-q', path, ...what]);
  return path;
}

const header = (path: string, commit = tip): ReturnType<typeof readBundleHeader> =>
  readBundleHeader(readFileSync(path), { ref: REF, commit });

describe('the header of a bundle', () => {
  it('is read where it is what was asked for, whole or not', () => {
    expect(header(bundle(REF))).toEqual({ ref: REF, commit: tip, needs: [] });
    expect(header(bundle(REF, `^${base}`))).toEqual({ ref: REF, commit: tip, needs: [base] });
  });

  it('is refused with another commit, another branch, more branches, a name that leads elsewhere, or what is no bundle', () => {
    expect(() => header(bundle(REF), base)).toThrow('another commit');
    expect(() => header(bundle('refs/heads/main'))).toThrow('another branch');
    expect(() => header(bundle(REF, 'refs/heads/main'))).toThrow('2 branches');
    const forged = (lines: string): string => {
      const path = join(root, 'forged');
      writeFileSync(path, lines);
      return path;
    };
    expect(() => header(forged(`# v2 git bundle\n${tip} refs/heads/../../config\n\nPACK`))).toThrow('another branch');
    expect(() => header(forged(`# v2 git bundle\n${tip} ${REF}\n${tip} HEAD\n\nPACK`))).toThrow('no bundle of ours');
    expect(() => header(forged(`# v3 git bundle\n@filter=blob:none\n${tip} ${REF}\n\nPACK`))).toThrow(
      'no bundle of ours',
    );
    expect(() => header(forged('#!/bin/sh\n'))).toThrow('no bundle of git');
    expect(() => header(forged(`# v2 git bundle\n${'x'.repeat(300_000)}`))).toThrow('no bundle of git');
  });
});

describe('what a bundle holds', () => {
  const take = async (path: string, known: readonly string[], commit = tip): Promise<Quarantine> => {
    const quarantine = await Quarantine.make(root, repo, known, signal);
    await quarantine.take(path, { ref: REF, commit, needs: [] }, 'incoming', false);
    return quarantine;
  };

  it('is taken when it is whole with what is known', async () => {
    const quarantine = await take(bundle(REF, `^${base}`), [base]);
    expect(await quarantine.ahead(tip, base)).toBe(1);
  });

  it('is refused without what comes before it, cut short, with a commit that is none, or another than was said', async () => {
    const stranger = join(root, 'stranger');
    mkdirSync(stranger);
    git(stranger, 'init', '-q');
    const [ours, thin] = [repo, bundle(REF, `^${base}`)];
    repo = await openOperatorRepo(stranger, [], signal);
    await expect(take(thin, [])).rejects.toThrow('not taken');
    rmSync(join(root, 'quarantine.git'), { recursive: true });
    repo = ours;
    const path = bundle(REF);
    truncateSync(path, readFileSync(path).length - 40);
    await expect(take(path, [])).rejects.toThrow('not taken');
    rmSync(join(root, 'quarantine.git'), { recursive: true });
    await expect(take(bundle(REF), [], base)).rejects.toThrow('not the commit that was said');
  });

  it('is not merged where that would take all memory of the machine: a file of nothing but ends of lines', async () => {
    writeFileSync(join(agent, 'a.txt'), Buffer.alloc(30e6, '\n'));
    git(agent, 'commit', '-q', '-am', 'lines');
    tip = rev(agent, 'HEAD');
    writeFileSync(join(repo.path, 'a.txt'), 'operator\n');
    git(repo.path, 'commit', '-q', '-am', 'other');
    const quarantine = await take(bundle(REF), [base]);
    expect(await quarantine.mergeTrial(tip, rev(repo.path, 'HEAD'))).toBeNull();
  });

  it('is refused with an object that git would obey: a submodule whose address is an option', async () => {
    writeFileSync(join(agent, '.gitmodules'), '[submodule "x"]\n\tpath = x\n\turl = -u./payload\n');
    git(agent, 'add', '-A');
    git(agent, 'commit', '-q', '-m', 'modules');
    tip = rev(agent, 'HEAD');
    const quarantine = await take(bundle(REF), [base]);
    const move = moveRef(repo, quarantine, { into: 'agents/a', before: null, tip, replaces: false, id: 'a' });
    await expect(move).rejects.toThrow(/not taken, for git finds it broken: .*gitmodules/);
    expect(await repo.git.answer(['cat-file', '-t', tip])).toBeNull();
    expect(await repo.git.answer(['for-each-ref', '--format=%(refname)'])).toBe('refs/heads/main');
  });
});

describe('the file that comes out of a container', () => {
  const options = { max_bytes: 1000, beginning_bytes: 10, signal };
  const target = (): string => join(root, 'taken');

  it('is copied, and its beginning answered', async () => {
    writeFileSync(join(root, 'plain'), 'x'.repeat(1000));
    const { beginning, bytes } = await takeFile(root, 'plain', target(), options);
    expect([beginning.toString(), bytes]).toEqual(['x'.repeat(10), 1000]);
    expect(readFileSync(target(), 'utf8')).toHaveLength(1000);
  });

  it('is refused as a link, a pipe, a folder, missing, or larger than the bound', async () => {
    writeFileSync(join(root, 'secret'), 'secret');
    symlinkSync(join(root, 'secret'), join(root, 'link'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    mkdirSync(join(root, 'folder'));
    for (const name of ['link', 'pipe', 'folder', 'missing'])
      await expect(takeFile(root, name, target(), options), name).rejects.toThrow('no plain file');
    writeFileSync(join(root, 'large'), 'x'.repeat(1001));
    await expect(takeFile(root, 'large', target(), options)).rejects.toThrow('larger than 1000 bytes');
  });
});
