import { expect, test } from 'vitest';
import { withCarets, withoutCarets } from './annotated.js';
import { TestProject } from './project.js';

// What is wrong with the text or the shape of a manifest, told where it is. Each case is a manifest with all that must be said of it (annotated.ts).
const CASES: Readonly<Record<string, string>> = {
  'nothing but a comment': `^^ the manifest is empty

# to be written
`,
  'a single value': `
FEATURE
^ a manifest is not a single value
`,
  'an empty mapping': `
{}
^ the manifest is empty
`,
  'an empty list': `
[]
^ there is no agent in this list
`,
  tabs: `
id: one
resources:
	cpus: 1
^ not valid YAML: tabs are not allowed as indentation => indent with spaces
`,
  'text with a colon': `
id: one
goal: Mind this: quote it
      ^ not valid YAML: a second "name: value" begins inside this value
role: FEATURE
`,
  'a quote that is never closed': `
id: one
goal: "Add a farewell
      ^ not valid YAML: this quote is never closed => close it; a quote inside is doubled ('') or marked (\\")
role: FEATURE
`,
  'a bracket that is never closed': `
id: one
tags: [fast, demo
      ^ not valid YAML: this bracket is never closed => close it; what is between brackets is indented more than the key before it
role: FEATURE
`,
  'a value that begins with @': `
id: one
role: @feature
      ^ not valid YAML: plain value cannot start with reserved character @ => put the value between quotes
`,
  'entries that do not line up': `
id: one
    ^ not valid YAML: a second "name: value" begins inside this value
  role: FEATURE
`,
  'a second document': `
id: one
role: FEATURE
---
id: two
^ a second YAML document begins here; a manifest is one document
role: FIXER
`,
  'a key twice': `
id: one
role: FEATURE
id: two
^ "id" is given twice in this mapping => keep one; the first is on line 2
`,
  'a key twice, further down': `
- id: one
  role: FEATURE
  resources:
    cpus: 1
    memory: 1g
    cpus: 2
    ^ "cpus" is given twice in this mapping => keep one; the first is on line 5
`,
  'a tag': `
id: !secret one
            ^ the tag !secret is not known here => remove it: only text, numbers, lists and mappings are read
role: FEATURE
resources: !!python/object:os.system {cpus: 1}
                                     ^ the tag !!python/object:os.system is not known here => remove it: only text, numbers, lists and mappings are read
goal: !!binary aGVsbG8=
               ^ the tag !!binary is not known here => remove it: only text, numbers, lists and mappings are read
`,
  'an alias of nothing': `
id: one
role: *role
      ^ *role refers to nothing => mark the value to repeat with &role, above this line
`,
  'an alias inside of what it names': `
id: one
role: FEATURE
codex: &codex
  config:
    again: *codex
           ^ *codex stands inside the value that it refers to => a value cannot hold itself
`,
  'a merge of something else': `
id: one
role: &role FEATURE
            ^ << merges mappings only
resources: { <<: *role, cpus: 1 }
`,
  'a key that is a list': `
id: one
role: FEATURE
? [a, b]
  ^ a key must be plain text
: c
`,
  'a key that reaches for the prototype': `
id: one
role: FEATURE
codex: { config: { __proto__: { a: 1 } } }
                   ^ "__proto__" cannot be a key => take another name
`,
  'sessions that are no list': `
defaults: { role: FEATURE }
sessions: { id: one }
          ^ sessions is not a list
`,
  'sessions that are empty': `
defaults: { role: FEATURE }
sessions:
^ sessions is empty
`,
  'no sessions': `
defaults:
^ "sessions" is missing
  role: FEATURE
`,
  'defaults that are no mapping': `
defaults: [FEATURE]
          ^ defaults is not a mapping
sessions:
  - { id: one, role: FEATURE }
`,
  'an id in defaults': `
defaults: { id: one, role: FEATURE }
            ^ defaults cannot have an id: each agent has its own => move it to a session
sessions:
  - { id: two }
`,
  'other words beside sessions': `
default: { role: FEATURE }
^ unknown field "default" beside sessions => did you mean "defaults"?
image: filare-codex
^ unknown field "image" beside sessions => move it into defaults or into a session
notes: hello
^ unknown field "notes" beside sessions => only defaults and sessions stand here
sessions:
  - { id: one, role: FIXER }
`,
  'agents instead of sessions': `
defaults: { role: FEATURE }
agents:
^ unknown field "agents" beside sessions => did you mean "sessions"?
  - { id: one }
`,
  'a session that is a word': `
sessions:
  - one
    ^ an agent is not a single value or a list
  - { id: two, role: FEATURE }
  -
   ^ an agent is not a single value or a list
`,
};

test.each(Object.entries(CASES))('%s', async (_name, annotated) => {
  using project = new TestProject();
  project.write('a-file', 'x');
  const manifest = withoutCarets(annotated);
  const { mistakes } = await project.loadText(manifest);
  expect(withCarets(manifest, mistakes, annotated, project)).toBe(annotated);
});
