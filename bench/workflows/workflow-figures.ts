// The figures of the bench of workflows under the names that they have in bench/out/workflows.json, and the bars that they are held against. Pure.
import { atLeast, atMost, type Line } from '../table.ts';

export interface WorkflowFigures {
  readonly box: Readonly<Record<string, string | number>>;
  readonly renewalsPerSecond: number;
  readonly bareCyclesPerSecond: number;
  readonly renewalsRatio: number;
  readonly eventsPerRenewal: number;
  readonly replaysPerSecond: number;
  /** The 99th percentile. */
  readonly webhookToLiftedP99Ms: number;
  readonly webhookToLiftedWithoutTemporalP99Ms: number;
  readonly sleepersRssMb: number;
}

export function workflowLines(figures: WorkflowFigures): Line[] {
  const { renewalsRatio, eventsPerRenewal, webhookToLiftedP99Ms, sleepersRssMb } = figures;
  const withoutTemporal = figures.webhookToLiftedWithoutTemporalP99Ms;
  const line = (name: string, value: number, bar: Line['bar'] = null): Line => ({ name, value, beside: null, bar });
  return [
    line('renewalsPerSecond', figures.renewalsPerSecond),
    line('bareCyclesPerSecond', figures.bareCyclesPerSecond),
    line('renewalsRatio', renewalsRatio, atLeast(renewalsRatio, 0.6, ', goal 0.85')),
    line('eventsPerRenewal', eventsPerRenewal, atMost(eventsPerRenewal, 40)),
    line('replaysPerSecond', figures.replaysPerSecond),
    line('webhookToLiftedP99Ms', webhookToLiftedP99Ms, atMost(webhookToLiftedP99Ms, 1_000)),
    line('webhookToLiftedWithoutTemporalP99Ms', withoutTemporal, atMost(withoutTemporal, 1_000)),
    line('sleepersRssMb', sleepersRssMb, atMost(sleepersRssMb, 400)),
  ];
}
