import { expect, test } from 'vitest';
import { withCarets, withoutCarets } from './annotated.js';
import { TestProject } from './project.js';

// What is wrong with the fields of agents, told where it is. Each case is a manifest with all that must be said of it (annotated.ts).
const CASES: Readonly<Record<string, string>> = {
  'id and role missing': `
- goal: Add a farewell
  ^ "id" is missing
  ^ "role" is missing
- id: two
  ^ "role" is missing
- role: FIXER
  ^ "id" is missing
- id:
  ^ "id" is empty
  role: UI
`,
  ids: `
- { id: -x, role: FEATURE }
        ^ id cannot be "-x"
- { id: "a b", role: FEATURE }
        ^ id cannot be "a b"
- { id: ../../etc, role: FEATURE }
        ^ id cannot be "../../etc"
- { id: 007, role: FEATURE }
        ^ id cannot be the number 007 => put it between quotes: "007"
- { id: abcdefghijklmnopqrstuvwxyzabcdefghijklmno, role: FEATURE }
        ^ id cannot be "abcdefghijklmnopqrstuvwxyzabcdefghijklmno"
- { id: [one], role: FEATURE }
        ^ id cannot be a list
- { id: "", role: FEATURE }
        ^ id cannot be empty text
`,
  'ids taken': `
- { id: one, role: FEATURE }
- { id: One, role: FEATURE }
        ^ the id "One" is taken: the agent "one" is declared on line 2 => rename one of them; capitals do not tell ids apart
- { id: one, role: FIXER }
        ^ the id "one" is taken: an agent of this name is declared on line 2 => rename one of them
`,
  roles: `
- { id: a, role: "TEST ER" }
                 ^ role cannot be "TEST ER"
- { id: b, role: true }
                 ^ role cannot be true => put it between quotes: "true"
- { id: c, role: ../up }
                 ^ role cannot be "../up"
`,
  'unknown fields': `
id: one
^ "role" is missing
rol: FEATURE
^ unknown field "rol" => did you mean "role"?
enviroment: x
^ unknown field "enviroment" => did you mean "env_file"?
prompt: hello
^ unknown field "prompt" => did you mean "goal"?
cpus: 2
^ unknown field "cpus" => did you mean "resources.cpus"?
model: gpt
^ unknown field "model" => did you mean "codex.model"?
nonsense: 1
^ unknown field "nonsense"
workspacePath: x
^ unknown field "workspacePath" => did you mean "workspace.path"?
`,
  'unknown fields further down': `
id: one
role: FEATURE
resources: { cpu: 1, image: x }
             ^ unknown field "cpu" in resources => did you mean "cpus"?
                     ^ unknown field "image" in resources => "image" belongs to the agent itself: indent it less
restart: { polici: never, retries: 2 }
           ^ unknown field "polici" in restart => did you mean "policy"?
                          ^ unknown field "retries" in restart => did you mean "max_attempts"?
mounts:
  - { src: /tmp, target: /data, ro: true }
    ^ "source" is missing in mounts[0]
      ^ unknown field "src" in mounts[0] => did you mean "source"?
                                ^ unknown field "ro" in mounts[0] => did you mean "read_only"?
escalation:
  rules:
    - { when: { cmd: ls }, do: ask, why: x }
                ^ unknown field "cmd" in escalation.rules[0].when => did you mean "command"?
                                    ^ unknown field "why" in escalation.rules[0] => did you mean "reason"?
  notify: [{ webhok: https://x.example }]
             ^ unknown field "webhok" in escalation.notify[0] => did you mean "webhook"?
git: { name: a, mail: b }
                ^ unknown field "mail" in git => did you mean "email"?
`,
  'wrong kinds': `
id: one
role: FEATURE
goal: [a]
      ^ goal cannot be a list
branch: 1.0
        ^ branch cannot be the number 1.0 => put it between quotes: "1.0"
resources: 4g
           ^ resources cannot be "4g"
network: closed
         ^ network cannot be "closed"
codex: fast
       ^ codex cannot be "fast"
mounts: /tmp:/data:ro
        ^ mounts cannot be "/tmp:/data:ro"
tags: { a: b }
      ^ tags cannot be a mapping
depends_on: [1]
             ^ depends_on[0] cannot be the number 1 => put it between quotes: "1"
restart: never
         ^ restart cannot be "never"
git: Ada
     ^ git cannot be "Ada"
operator_contact: Sam
                  ^ operator_contact cannot be "Sam"
reuse_existing: yes
                ^ reuse_existing cannot be "yes" => write true: YAML 1.2 knows no other words for it
`,
  'sizes and numbers': `
- { id: a, role: UI, resources: { memory: 4 gigs, cpus: two, pids: 12 } }
                                          ^ resources.memory cannot be "4 gigs"
                                                        ^ resources.cpus cannot be "two"
                                                                   ^ resources.pids cannot be the number 12
- { id: b, role: UI, resources: { memory: 4, cpus: 0, pids: 200.5 } }
                                          ^ resources.memory is less than Codex needs (128m)
                                                   ^ resources.cpus is not between 0.01 and 1024
                                                            ^ resources.pids cannot be the number 200.5
- { id: c, role: UI, resources: { memory: -1g, cpus: -2, pids: "512" } }
                                          ^ resources.memory cannot be "-1g"
                                                     ^ resources.cpus is not between 0.01 and 1024
                                                               ^ resources.pids cannot be "512" => write it without quotes: 512
- { id: d, role: UI, resources: { memory: [4g], cpus: true, pids: .inf } }
                                          ^ resources.memory cannot be a list
                                                      ^ resources.cpus cannot be true
                                                                  ^ resources.pids cannot be the number .inf
- { id: e, role: UI, resources: { memory: 99999999t, cpus: 9999, pids: } }
                                          ^ resources.memory is more than any machine has
                                                           ^ resources.cpus is not between 0.01 and 1024
`,
  durations: `
- { id: a, role: UI, restart: { backoff: 10 years, max_attempts: 0 } }
                                         ^ restart.backoff cannot be "10 years"
                                                                 ^ restart.max_attempts cannot be the number 0
- { id: b, role: UI, health: { interval: 0, timeout: "20", failures: 1.5 } }
                                         ^ health.interval is shorter than 1000 ms
                                                     ^ health.timeout cannot be "20"
                                                                     ^ health.failures cannot be the number 1.5
- { id: c, role: UI, escalation: { deadline: -5, remind_after: 400d } }
                                             ^ escalation.deadline cannot be the number -5
                                                               ^ escalation.remind_after is longer than a year
- { id: d, role: UI, limits: { turns: 0, tokens: many, wall_time: 8hours } }
                                      ^ limits.turns cannot be the number 0
                                                 ^ limits.tokens cannot be "many"
                                                                  ^ limits.wall_time cannot be "8hours"
`,
  'words that must be among some': `
id: one
role: UI
codex: { sandbox: read_only, approval_policy: on-failure }
                  ^ codex.sandbox cannot be "read_only" => did you mean read-only?
                                              ^ codex.approval_policy cannot be "on-failure"
restart: { policy: on_failure }
                   ^ restart.policy cannot be "on_failure" => did you mean on-failure?
escalation: { approvals: aks, on_deadline: approve, rules: [{ when: { category: netwrk }, do: allow }] }
                         ^ escalation.approvals cannot be "aks" => did you mean ask?
                                           ^ escalation.on_deadline cannot be "approve"
                                                                                ^ escalation.rules[0].when.category cannot be "netwrk" => did you mean network?
                                                                                              ^ escalation.rules[0].do cannot be "allow"
network: opne
         ^ network cannot be "opne" => did you mean open?
`,
  'rules and notices': `
id: one
role: UI
escalation:
  rules:
    - when: {}
            ^ escalation.rules[0].when is empty and would match everything; for everything there is escalation.approvals
      do: ask
    - do: reject
      ^ "when" is missing in escalation.rules[1]
    - when: { category: network }
      ^ "do" is missing in escalation.rules[2]
    - ask
      ^ escalation.rules[3] cannot be "ask"
  notify:
    - { desktop: true, webhook: https://x.example }
      ^ escalation.notify[0] names more or less than one way to notify
    - { webhook: ftp://x.example }
                 ^ escalation.notify[1].webhook cannot be "ftp://x.example"
    - {}
      ^ escalation.notify[2] names more or less than one way to notify
    - mail
      ^ escalation.notify[3] cannot be "mail"
    - { secret_file: x }
      ^ escalation.notify[4] names more or less than one way to notify
                     ^ escalation.notify[4].secret_file signs what a webhook is sent, and there is no webhook beside it
    - { command: bell, secret_file: x }
                                    ^ escalation.notify[5].secret_file signs what a webhook is sent, and there is no webhook beside it
    - { webhook: https://x.example, secret_file: [] }
                                                 ^ escalation.notify[6].secret_file cannot be an empty list
    - { webhook: https://x.example, secret_fil: x }
                                    ^ unknown field "secret_fil" in escalation.notify[7] => did you mean "secret_file"?
`,
  'patterns of commands': `
id: one
role: UI
escalation:
  rules:
    - { when: { command: "echo 'a" }, do: approve }
                         ^ escalation.rules[0].when.command has a ' that is never closed => words like npm test, git add * or cargo **
    - { when: { command: "npm ** test" }, do: approve }
                         ^ escalation.rules[1].when.command has \`**\` before its end: it stands for all further words => words like npm test, git add * or cargo **
    - { when: { command: npm test && git push }, do: ask }
                         ^ escalation.rules[2].when.command has & outside quotes: it is for one command, word by word => words like npm test, git add * or cargo **
    - { when: { command: "  " }, do: ask }
                         ^ escalation.rules[3].when.command holds no word => words like npm test, git add * or cargo **
    - { when: { command: 'ls \\' }, do: ask }
                         ^ escalation.rules[4].when.command ends in a lone backslash => words like npm test, git add * or cargo **
`,
  'a mount as Docker writes it': `
id: one
role: UI
mounts: ["./data:/data:ro", { source: x }]
         ^ mounts[0] cannot be "./data:/data:ro" => write { source: ./data, target: /data, read_only: true }
                            ^ "target" is missing in mounts[1]
`,
  'safety that cannot be enforced': `
id: one
role: UI
network: { allow: [github.com:443, "https://x.example", "a:99999"] }
           ^ network.allow cannot be enforced yet, and is therefore refused => use network: none, or network: open if the agent may reach everything
                                   ^ network.allow[1] cannot be "https://x.example"
                                                        ^ network.allow[2] cannot be "a:99999"
resources: { disk: 20g }
             ^ resources.disk cannot be enforced yet, and is therefore refused => leave it out, and put the workspace on a file system of the size you want
`,
  names: `
- { id: a, role: UI, branch: "a b", image: Filare }
                             ^ branch holds a space
                                           ^ image has capital letters
- { id: b, role: UI, branch: a..b, image: "a b" }
                             ^ branch holds ".."
                                          ^ image is not the name of an image
- { id: c, role: UI, branch: /a, image: "-x" }
                             ^ branch begins or ends with "/"
                                        ^ image is not the name of an image
- { id: d, role: UI, branch: a.lock, image: "x:" }
                             ^ branch has a part that begins with "." or ends with ".lock" ("a.lock")
                                            ^ image is not the name of an image
- { id: e, role: UI, branch: "-a", image: x@sha256:12 }
                             ^ branch begins with "-"
                                          ^ image is not the name of an image
- { id: f, role: UI, branch: HEAD }
                             ^ branch is a name that git keeps for itself
- { id: g, role: UI, git: { name: "Ada <ada@x>", email: "a\\nb" } }
                                                        ^ git.email cannot be "a…"
`,
  texts: `
- { id: a, role: UI, goal: "" }
                           ^ goal is empty => write something, or leave the field out
- { id: b, role: UI, goal: "  ", instructions: ../missing.md }
                           ^ goal is empty => write something, or leave the field out
                                               ^ instructions: there is no file <project>/configs/missing.md
- { id: c, role: UI, startup_script: ./setup.sh, goal: { file: goal.md } }
                                     ^ startup_script: there is no file <project>/configs/agents/setup.sh
                                                               ^ goal: <project>/configs/agents/goal.md does not exist => a path is relative to the manifest that names it
- { id: d, role: UI, instructions: { path: x }, startup_script: { file: . } }
                                   ^ "file" is missing in instructions
                                     ^ unknown field "path" in instructions
                                                                        ^ startup_script: <project>/configs/agents is a folder, not a file => name the file in it
`,
  dependencies: `
- { id: a, role: UI, depends_on: [b] }
                                  ^ these agents wait for one another: a → b → c → a => take one of the dependencies out
- { id: b, role: UI, depends_on: { c: { condition: idle } } }
                                   ^ these agents wait for one another: a → b → c → a => take one of the dependencies out
- { id: c, role: UI, depends_on: [a] }
                                  ^ these agents wait for one another: a → b → c → a => take one of the dependencies out
- { id: d, role: UI, depends_on: d }
                                 ^ "d" waits for itself => take one of the dependencies out
- { id: e, role: UI, depends_on: [x, databas] }
                                  ^ depends_on: no agent "x" is declared in the manifests that were read => declare it, or name its manifest too
                                     ^ depends_on: no agent "databas" is declared in the manifests that were read => did you mean "database"?
- id: f
  role: UI
  depends_on:
    databas: { condition: synced }
    ^ depends_on: no agent "databas" is declared in the manifests that were read => did you mean "database"?
- id: g
  role: UI
  depends_on:
    a: { condition: done }
                    ^ depends_on.a.condition cannot be "done"
    b:
      ^ depends_on.b cannot be empty
    c: { until: idle }
       ^ "condition" is missing in depends_on.c
         ^ unknown field "until" in depends_on.c
- { id: database, role: UI }
`,
  'dependencies and orchestrators of agents with other mistakes': `
- { id: a, role: UI, imag: x, depends_on: [b, nobody] }
                     ^ unknown field "imag" => did you mean "image"?
                                           ^ these agents wait for one another: a → b → a => take one of the dependencies out
                                              ^ depends_on: no agent "nobody" is declared in the manifests that were read => declare it, or name its manifest too
- { id: b, role: UI, goal: "", depends_on: { a: { condition: done } } }
                           ^ goal is empty => write something, or leave the field out
                                             ^ these agents wait for one another: a → b → a => take one of the dependencies out
                                                             ^ depends_on.a.condition cannot be "done"
- { id: c, orchestrates: [dd], depends_on: [c, 1] }
  ^ "role" is missing
                         ^ orchestrates: no agent "dd" is declared in the manifests that were read => declare it, or name its manifest too
                                            ^ "c" waits for itself => take one of the dependencies out
                                               ^ depends_on[1] cannot be the number 1
`,
  'codex config': `
id: one
role: UI
codex:
  model: gpt
  config:
    model: other
    ^ the model is given twice: here and as codex.model => keep codex.model
    tui:
        ^ codex.config.tui is empty, and config.toml has no word for nothing => give it a value, or leave it out
    list: [1, null]
              ^ codex.config.list is empty, and config.toml has no word for nothing => give it a value, or leave it out
    model_providers: { x: { env_key: PATH } }
                     ^ a provider's key cannot come from PATH: no env file may set it => take another name for env_key
`,
  'the same mistake in defaults, once': `
defaults: { role: UI, imag: x, resources: { memory: lots } }
                      ^ unknown field "imag" => did you mean "image"?
                                                    ^ resources.memory cannot be "lots"
sessions:
  - { id: a }
  - { id: b }
`,
};

test.each(Object.entries(CASES))('%s', async (_name, annotated) => {
  using project = new TestProject();
  project.write('a-file', 'x');
  const manifest = withoutCarets(annotated);
  const { mistakes } = await project.loadText(manifest);
  expect(withCarets(manifest, mistakes, annotated, project)).toBe(annotated);
});
