import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { FilareError } from '../../src/contract/errors.js';
import { diagnosticSchema, type Diagnostic } from '../../src/manifest/diagnostic.js';
import { loadManifests, type LoadedManifests } from '../../src/manifest/load-manifests.js';

/** An OpenSSH private key as far as its head goes; no key of anybody. */
export function opensshKey(cipher: string): string {
  const name = Buffer.from(cipher);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(name.length);
  const body = Buffer.concat([Buffer.from('openssh-key-v1\0'), length, name, Buffer.alloc(120)]).toString('base64');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** What a load came to. */
export interface Outcome {
  readonly loaded: LoadedManifests | undefined;
  readonly error: FilareError | undefined;
  readonly mistakes: readonly Diagnostic[];
  readonly warnings: readonly Diagnostic[];
}

/** A project in a temporary folder, with a home folder of its own beside it. */
export class TestProject {
  readonly top = realpathSync(mkdtempSync(join(tmpdir(), 'manifest-test-')));
  readonly root = join(this.top, 'project');
  readonly home = join(this.top, 'home');

  constructor() {
    mkdirSync(join(this.root, 'configs/agents'), { recursive: true });
    mkdirSync(this.home);
  }

  /** A path below the project. */
  path(name: string): string {
    return join(this.root, name);
  }

  /** Writes a file of the project and answers its path. */
  write(name: string, text: string | Uint8Array, mode = 0o600): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  folder(name: string): string {
    const path = this.path(name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  link(name: string, target: string): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
    return path;
  }

  /** Loads manifests, those of the project when none are named. Anything but a FilareError is thrown on. */
  async load(paths?: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
    try {
      const loaded = await loadManifests(paths, { project_root: this.root, cwd: this.root, env, home: this.home });
      return { loaded, error: undefined, mistakes: [], warnings: loaded.warnings };
    } catch (error) {
      if (!(error instanceof FilareError)) throw error;
      const { mistakes, warnings } = diagnosticsOf(error.details);
      return { loaded: undefined, error, mistakes, warnings };
    }
  }

  /** Loads one manifest given as text. */
  async loadText(text: string, env: Record<string, string> = {}): Promise<Outcome> {
    return this.load([this.write('configs/agents/fleet.yml', text)], env);
  }

  /** The only agent of a manifest given as text. */
  async agent(text: string, env: Record<string, string> = {}) {
    const { loaded, error } = await this.loadText(text, env);
    const agent = loaded?.agents[0];
    if (agent === undefined) throw error ?? new Error('no agent');
    return agent;
  }

  [Symbol.dispose](): void {
    rmSync(this.top, { recursive: true, force: true });
  }
}

function diagnosticsOf(details: unknown): { mistakes: Diagnostic[]; warnings: Diagnostic[] } {
  if (typeof details !== 'object' || details === null) return { mistakes: [], warnings: [] };
  const { mistakes = [], warnings = [] } = details as Record<string, unknown>;
  return { mistakes: diagnosticSchema.array().parse(mistakes), warnings: diagnosticSchema.array().parse(warnings) };
}
