import { CATALOGUE_FILE, type CatalogueCommand } from '../contract/catalogue.js';
import { at, type AgentDraft } from './agent-draft.js';
import { closestWord } from './closest-word.js';

/** Commands that one agent is given, at most. */
const MAX_COMMANDS = 300;

/** The commands of the project's catalogue that the agent may run: those that are safe for agents and have something to run, as far as the manifest takes them. */
export function resolveCommands(draft: AgentDraft): readonly CatalogueCommand[] {
  const { commands: given } = draft.fields;
  if (given === 'none') return [];
  const wanted = given === undefined || given === 'all' ? null : typeof given === 'string' ? [given] : given;
  const catalogue = draft.catalogue();
  if (catalogue === 'broken') return [];
  if (catalogue === 'none') {
    if (wanted === null || wanted.length === 0) return [];
    draft.findings.mistake(at(draft, 'commands'), {
      message: `commands: the project has no catalogue (${CATALOGUE_FILE})`,
      hint: 'make it: filare-agents commands generate',
    });
    return [];
  }
  const safe = Object.values(catalogue.commands).filter((one) => one.safe_for_agents && one.run !== null);
  const taken = wanted === null ? safe : safe.filter((one) => wanted.includes(one.name));
  for (const [index, name] of (wanted ?? []).entries()) {
    if (safe.some((one) => one.name === name)) continue;
    const place = Array.isArray(given) ? at(draft, 'commands', index) : at(draft, 'commands');
    if (Object.hasOwn(catalogue.commands, name)) {
      draft.findings.mistake(place, {
        message: `command ${name} is not safe for agents, or has nothing to run`,
        hint: "mark its recipe with [group('agent')] and generate the catalogue again, or leave it out",
      });
      continue;
    }
    const close = closestWord(
      name,
      safe.map((one) => one.name),
    );
    draft.findings.mistake(place, {
      message: `there is no command ${name} in ${CATALOGUE_FILE}`,
      hint: close === undefined ? 'filare-agents commands list shows them' : `did you mean ${close}?`,
    });
  }
  if (taken.length <= MAX_COMMANDS) return taken;
  draft.findings.mistake(at(draft, 'id'), {
    message: `the catalogue has ${taken.length} commands that are safe for agents; an agent is given at most ${MAX_COMMANDS}`,
    hint: 'name those it needs: commands: [test, lint]',
  });
  return [];
}
