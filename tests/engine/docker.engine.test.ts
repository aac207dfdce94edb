/** The engine contract, on the Docker Engine of this machine. */
import { describe } from 'vitest';
import { DockerEngine } from '../../src/engine/docker/docker-engine.js';
import { engineContract } from './contract-suite.js';

describe('Docker Engine', () => {
  engineContract(() => DockerEngine.connect(process.env));
});
