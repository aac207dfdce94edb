import { expect, test } from 'vitest';
import { withCarets, withoutCarets } from './annotated.js';
import { TestProject } from './project.js';

// What is wrong with files, folders and addresses that a manifest names, told where it is. Each case is a manifest with all that must be said of it (annotated.ts).
const CASES: Readonly<Record<string, string>> = {
  variables: `
id: one
role: UI
env_file: $NOWHERE/agents.env
          ^ the variable NOWHERE is not set => export NOWHERE=…, or give it a value here: \${NOWHERE:-…}
ssh_key: "\${HOME_OF_KEYS}/key"
          ^ the variable HOME_OF_KEYS is not set => export HOME_OF_KEYS=…, or give it a value here: \${HOME_OF_KEYS:-…}
known_hosts: ~bob/known_hosts
             ^ ~bob is not known here: only ~/ (your own home folder) is => write the path in full
workspace: { template: $, repo: "x\\ty" }
                                ^ workspace.repo cannot be "x	y"
`,
  'files that are not there': `
id: one
role: UI
env_file: missing.env
          ^ the env file <project>/configs/agents/missing.env does not exist => a path is relative to the manifest that names it
ssh_key: missing_key
         ^ the SSH key <project>/configs/agents/missing_key does not exist => a path is relative to the manifest that names it
known_hosts: missing_hosts
             ^ the known hosts file <project>/configs/agents/missing_hosts does not exist => a path is relative to the manifest that names it
workspace: { template: missing }
                       ^ the template <project>/configs/agents/missing does not exist => name a folder; a path is relative to the manifest
`,
  'files that are folders': `
id: one
role: UI
env_file: ..
          ^ the env file <project>/configs is a folder, not a file => name the file in it
ssh_key: ..
         ^ the SSH key <project>/configs is a folder, not a file => name the file in it
known_hosts: ..
             ^ the known hosts file <project>/configs is a folder, not a file => name the file in it
workspace: ../../a-file
           ^ the workspace <project>/a-file is not a folder
`,
  'files with the secret of a webhook': `
id: one
role: UI
escalation:
  notify:
    - { webhook: https://x.example, secret_file: missing.secret }
                                                 ^ the secret file <project>/configs/agents/missing.secret does not exist => a path is relative to the manifest that names it
    - { webhook: https://x.example, secret_file: .. }
                                                 ^ the secret file <project>/configs is a folder, not a file => name the file in it
    - { webhook: https://x.example, secret_file: ../../blank }
                                                 ^ the secret file <project>/blank is empty
    - { webhook: https://x.example, secret_file: $NOWHERE/x }
                                                 ^ the variable NOWHERE is not set => export NOWHERE=…, or give it a value here: \${NOWHERE:-…}
`,
  seeds: `
- { id: a, role: UI, workspace: { template: .., repo: .. } }
                                                ^ a workspace is seeded from a template or from a repo, not from both
- { id: b, role: UI, workspace: { ref: main } }
                                  ^ workspace.ref says what of a repo to take, and there is no repo => add repo: beside it
- { id: c, role: UI, workspace: { repo: "ext::sh -c id" } }
                                        ^ workspace.repo is not an address that can be cloned => write a path, https://…, ssh://… or user@host:path
- { id: d, role: UI, workspace: { repo: "https://me:hunter2@git.example/x" } }
                                        ^ workspace.repo holds a password or token => use an ssh:// address with ssh_key, so that the manifest holds no secret
- { id: e, role: UI, workspace: { repo: ../missing, ref: "-x" } }
                                        ^ the repository <project>/configs/missing does not exist
                                                         ^ workspace.ref begins with "-"
- { id: f, role: UI, workspace: { repo: "ftp://x.example/y", template: "/" } }
                                  ^ a workspace is seeded from a template or from a repo, not from both
                                        ^ workspace.repo begins with ftp://, which cannot be cloned from => write a path, https://…, ssh://… or user@host:path
                                                                       ^ the template / is the root of the file system => copy what the agent needs into a folder of its own
- { id: g, role: UI, workspace: { template: ~/ } }
                                            ^ the template <top>/home is a home folder => copy what the agent needs into a folder of its own
`,
  'workspaces where none may be': `
- { id: a, role: UI, workspace: ../.. }
                                ^ the workspace <project> holds <project>/.filare, which is filare-agents' own
- { id: b, role: UI, workspace: ../../.filare/workspaces/other }
                                ^ the workspace <project>/.filare/workspaces/other lies in <project>/.filare, which is filare-agents' own
- { id: c, role: UI, workspace: ../../outputs }
                                ^ the workspace <project>/outputs is filare-agents' own
- { id: d, role: UI, workspace: / }
                                ^ the workspace / is the root of the file system
- { id: e, role: UI, workspace: ~/ }
                                ^ the workspace <top>/home is a home folder
- { id: f, role: UI, workspace: /etc/x }
                                ^ the workspace /etc/x lies in /etc, a folder of the system
- { id: g, role: UI, workspace: ../../outputs/agents/UI }
                                ^ the workspace <project>/outputs/agents/UI lies in <project>/outputs, which is filare-agents' own
- { id: h, role: UI, workspace: ../../../ }
                                ^ the workspace <top> holds a home folder (<top>/home)
`,
  'workspaces in one another': `
- { id: a, role: UI, workspace: ../../../work }
- { id: b, role: UI, workspace: { path: ../../../work/b } }
                                ^ the workspace <top>/work/b lies in that of "a" (on line 2)
- { id: c, role: UI, workspace: ../../../other/../work }
                                ^ the workspace <top>/work is also that of "a" (on line 2)
`,
};

test('warns when others can read the secret of a webhook, and says how to mend it', async () => {
  using project = new TestProject();
  const notify = (mode: number): string => {
    const name = `hook-${mode.toString(8)}`;
    project.write(`configs/agents/${name}`, 'canary\n', mode);
    return `- { webhook: "https://x.example", secret_file: ${name} }`;
  };
  const { warnings, error } = await project.loadText(
    `id: one\nrole: UI\nescalation:\n  notify:\n${[0o600, 0o640, 0o604].map((mode) => `    ${notify(mode)}\n`).join('')}`,
  );
  expect(error).toBeUndefined();
  expect(warnings.map(({ line, column, message, hint }) => [line, column, message, hint])).toEqual(
    [6, 7].map((line) => {
      const path = project.path(`configs/agents/hook-${line === 6 ? '640' : '604'}`);
      return [line, 52, `others on this machine can read the secret file ${path}`, `chmod 600 ${path}`];
    }),
  );
  expect(JSON.stringify(warnings)).not.toContain('canary');
});

test.each(Object.entries(CASES))('%s', async (_name, annotated) => {
  using project = new TestProject();
  project.write('a-file', 'x');
  project.write('blank', ' \n');
  const manifest = withoutCarets(annotated);
  const { mistakes } = await project.loadText(manifest);
  expect(withCarets(manifest, mistakes, annotated, project)).toBe(annotated);
});
