import { expect, it } from 'vitest';
import { steadyClock } from '../../src/daemon/steady-clock.js';

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

/** A machine whose clocks a test turns by hand. */
function machine(): {
  wall: number;
  monotonic: number;
  uptime: number;
  jumps: number[];
  now: () => number;
  pass(ms: number): void;
} {
  const clocks = { wall: 1_000_000_000_000, monotonic: 5_000, uptime: 900_000, jumps: [] as number[] };
  const now = steadyClock((by_ms) => clocks.jumps.push(by_ms), {
    wall_ms: () => clocks.wall,
    monotonic_ms: () => clocks.monotonic,
    uptime_ms: () => clocks.uptime,
  });
  const pass = (ms: number): void => {
    clocks.wall += ms;
    clocks.monotonic += ms;
    clocks.uptime += ms;
  };
  return Object.assign(clocks, { now, pass });
}

it.each([
  ['a year ahead', YEAR_MS],
  ['an hour back', -HOUR_MS],
])('a clock that is set %s ends no deadline, and order stays', (_, by_ms) => {
  const clocks = machine();
  const begun = clocks.now();
  clocks.pass(1_000);
  clocks.wall += by_ms;
  expect(clocks.now() - begun).toBe(1_000);
  clocks.pass(2_000);
  expect(clocks.now() - begun).toBe(3_000);
  expect(clocks.jumps).toEqual([by_ms]);
});

it('a machine that slept for a night is a night later', () => {
  const clocks = machine();
  const begun = clocks.now();
  clocks.wall += 8 * HOUR_MS;
  clocks.uptime += 8 * HOUR_MS;
  expect(clocks.now() - begun).toBe(8 * HOUR_MS);
  expect(clocks.jumps).toEqual([]);
});

it('a clock that is corrected slowly is left alone', () => {
  const clocks = machine();
  const begun = clocks.now();
  for (let step = 0; step < 100; step += 1) {
    clocks.pass(1_000);
    clocks.wall += 10;
    expect(clocks.now() - begun).toBe((step + 1) * 1_000);
  }
  expect(clocks.jumps).toEqual([]);
});
