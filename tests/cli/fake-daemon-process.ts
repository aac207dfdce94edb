import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProject } from '../../src/client/find-project.js';
import { FakeDaemon } from './fake-daemon.js';

// A fake daemon as a process of its own: `fake-daemon-process.ts ROOT MODE`. It ends on SIGTERM and when it is told to.
const [root = '', mode = ''] = process.argv.slice(2);
const project = findProject({ project: root, cwd: root, env: {} });
if (mode === 'dies') {
  process.stderr.write(
    'one line of its log\n{"error":{"code":"engine_unavailable","message":"no engine answers","hint":"start it"}}\n',
  );
  process.exit(6);
}
if (mode === 'crashes') {
  process.stderr.write('first line\nsomething broke badly\n');
  process.exit(9);
}
if (mode === 'silent') setInterval(() => undefined, 1000);
else {
  const daemon = await FakeDaemon.start(project);
  writeFileSync(join(root, 'daemon.pid'), String(process.pid));
  const end = (): void => void daemon.close().then(() => process.exit(0));
  daemon.on.stopDaemon = () => {
    setTimeout(end, 10);
    return { pid: process.pid };
  };
  if (mode === 'slow-start') {
    daemon.on.startSessions = async ({ body }) => {
      const agents = body['agents'] as { id: string }[];
      const rows = agents.map(({ id }) => daemon.addSession(id, { phase: 'preparing', activity: null }));
      const over = (): boolean => daemon.rows(true).every((row) => row.phase !== 'preparing');
      while (!over()) await new Promise((go) => setTimeout(go, 10));
      return rows.map(({ id, session_id }) => ({
        id,
        outcome: 'started',
        session: daemon.rows(true).find((row) => row.session_id === session_id) ?? null,
        error: null,
      }));
    };
  }
  process.on('SIGTERM', end);
}
