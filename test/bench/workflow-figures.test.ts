// The table of the bench of workflows is read by people and by CI: a missed bar must look missed, also by its last digit.
import { expect, test } from '@jest/globals';
import { printed } from '../../bench/table.ts';
import { type WorkflowFigures, workflowLines } from '../../bench/workflows/workflow-figures.ts';

const figures: WorkflowFigures = {
  box: {},
  renewalsPerSecond: 15.3,
  bareCyclesPerSecond: 18.2,
  renewalsRatio: 0.84,
  eventsPerRenewal: 24,
  replaysPerSecond: 160,
  webhookToLiftedP99Ms: 90,
  webhookToLiftedWithoutTemporalP99Ms: 60,
  sleepersRssMb: 350,
};

function lineOf(name: string, changed: Partial<WorkflowFigures> = {}): string {
  const lines = printed(workflowLines({ ...figures, ...changed }), null).split('\n');
  return lines.find((line) => line.startsWith(`${name} `)) ?? '';
}

test('a figure stands beside its bar and the verdict', () => {
  expect(lineOf('renewalsRatio').split(/ {2,}/)).toEqual(['renewalsRatio', '0.84', '>= 0.6, goal 0.85', 'met']);
  expect(lineOf('replaysPerSecond').split(/ {2,}/)).toEqual(['replaysPerSecond', '160']);
});

test('a bar that is reached exactly is met, and one that is missed by the last digit is printed as missed', () => {
  expect(lineOf('renewalsRatio', { renewalsRatio: 0.6 })).toMatch(/ met$/);
  expect(lineOf('renewalsRatio', { renewalsRatio: 0.599 })).toMatch(/ MISSED$/);
  expect(lineOf('eventsPerRenewal', { eventsPerRenewal: 40.01 })).toMatch(/ MISSED$/);
  expect(lineOf('webhookToLiftedP99Ms', { webhookToLiftedP99Ms: 1_000.1 })).toMatch(/ MISSED$/);
  expect(lineOf('webhookToLiftedWithoutTemporalP99Ms', { webhookToLiftedWithoutTemporalP99Ms: 1_000.1 })).toMatch(
    / MISSED$/,
  );
  expect(lineOf('sleepersRssMb', { sleepersRssMb: 400 })).toMatch(/ met$/);
});
