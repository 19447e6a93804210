// Waits for an event that only shows in a state. Jest's own timeout is the limit; no test relies on how long it took.
import { setTimeout as wait } from 'node:timers/promises';

export async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await happened())) await wait(5);
}
