import { RUN_PROJECT_COMMAND } from '../codex/project-commands.js';
import { COMMAND_PATH } from '../codex/guarded-files.js';
import type { AgentSpec } from '../contract/agent-spec.js';
import type { CatalogueCommand } from '../contract/catalogue.js';
import { asFilareError } from '../contract/errors.js';
import {
  commandCallSchema,
  commandLine,
  DEFAULT_COMMAND_S,
  type CommandCall,
  type CommandLine,
} from '../contract/project-command.js';
import type { Engine } from '../engine/engine.js';
import { IN_CONTAINER } from './container-request.js';

/** What an agent is shown of a command's output, in bytes: of its beginning, and of its end. */
const HEAD_BYTES = 8 * 1024;
const TAIL_BYTES = 48 * 1024;
/** What is kept of an output while the command runs, in bytes: it lies in the container's memory. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** Longer than the command itself may take: the engine's own part. */
const ENGINE_MARGIN_MS = 30_000;

/** A call of a command that is as it should be. */
export interface CheckedCall {
  readonly command: CatalogueCommand;
  readonly line: CommandLine;
  readonly timeout_s: number;
}

/** Whether a tool is the one with which this agent runs commands of its project. */
export function runsCommands(agent: AgentSpec, tool: unknown): boolean {
  return tool === RUN_PROJECT_COMMAND && (agent.commands?.length ?? 0) > 0;
}

/** The call that an agent made, checked against what it was given; a sentence for it where something is wrong. Pure. */
export function checkCommandCall(agent: AgentSpec, args: unknown): CheckedCall | string {
  const read = commandCallSchema.safeParse(args ?? {});
  if (!read.success) {
    const [issue] = read.error.issues;
    return `run_project_command cannot be called so: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`;
  }
  const call: CommandCall = read.data;
  const command = agent.commands?.find((one) => one.name === call.command);
  if (command === undefined) {
    const names = (agent.commands ?? []).map((one) => one.name).join(', ');
    return `there is no command ${call.command} for you; there are ${names}`;
  }
  const line = commandLine(command, call);
  if (typeof line === 'string') return line;
  return { command, line, timeout_s: call.timeout_seconds ?? DEFAULT_COMMAND_S };
}

/** Where a command runs, and with what. */
export interface CommandSurroundings {
  readonly engine: Engine;
  readonly container: string;
  /** Variables of the env file that reach commands; in no argument and no file. */
  readonly variables: Readonly<Record<string, string>>;
  /** The same key is the same run: asked for again, its result is waited for. At most 64 of `A-Za-z0-9_-`. */
  readonly key: string;
  readonly signal: AbortSignal;
}

/**
 * Runs a command in the agent's container, as the agent's user, in its workspace, to its end. Ending the signal ends the command. Never rejects: what
 * the engine refuses is told as the answer.
 */
export async function runCommand(
  call: CheckedCall,
  around: CommandSurroundings,
): Promise<{ readonly success: boolean; readonly text: string }> {
  const { engine, container, key, signal } = around;
  const end = (): void => {
    engine.exec(container, { command: ['/bin/bash', '-pc', END_SCRIPT, 'filare-end', key] }).catch(() => undefined);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    const { stdout, stderr, exit_code } = await engine.exec(
      container,
      {
        command: ['/bin/bash', '-pc', RUN_SCRIPT, 'filare-run', key, String(call.timeout_s), ...call.line.argv],
        working_dir: IN_CONTAINER.workspace,
        stdin: variableLines({ PATH: COMMAND_PATH, ...around.variables }),
        max_output_bytes: HEAD_BYTES + TAIL_BYTES + 4096,
      },
      { signal, deadline_ms: call.timeout_s * 1000 + ENGINE_MARGIN_MS },
    );
    if (exit_code !== 0) return { success: false, text: `${call.line.shown} could not be run: ${stderr.trim()}` };
    return { success: true, text: told(call, stdout) };
  } catch (failure) {
    return { success: false, text: `${call.line.shown} could not be run: ${asFilareError(failure).message}` };
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** What the agent is told: the exit code first, then the output. */
function told({ line, timeout_s }: CheckedCall, printed: string): string {
  const [first = ''] = printed.split('\n', 1);
  const output = printed.slice(first.length + 1);
  const code = Number(first);
  const late = code === 124 || code === 137 ? ` (it was ended after ${timeout_s} s if it took that long)` : '';
  return `$ ${line.shown}\nexit code ${code}${late}\n${output === '' ? '(no output)' : output}`;
}

function variableLines(variables: Readonly<Record<string, string>>): string {
  const lines = Object.entries(variables).map(
    ([name, value]) => `E ${name} ${Buffer.from(value, 'utf8').toString('base64')}`,
  );
  return [...lines, '.', ''].join('\n');
}

/**
 * Runs "$@" once for its key, with the variables that standard input gives, and prints its exit code on a line and then its output. Whoever asks again
 * with the same key waits for the run that is under way: a daemon that was killed meanwhile loses nothing. What the command leaves running goes on. What is
 * kept of an output is what is shown of it: all runs of an attempt share the container's memory. The files are the agent's to change, so no more than that
 * is read of them.
 */
const RUN_SCRIPT = `
set -u
key=$1 seconds=$2; shift 2
run=/tmp/.filare-run/$key
mkdir -p /tmp/.filare-run || exit 1
if mkdir "$run" 2>/dev/null; then
  while read -r kind name value; do
    [[ $kind == . ]] && break
    value=$(printf %s "$value" | base64 -d; printf .) || exit 1
    export "$name=\${value%.}"
  done
  {
    timeout --kill-after=5 "$seconds" "$@" </dev/null > >(head -c ${KEPT_BYTES} > "$run/out"; cat > /dev/null) 2>&1 &
    echo $! > "$run/pid"
    wait $!
    code=$?
    sleep 0.1
    size=$(stat -c %s "$run/out" || echo 0)
    if ((size > ${HEAD_BYTES + TAIL_BYTES})); then
      {
        head -c ${HEAD_BYTES} "$run/out"
        printf '\\n[... %d bytes are left out here ...]\\n' $((size - ${HEAD_BYTES + TAIL_BYTES}))
        tail -c ${TAIL_BYTES} "$run/out"
      } > "$run/shown"
      mv "$run/shown" "$run/out"
    fi
    echo "$code" > "$run/code.new"
    mv "$run/code.new" "$run/code"
  } </dev/null >/dev/null 2>&1 &
  wait $!
fi
pause=0.05
while [[ ! -e $run/code ]]; do
  if [[ -e $run/pid ]] && ! kill -0 "$(<"$run/pid")" 2>/dev/null; then
    sleep 1
    [[ -e $run/code ]] || { echo "it ended, and nobody knows how" >&2; exit 1; }
  fi
  sleep $pause
  pause=0.5
done
head -c 16 "$run/code"
head -c ${HEAD_BYTES + TAIL_BYTES + 100} "$run/out" 2>/dev/null || :
`;

/** Ends the run of a key with all of its process group. */
const END_SCRIPT = `
pid=$(cat "/tmp/.filare-run/$1/pid" 2>/dev/null) || exit 0
kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null
sleep 5
kill -KILL -- "-$pid" 2>/dev/null
exit 0
`;
