// Clients of the product: a closed loop of `concurrency` callers that make the plan's requests and log what each of them saw, one
// JSON line per request, written before the next one is made. SIGTERM: what is under way is finished, nothing new begins.
//   node test/support/load-driver/main.ts --plan <plan.json>
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type AnswerLine, agent, send } from './exchange.ts';
import { type LoadPlan, plannedRequest } from './plan.ts';

// A client that is refused or cut off comes back after a moment, as official clients do; a plain loop would only make refusals.
const PAUSE_AFTER_FAILURE_MS = 200;
const LONGEST_PAUSE_MS = 5_000;

const { values } = parseArgs({ options: { plan: { type: 'string' } } });
if (values.plan === undefined) throw new Error('--plan <plan.json> is missing');
const plan: LoadPlan = JSON.parse(readFileSync(values.plan, 'utf8'));
const log = openSync(plan.logFile, 'a');
let next = 0;
let stopped = false;
process.on('SIGTERM', () => {
  stopped = true;
});

await Promise.all(Array.from({ length: plan.concurrency }, callInTurn));
agent.destroy();
closeSync(log);

async function callInTurn(): Promise<void> {
  while (!stopped && next < plan.totalRequests) {
    const planned = plannedRequest(plan, next++);
    const line = await send(planned, plan.timeoutMs);
    writeSync(log, `${JSON.stringify(line)}\n`);
    const pauseMs = pauseAfter(line);
    if (pauseMs > 0) await wait(pauseMs);
  }
}

function pauseAfter({ status, abortedByClient, retryAfterMs }: AnswerLine): number {
  if (abortedByClient || (status > 0 && status < 400)) return 0;
  return Math.min(retryAfterMs ?? PAUSE_AFTER_FAILURE_MS, LONGEST_PAUSE_MS);
}
