// The bench table is read by people and by CI: a missed bar must look missed, also by its last digit.
import { expect, test } from '@jest/globals';
import { type Figures, tableOf } from '../../bench/figures.ts';

const speed = {
  tollgate: { cpuMicros: 66.1 },
  postgresCpuMicros: 12.5,
  cpuRatio: 3.9,
  cpuRatioWithPostgres: 4.6,
  requestsPerSecondPerCore: 14_800,
  addedP50Ms: 1.2,
  addedP99Ms: 2.5,
  firstByteAddedMs: 0.2,
  streamEventsPerSecondPerCore: 120_000,
  body30k: { cpuMicros: 98.7, cpuRatio: 3.1, requestsPerSecondPerCore: 9_800 },
  coldKey: { addedP50Ms: 4.2, addedP99Ms: 9.1 },
};
const figures: Figures = {
  ...speed,
  box: {},
  nginx: { cpuMicros: 17.1 },
  nodeFloor: { cpuMicros: 31.4 },
  bytesPerOpenStream: 52_000,
  body30k: { ...speed.body30k, bytesPerOpenStream: 61_000 },
  differenceNano: 0,
  withoutSettlement: { ...speed, cpuRatio: 3.1 },
};

function lineOf(name: string, changed: Partial<Figures> = {}): string {
  const lines = tableOf({ ...figures, ...changed }).split('\n');
  return lines.find((line) => line.startsWith(`${name} `)) ?? '';
}

test('a figure stands beside the one without settlement, its bar, and the verdict', () => {
  expect(lineOf('cpuRatio').split(/ {2,}/)).toEqual(['cpuRatio', '3.9', '3.1', '<= 4, goal 3.3', 'met']);
});

test('a bar that is reached exactly is met, and one that is missed by the last digit is printed as missed', () => {
  expect(lineOf('cpuRatio', { cpuRatio: 4 })).toMatch(/ met$/);
  expect(lineOf('cpuRatio', { cpuRatio: 4.01 })).toMatch(/ MISSED$/);
  expect(lineOf('streamEventsPerSecondPerCore', { streamEventsPerSecondPerCore: 100_000 })).toMatch(/ met$/);
  expect(lineOf('streamEventsPerSecondPerCore', { streamEventsPerSecondPerCore: 99_999 })).toMatch(/ MISSED$/);
  expect(lineOf('bytesPerOpenStream', { bytesPerOpenStream: 65_537 })).toMatch(/ MISSED$/);
});

test('one nano-USD between what was served and what was charged is a missed bar', () => {
  expect(lineOf('differenceNano')).toMatch(/ met$/);
  expect(lineOf('differenceNano', { differenceNano: 1 })).toMatch(/ MISSED$/);
});
