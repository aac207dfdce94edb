import type { Pace, Step } from './plan.js';
import type { CheckedStep } from './script-schema.js';
import type { ScriptSource } from './script-source.js';

/** A checked step as the server plays it; undefined, with a mistake, for a patch that Codex could not read. `pace` is the file's. */
export function compileStep(
  source: ScriptSource,
  step: CheckedStep,
  path: readonly PropertyKey[],
  pace: Pace,
): Step | undefined {
  if ('say' in step) return { kind: 'say', text: step.say, pace: toPace(step.pace) ?? pace };
  if ('run' in step) return { kind: 'run', command: step.run, workdir: step.workdir, background: step.background };
  if ('edit' in step) {
    if ('content' in step.edit) return { kind: 'write', path: step.edit.path, content: step.edit.content };
    const wrong = wrongPatchLine(step.edit.patch);
    if (wrong === undefined) return { kind: 'patch', path: step.edit.path, patch: step.edit.patch };
    source.mistake(
      { path: [...path, 'edit', 'patch'] },
      `line ${wrong} of the patch begins with none of \`@@\`, space, \`+\`, \`-\``,
    );
    return undefined;
  }
  if ('ask_approval' in step) {
    return { kind: 'run', command: step.ask_approval, workdir: step.workdir, reason: step.reason, background: false };
  }
  if ('reason' in step) return { kind: 'reason', text: step.reason, pace: toPace(step.pace) ?? pace };
  if ('ask_operator' in step) return { kind: 'call', tool: 'ask_operator', arguments: step.ask_operator };
  if ('call' in step) return { kind: 'call', ...step.call };
  if ('fail' in step) {
    const { status, message, times = null, retry_after } = step.fail;
    return { kind: 'fail', status, message, times, retry_after_ms: retry_after };
  }
  if ('hang' in step) return { kind: 'hang', ms: step.hang === true ? null : step.hang };
  if ('wait' in step) return { kind: 'wait', ms: step.wait };
  const cut = step.stream_cut === true ? { say: '', times: undefined } : step.stream_cut;
  return { kind: 'stream_cut', text: cut.say, times: cut.times ?? null };
}

/** The pace of a script in the server's words. */
export function toPace(pace: { readonly chunk: number; readonly delay: number } | undefined): Pace | undefined {
  return pace && { chunk: pace.chunk, delay_ms: pace.delay };
}

/** The number, from 1, of the first line that is not one of a patch; a whole `*** Begin Patch` envelope is left to Codex. */
function wrongPatchLine(patch: string): number | undefined {
  if (patch.startsWith('*** Begin Patch')) return undefined;
  const index = patch.split('\n').findIndex((line) => !/^($|@@|[ +-]|\*\*\* End of File)/.test(line));
  return index < 0 ? undefined : index + 1;
}
