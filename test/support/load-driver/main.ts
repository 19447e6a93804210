// Clients of the product: a closed loop of `concurrency` callers that make the plan's requests and log what each of them saw, one
// JSON line per request, written before the next one is made. SIGTERM: what is under way is finished, nothing new begins. Whoever started us may tell
// that an API key has another credential from now on.
//   node test/support/load-driver/main.ts --plan <plan.json>
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type AnswerLine, agent, inFlight, send } from './exchange.ts';
import { type LoadPlan, type NewCredential, plannedRequest } from './plan.ts';

// A client that fails comes back later, and later each time, as official clients do; a plain loop would only make refusals.
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 8_000;
/** How often whoever started us hears how many requests are under way. */
const REPORT_EVERY_MS = 50;

const { values } = parseArgs({ options: { plan: { type: 'string' } } });
if (values.plan === undefined) throw new Error('--plan <plan.json> is missing');
let plan: LoadPlan = JSON.parse(readFileSync(values.plan, 'utf8'));
const log = openSync(plan.logFile, 'a');
let next = 0;
let stopped = false;
for (const end of ['SIGTERM', 'disconnect'] as const) {
  process.on(end, () => {
    stopped = true;
  });
}

process.on('message', ({ keyIndex, credential }: NewCredential) => {
  plan = { ...plan, apiKeys: plan.apiKeys.map((one, at) => (at === keyIndex ? { ...one, credential } : one)) };
});

const report = setInterval(() => process.connected && process.send?.({ inFlight: inFlight() }), REPORT_EVERY_MS);

await Promise.all(Array.from({ length: plan.concurrency }, callInTurn));
clearInterval(report);
if (process.connected) process.disconnect();
agent.destroy();
closeSync(log);

async function callInTurn(): Promise<void> {
  let failures = 0;
  while (!stopped && next < plan.totalRequests) {
    const line = await send(plannedRequest(plan, next++), plan.timeoutMs);
    writeSync(log, `${JSON.stringify(line)}\n`);
    failures = isFailure(line) ? failures + 1 : 0;
    if (failures > 0) await wait(pauseMs(line, failures));
  }
}

function isFailure({ status, abortedByClient }: AnswerLine): boolean {
  return !abortedByClient && (status === 0 || status >= 400);
}

/** Of different length for each caller, so that they do not come back as one. */
function pauseMs({ retryAfterMs }: AnswerLine, failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, Math.max(retryAfterMs ?? 0, FIRST_PAUSE_MS * 2 ** failures));
  return longest * (0.5 + Math.random() / 2);
}
