import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { DockerEngine } from '../src/engine/docker/docker-engine.js';
import { imageStatus } from '../src/image/image.js';

/** Where and with what a run was made. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly system: string;
  readonly kernel: string;
  readonly node: string;
  readonly engine: string;
  readonly codex: string;
  readonly product: string;
  /** Load of the last minute when the run began: other work on the same machine makes figures worse. */
  readonly load: number;
}

/** Looks. */
export async function machine(): Promise<Machine> {
  const engine = await DockerEngine.connect(process.env);
  const info = await engine.info();
  const image = await imageStatus(engine);
  const release_text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const version = execFileSync(process.execPath, ['-p', 'require("./package.json").version'], {
    cwd: new URL('..', import.meta.url),
    encoding: 'utf8',
  });
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(release_text)?.[1] ?? 'unknown',
    kernel: release(),
    node: process.version,
    engine: `${info.kind} ${info.version}`,
    codex: image.codex_version ?? 'unknown',
    product: version.trim(),
    load: loadavg()[0] ?? 0,
  };
}
