import type PQueue from 'p-queue';
import type { SessionSurroundings } from '../session/surroundings.js';
import type { Admission } from './admission.js';
import type { EngineWatch } from './engine-watch.js';
import type { FleetNetwork } from './fleet-network.js';
import { inTurn } from './in-turn.js';
import type { ManifestFiles } from './manifest-files.js';
import { orchestratorCaller } from './orchestrator.js';
import type { RehearsalHost } from './rehearsal-host.js';
import type { Roster } from './roster.js';
import type { FleetSurroundings } from './surroundings.js';
import type { ToolDesk } from './tool-desk.js';

/** What of the fleet sessions get to use. */
export interface Sharing {
  readonly around: FleetSurroundings;
  readonly roster: Roster;
  readonly network: FleetNetwork;
  readonly rehearsal: RehearsalHost;
  readonly admission: Admission;
  readonly manifests: ManifestFiles;
  readonly tools: ToolDesk;
  readonly watch: EngineWatch;
  readonly launches: PQueue;
}

/** What the fleet gives a session: what the daemon handed in, and what it shares with the others. */
export function sessionSurroundings(sharing: Sharing): SessionSurroundings {
  const { around, roster, network, rehearsal, admission, manifests, tools, watch, launches } = sharing;
  return {
    ...around,
    network: (agent) => (agent.network === 'none' ? Promise.resolve('none') : network.ensure()),
    rehearsal: (signal) => rehearsal.endpoint(signal),
    agentFolders: (session_id) =>
      roster.live
        .map(({ state }) => state)
        .filter((state) => state.session_id !== session_id)
        .flatMap(({ agent }) => [
          agent.workspace.path,
          ...agent.mounts.filter((m) => !m.read_only).map((m) => m.source),
        ]),
    noRoom: (session_id) => admission.ask(session_id),
    engineTrouble: () => watch.trouble,
    manifestChanged: (agent) => manifests.changed(agent.source),
    callTool: (agent, call) => {
      const rehearsed = roster.live.some(({ state }) => state.agent.id === agent.id && state.rehearsal !== null);
      return tools.call(orchestratorCaller(agent, rehearsed), call);
    },
    launchSlot: (work, signal) => inTurn(launches, work, signal),
  };
}
