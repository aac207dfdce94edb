import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { newCommand } from '../command.js';
import type { CliContext } from '../context.js';

/** `schema`: one JSON document, with or without `--json`. */
export function schemaCommand(context: CliContext): CommandUnknownOpts {
  return newCommand('schema', 'The JSON Schema of manifests, so that editors complete and check them', [
    'filare-agents schema > schema/manifest.schema.json',
  ]).action(async () => {
    const { manifestJsonSchema } = await import('../../manifest/json-schema.js');
    context.out.json(manifestJsonSchema());
  });
}
