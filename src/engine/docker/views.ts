/** The engine's answers, as they are checked, and what of them the rest of the product sees. Pure. */
import { z } from 'zod';
import type { ContainerView, EngineInfo, ImageView } from '../engine.js';

const Labels = z
  .record(z.string(), z.string())
  .nullish()
  .transform((labels) => labels ?? {});

/** Docker writes the year 1 for "never". */
const NEVER = '0001-01-01T00:00:00Z';

/** Answer of `GET /containers/{id}/json`. */
export const ContainerAnswer = z.object({
  Id: z.string(),
  Name: z.string(),
  Image: z.string(),
  Config: z.object({ Image: z.string(), Labels }),
  State: z.object({
    Status: z.enum(['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']),
    OOMKilled: z.boolean(),
    Pid: z.number(),
    ExitCode: z.number(),
    StartedAt: z.string().optional(),
    FinishedAt: z.string().optional(),
  }),
  NetworkSettings: z.object({
    Networks: z
      .record(z.string(), z.object({ IPAddress: z.string() }))
      .nullish()
      .transform((networks) => networks ?? {}),
  }),
});

/** A container as the product sees it. Of one that lived for milliseconds the engine may say that it finished before it started. */
export function containerView(answer: z.infer<typeof ContainerAnswer>): ContainerView {
  const { State: state } = answer;
  const ended = state.Status === 'exited' || state.Status === 'dead';
  const at = (time: string | undefined): string | undefined => (time === NEVER || time === '' ? undefined : time);
  const started_at = at(state.StartedAt);
  const finished_at = ended ? at(state.FinishedAt) : undefined;
  return {
    id: answer.Id,
    name: answer.Name.replace(/^\//, ''),
    image: answer.Config.Image,
    image_id: answer.Image,
    labels: answer.Config.Labels,
    state: state.Status,
    oom_killed: state.OOMKilled,
    ...(ended ? { exit_code: state.ExitCode } : {}),
    ...(state.Pid > 0 ? { pid: state.Pid } : {}),
    ...(started_at === undefined ? {} : { started_at }),
    ...(finished_at === undefined ? {} : { finished_at }),
    addresses: Object.fromEntries(
      Object.entries(answer.NetworkSettings.Networks)
        .filter(([, network]) => network.IPAddress !== '')
        .map(([name, network]) => [name, network.IPAddress]),
    ),
  };
}

/** Answer of `GET /images/{name}/json`. */
export const ImageAnswer = z.object({
  Id: z.string(),
  RepoTags: z.array(z.string()).nullish(),
  Created: z.string().nullish(),
  Size: z.number(),
  Config: z.object({ Labels }).nullish(),
});

/** An image as the product sees it. */
export function imageView(answer: z.infer<typeof ImageAnswer>): ImageView {
  return {
    id: answer.Id,
    tags: answer.RepoTags ?? [],
    labels: answer.Config?.Labels ?? {},
    created_at: answer.Created ?? '',
    size_bytes: answer.Size,
  };
}

/** Answer of `GET /images/json`. */
export const ImageListAnswer = z.array(
  z
    .object({ Id: z.string(), RepoTags: z.array(z.string()).nullish(), Created: z.number(), Size: z.number(), Labels })
    .transform((image): ImageView => ({
      id: image.Id,
      tags: (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>'),
      labels: image.Labels,
      created_at: new Date(image.Created * 1000).toISOString(),
      size_bytes: image.Size,
    })),
);

/** Answer of `GET /networks`. */
export const NetworkListAnswer = z.array(
  z
    .object({ Id: z.string(), Name: z.string(), Labels })
    .transform((network) => ({ id: network.Id, name: network.Name, labels: network.Labels })),
);

/** Answer of `GET /version`. */
export const VersionAnswer = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  Components: z
    .array(z.object({ Name: z.string(), Version: z.string() }))
    .nullish()
    .transform((components) => components ?? []),
});

/** Answer of `GET /info`. */
export const InfoAnswer = z.object({
  MemTotal: z.number(),
  NCPU: z.number(),
  SecurityOptions: z.array(z.string()).nullish(),
  LiveRestoreEnabled: z.boolean().nullish(),
  OperatingSystem: z.string(),
  Architecture: z.string(),
});

/** The engine as the product sees it. */
export function engineInfo(
  endpoint: string,
  version: z.infer<typeof VersionAnswer>,
  info: z.infer<typeof InfoAnswer>,
): EngineInfo {
  const podman = version.Components.some((component) => component.Name.startsWith('Podman'));
  return {
    kind: podman ? 'podman' : 'docker',
    version: version.Version,
    api_version: version.ApiVersion,
    endpoint,
    memory_bytes: info.MemTotal,
    cpus: info.NCPU,
    runtime_versions: Object.fromEntries(version.Components.map((component) => [component.Name, component.Version])),
    security_options: info.SecurityOptions ?? [],
    // Podman's containers hang on no daemon.
    is_outlived: podman || info.LiveRestoreEnabled === true,
    operating_system: info.OperatingSystem,
    architecture: info.Architecture,
  };
}
