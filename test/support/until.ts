// Waits for an event that only shows in a state. The deadline is there to name what never happened, not to measure.
import { setTimeout as wait } from 'node:timers/promises';

const DEADLINE_MS = 40_000;

export async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + DEADLINE_MS;
  while (!(await happened())) {
    if (performance.now() > giveUpAtMs) throw new Error(`never happened: ${happened}`);
    await wait(5);
  }
}
