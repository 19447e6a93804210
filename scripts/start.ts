// `npm start`: brings everything up, proves it with two billed requests, and stays until Ctrl-C or SIGTERM.
// `npm start -- --smoke`: the same with some twenty requests and the oracle's verdict, then everything is stopped.
// Whatever ends it or launch.mjs, no process stays behind: it stops its parts itself, and a guardian does when it cannot. npm alone
// killed by SIGKILL passes nothing on: then launch.mjs and all parts go on, and a SIGTERM to it stops them.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { formatUsd } from '../domain/nano.ts';
import { WAITING_FOR_A_PERSON } from '../workflows/contracts/search-attributes.ts';
import { makeBilledRequest } from './billed-request.ts';
import type { Endpoints } from './endpoints.ts';
import { type FirstAdmin, firstAdmin } from './first-admin.ts';
import { bringUp, type Installation, secondsSince } from './installation.ts';
import { replaceFile } from './parts/atomic-file.ts';
import { postGuardian } from './parts/guardian.ts';
import { homeFolder, type Launch, moveIn } from './parts/home.ts';
import { stopLeftovers } from './parts/leftovers.ts';
import { type SmokeVerdict, smokeTest } from './smoke.ts';

const PART_COLUMN = 10;
const startedAtMs = performance.now();
const interruption = new AbortController();
const launch: Launch = {
  ...homeFolder(),
  say: (part, text) => process.stdout.write(`${part.padEnd(PART_COLUMN)} ${text}\n`),
  interrupted: interruption.signal,
};
const endpointsFile = join(launch.home, 'endpoints.json');

// Each signal comes twice (to the group, and forwarded by npm), and the channel to launch.mjs closes when that was killed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort());
process.on('disconnect', () => interruption.abort());
// A reader that went away (npm start | head) is no reason to leave parts behind.
process.stdout.on('error', () => interruption.abort());

if (process.argv.includes('--smoke')) await smoke();
else await serve();
// The channel to launch.mjs would keep the process alive.
process.exit();

async function serve(): Promise<void> {
  try {
    await withInstallation(async (installation) => {
      await proveBilling(installation.endpoints);
      writeEndpoints(installation.endpoints);
      welcome(installation.endpoints, await firstAdmin(installation.endpoints));
      await untilInterrupted();
    });
  } catch (error) {
    if (launch.interrupted.aborted) return;
    process.stderr.write(`npm start failed: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

async function smoke(): Promise<void> {
  let outcome: SmokeVerdict = { problem: 'interrupted', requests: 0 };
  try {
    await withInstallation(async (installation) => {
      const proved = await proveBilling(installation.endpoints);
      writeEndpoints(installation.endpoints);
      outcome = await smokeTest(launch, installation, endpointsFile);
      outcome = { ...outcome, requests: outcome.requests + proved };
    });
  } catch (error) {
    outcome = { problem: launch.interrupted.aborted ? 'interrupted' : messageOf(error), requests: 0 };
  }
  const { problem, requests } = outcome;
  if (problem !== null) process.exitCode = 1;
  process.stdout.write(
    problem === null
      ? `smoke: ok, ${requests} requests, difference 0 nano-USD, ${secondsSince(startedAtMs)}\n`
      : `smoke: FAILED, ${problem}\n`,
  );
}

/** Everything is up inside and gone after. */
async function withInstallation(work: (installation: Installation) => Promise<void>): Promise<void> {
  const home = await moveIn(launch);
  // Whoever waits for this file waits for this start: what an earlier one wrote names ports that are not taken yet.
  rmSync(endpointsFile, { force: true });
  try {
    for (const name of await stopLeftovers(launch.home))
      launch.say('launcher', `stopped ${name}, left by an earlier start`);
    const guardian = postGuardian(launch);
    {
      await using stack = new AsyncDisposableStack();
      stack.defer(() => launch.say('launcher', 'everything is stopped'));
      await work(await bringUp(launch, stack));
    }
    guardian.dismiss();
  } finally {
    home.leave();
  }
}

/** Two requests with the customer's key; answers how many. */
async function proveBilling(endpoints: Endpoints): Promise<number> {
  const modelId = endpoints.models[0];
  const messages = [{ role: 'user', content: 'Say hello to the first request.' }];
  for (const stream of [true, false]) {
    const sentAtMs = performance.now();
    const name = `${stream ? 'streamed' : 'plain'} chat with ${modelId}`;
    const answer = await makeBilledRequest(endpoints, {
      name,
      path: '/chat/completions',
      body: { model: modelId, messages, stream },
    });
    launch.say(
      'request',
      `${name}: ${answer.status}, charged ${formatUsd(answer.charge)} USD  ${secondsSince(sentAtMs)}`,
    );
  }
  return 2;
}

function writeEndpoints(endpoints: Endpoints): void {
  replaceFile(endpointsFile, `${JSON.stringify(endpoints, null, 2)}\n`, 0o600);
}

function welcome(endpoints: Endpoints, first: FirstAdmin | null): void {
  const { api, apiBaseUrl, customerKey, adminToken, stripe, inbox, temporalUi, worker, models } = endpoints;
  const body = JSON.stringify({ model: models[0], messages: [{ role: 'user', content: 'Say hello' }] });
  process.stdout.write(`
Tollgate is up after ${secondsSince(startedAtMs)}. Stop it with Ctrl-C; what it keeps is in ${launch.home}.

  console        ${api}/console/
  base URL       ${apiBaseUrl}
  customer key   ${customerKey}
  admin token    ${adminToken}
  fake Stripe    ${stripe}
  SMTP inbox     ${inbox}
  Temporal UI    ${temporalUi ?? 'that of TEMPORAL_ADDRESS'} (to read what it encrypts, sign in at ${worker}/codec)
  for a person   ${waitingForAPerson(endpoints)}${first === null ? '' : howToBeAdmin(endpoints, first)}

curl ${apiBaseUrl}/chat/completions -H 'authorization: Bearer ${customerKey}' -H 'content-type: application/json' -d '${body}'

`);
}

/** Until there is an admin, by whoever reads this. */
function howToBeAdmin({ api }: Endpoints, { bootstrapToken, validUntil }: FirstAdmin): string {
  return `\n  first admin    ${api}/console/bootstrap, or POST ${api}/api/v1/bootstrap, with the token ${bootstrapToken} (until ${validUntil})`;
}

/** Temporal's UI keeps saved views in the browser, so what can be handed over is an address. */
function waitingForAPerson({ temporalUi, temporalNamespace }: Endpoints): string {
  if (temporalUi === null) return WAITING_FOR_A_PERSON;
  return `${temporalUi}/namespaces/${temporalNamespace}/workflows?query=${encodeURIComponent(WAITING_FOR_A_PERSON)}`;
}

async function untilInterrupted(): Promise<void> {
  if (launch.interrupted.aborted) return;
  await new Promise((resolve) => launch.interrupted.addEventListener('abort', resolve, { once: true }));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
