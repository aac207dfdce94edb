import { z } from 'zod';
import { agentFieldsSchema } from './agent-fields.js';

type JsonObject = Record<string, unknown>;

/**
 * The JSON Schema (2020-12) of a manifest, in all three shapes, made from the schema that the loader itself uses. Editors complete and check
 * manifests with it; the loader checks more (files, places of this machine, agents against one another).
 */
export function manifestJsonSchema(): JsonObject {
  const fields = fieldsSchema();
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'filare-agents manifest',
    description: 'One agent, a list of agents, or {defaults, sessions}.',
    anyOf: [{ $ref: '#/$defs/agent' }, { $ref: '#/$defs/agents' }, { $ref: '#/$defs/bundle' }],
    $defs: {
      agent: { title: 'One agent', allOf: [{ $ref: '#/$defs/fields' }, { type: 'object', required: ['id', 'role'] }] },
      agents: { title: 'Several agents', type: 'array', minItems: 1, items: { $ref: '#/$defs/agent' } },
      bundle: {
        title: 'Several agents with fields in common',
        type: 'object',
        properties: {
          defaults: {
            description:
              'What all sessions have in common: mappings are merged, everything else is replaced by what a session says.',
            anyOf: [
              { allOf: [{ $ref: '#/$defs/fields' }, { type: 'object', properties: { id: false } }] },
              { type: 'null' },
            ],
          },
          sessions: {
            description: 'The agents; each entry is merged over the defaults.',
            type: 'array',
            minItems: 1,
            items: { allOf: [{ $ref: '#/$defs/fields' }, { type: 'object', required: ['id'] }] },
          },
        },
        required: ['sessions'],
        additionalProperties: false,
      },
      fields,
    },
  };
}

function fieldsSchema(): JsonObject {
  const made = z.toJSONSchema(agentFieldsSchema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ zodSchema, jsonSchema }) => {
      // Left out where text becomes a number; ours are written as text is.
      const { default: preset, examples } = zodSchema instanceof z.ZodType ? (zodSchema.meta() ?? {}) : {};
      if (preset !== undefined) jsonSchema['default'] = preset;
      if (Array.isArray(examples)) jsonSchema['examples'] = examples;
      // Our own word, for the loader's messages.
      delete jsonSchema['expected'];
    },
  });
  return {
    title: 'Fields of an agent',
    type: 'object',
    properties: made.properties ?? {},
    additionalProperties: false,
  };
}
