// A few requests of every kind, played through the SQL functions that move money, so that the oracle is tested on books that
// PostgreSQL itself wrote. The amounts come from the hand-written price table.
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { Answer, Capture, Hit, MeteredAttempt } from './facts.ts';
import type { Meters } from './meters.ts';
import { amountNano, type PriceEntry, priceInForce, priceTable, type Side } from './price-table.ts';
import {
  buyPack,
  found,
  grant,
  type Ids,
  MODEL,
  newDebtor,
  newSubAccount,
  newTeam,
  putUnder,
} from './small-world-shop.ts';

export interface SmallWorld {
  readonly meter: ReadonlyMap<string, MeteredAttempt>;
  readonly captures: ReadonlyMap<string, Capture>;
  readonly answers: readonly Answer[];
  readonly hits: readonly Hit[];
}

/** What has been seen outside the books. */
interface Seen {
  readonly meter: Map<string, MeteredAttempt>;
  readonly answers: Answer[];
}

interface Played {
  readonly requestId: string;
  readonly usage: Meters | null;
  readonly metered: Meters;
  readonly outcome: string;
  readonly deliveredBytes: number;
  readonly promptBytes: number;
  readonly fault: string | null;
}

const CAP_NANO = 50_000_000n;
const DEAD_PID = 1;
const OTHER_PID = 2;
const LAST_PID = 3;
const TEAM_PID = 4;
const ENTERPRISE_PID = 5;

export async function playSmallWorld(url: string, capNano = CAP_NANO): Promise<SmallWorld> {
  const db = new Client({ connectionString: url });
  await db.connect();
  try {
    const ids = await found(db, capNano);
    const seen: Seen = { meter: new Map(), answers: [] };
    const bornAtMs = Date.now();
    await liveAndDie(db, ids, seen);
    const hits: Hit[] = [{ target: 'gateway', pid: DEAD_PID, fromMs: bornAtMs, untilMs: Date.now() }];
    await liveAndLeave(db, ids, seen);
    await serveDebtor(db, { ...ids, ...(await newDebtor(db)) }, seen);
    await serve(db, { ...ids, ...(await newTeam(db)) }, seen, TEAM_PID);
    await serve(db, { ...ids, ...(await newSubAccount(db)) }, seen, ENTERPRISE_PID);
    return { ...seen, hits, captures: await buyPack(db, ids) };
  } finally {
    await db.end();
  }
}

/** A gateway that serves, settles, is killed, is replayed and closed. */
async function liveAndDie(db: Client, ids: Ids, seen: Seen): Promise<void> {
  const incarnation = await start(db, DEAD_PID);
  const lease = await take(db, ids, incarnation, 35_000_000n);
  const complete = played({ usage: { input: 1_234, output: 567 }, outcome: 'complete' });
  const guessed = played({
    metered: { input: 100, cachedInput: 20, output: 90 },
    promptBytes: 480,
    deliveredBytes: 333,
    outcome: 'complete',
    fault: 'no-usage',
  });
  const cut = played({
    metered: { input: 50, output: 40 },
    promptBytes: 201,
    deliveredBytes: 100,
    outcome: 'cut',
    fault: 'cut=1500',
  });
  const failed = played({ outcome: 'failed' });
  const requests = [complete, played({ usage: { input: 10, output: 700 }, outcome: 'complete' }), guessed, cut, failed];
  await settle(db, ids, seen, { incarnation, lease, replay: false, requests });

  const orphan = randomUUID();
  seen.meter.set(`${orphan}.1`, metered({ input: 77, output: 16 }));
  seen.answers.push(lost(orphan));
  await db.query('update gateway_incarnations set fenced_at = clock_timestamp(), fenced_reason = $2 where id = $1', [
    incarnation,
    'process died',
  ]);
  const spilled = played({ usage: { input: 5, cachedInput: 900, output: 33 }, outcome: 'complete' });
  await settle(db, ids, seen, { incarnation, lease, replay: true, requests: [spilled] });
  await db.query(`select record_orphan($1, $2, 1::smallint, $3, $4, $4, $5, $5, $6, now())`, [
    incarnation,
    orphan,
    ids.org,
    ids.channel,
    MODEL,
    ids.cost,
  ]);
  await reconcile(db, `${orphan}.1`, priced('cost', { input: 77, output: 16 }), null);
  await db.query(`select close_incarnation($1, 'replayed', true)`, [incarnation]);
}

/** A gateway whose last answer costs more than all credit that is left, and which then goes in order. */
async function liveAndLeave(db: Client, ids: Ids, seen: Seen): Promise<void> {
  const incarnation = await start(db, OTHER_PID);
  const lease = await take(db, ids, incarnation, 1_000_000n);
  const huge = played({ usage: { input: 10_000, output: 20_000 }, outcome: 'complete' });
  await settle(db, ids, seen, { incarnation, lease, replay: false, requests: [huge] });
  await db.query('select give_back($1, $2, $3, 0, true)', [incarnation, lease, ids.apiKey]);
  await grant(db, ids, 90_000_000n, null);
}

/** While limited it is charged to what was bought, down to the floor, and its included credit stays. Once it has paid, that goes first. */
async function serveDebtor(db: Client, ids: Ids, seen: Seen): Promise<void> {
  const incarnation = await start(db, LAST_PID);
  for (const [stage, output] of [
    ['none', 30],
    ['limited', 20_000],
    ['none', 30],
  ] as const) {
    await putUnder(db, ids, stage);
    const lease = await take(db, ids, incarnation, 1_000_000n);
    const request = played({ usage: { input: 20, output }, outcome: 'complete' });
    await settle(db, ids, seen, { incarnation, lease, replay: false, requests: [request] });
    await db.query('select give_back($1, $2, $3, 0, true)', [incarnation, lease, ids.apiKey]);
  }
}

/** Included credit covers its first answer and a part of the second; the last one goes beyond its lease. */
async function serve(db: Client, ids: Ids, seen: Seen, pid: number): Promise<void> {
  const incarnation = await start(db, pid);
  const lease = await take(db, ids, incarnation, 20_000_000n);
  const answers = [100, 567, 700, 3_001].map((output) =>
    played({ usage: { input: 33, cachedInput: 1, output }, outcome: 'complete' }),
  );
  await settle(db, ids, seen, { incarnation, lease, replay: false, requests: answers });
  await db.query('select give_back($1, $2, $3, 0, true)', [incarnation, lease, ids.apiKey]);
}

async function start(db: Client, pid: number): Promise<string> {
  const id = randomUUID();
  await db.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'here', $2, 'now', '/')`,
    [id, pid],
  );
  return id;
}

async function take(db: Client, ids: Ids, incarnation: string, amount: bigint): Promise<string> {
  const lease = randomUUID();
  const { rows } = await db.query<{ outcome: string }>('select outcome from take_credit($1, $2, $3, $4, $4, $4)', [
    incarnation,
    lease,
    ids.apiKey,
    amount,
  ]);
  if (rows[0]?.outcome !== 'leased') throw new Error(`no lease: ${rows[0]?.outcome}`);
  return lease;
}

function played(what: Partial<Played> & { readonly outcome: string }): Played {
  return {
    requestId: randomUUID(),
    usage: null,
    metered: what.usage ?? {},
    deliveredBytes: 0,
    promptBytes: 0,
    fault: null,
    ...what,
  };
}

interface Batch {
  readonly incarnation: string;
  readonly lease: string;
  readonly replay: boolean;
  readonly requests: readonly Played[];
}

/** Costs that a gateway cannot know stay null; the provider's export, which comes next, says them. */
async function settle(db: Client, ids: Ids, seen: Seen, batch: Batch): Promise<void> {
  const records = batch.requests.map((request) => recordOf(ids, batch.lease, request));
  const attempts = batch.requests.map((request, index) => attemptOf(ids, request, records[index]?.meters ?? {}));
  const settlement = [batch.incarnation, batch.replay, JSON.stringify(records), JSON.stringify(attempts)];
  const { rows } = await db.query('select from settle_batch($1, $2, $3, $4)', settlement);
  await db.query('select settle_beyond($1, $2, $3, $4)', settlement);
  if (rows.length !== batch.requests.length) throw new Error(`settled ${rows.length} of ${batch.requests.length}`);
  for (const request of batch.requests) {
    const { requestId, metered: usage, outcome } = request;
    const id = `${requestId}.1`;
    const isMetered = Object.keys(usage).length > 0;
    if (isMetered) seen.meter.set(id, metered(usage));
    seen.answers.push(answerOf(request));
    await reconcile(db, id, priced('cost', usage), outcome === 'failed' ? null : 'estimate_rest');
  }
}

function recordOf(ids: Ids, lease: string, { requestId, usage, outcome, deliveredBytes, promptBytes }: Played) {
  const isFailed = outcome === 'failed';
  const estimate = { input: Math.floor(promptBytes / 4), output: Math.ceil(deliveredBytes / 4) };
  const meters = isFailed ? {} : (usage ?? estimate);
  return {
    request_id: requestId,
    org_id: ids.org,
    project_id: ids.project,
    member_id: null,
    api_key_id: ids.apiKey,
    lease_id: lease,
    model_id: MODEL,
    dialect: 'openai-chat',
    streamed: true,
    price_version_id: ids.selling,
    meters,
    usage_source: isFailed ? 'none' : usage === null ? 'estimate' : 'provider',
    delivered_bytes: deliveredBytes,
    rated_nano: String(priced('selling', meters)),
    outcome,
    winner: isFailed ? null : 1,
    admitted_ms: Date.now(),
  };
}

function attemptOf(ids: Ids, { requestId, outcome }: Played, meters: Meters) {
  return {
    request_id: requestId,
    n: 1,
    org_id: ids.org,
    channel_id: ids.channel,
    channel_key_id: ids.channel,
    model_id: MODEL,
    upstream_model: MODEL,
    cost_version_id: ids.cost,
    outcome: outcome === 'complete' ? 'won' : outcome,
    failure_class: null,
    status: outcome === 'failed' ? 500 : 200,
    sent_ms: Date.now(),
    first_byte_ms: 1,
    duration_ms: 2,
    cost_nano: outcome === 'failed' ? null : String(priced('cost', meters)),
  };
}

async function reconcile(db: Client, id: string, costNano: bigint, reason: string | null): Promise<void> {
  const [requestId, n] = id.split('.');
  await db.query('select reconcile_attempt($1, $2::smallint, $3, $4)', [requestId, n, costNano, reason]);
}

function priced(side: Side, meters: Meters): bigint {
  const price: PriceEntry | null = priceInForce(priceTable(null), MODEL, side, 0);
  if (price === null) throw new Error(`no ${side} price of ${MODEL}`);
  return amountNano(price, meters);
}

/** Of a cut stream the client has not read all that was sent. */
function answerOf({ requestId, outcome, deliveredBytes, promptBytes, fault }: Played): Answer {
  const isFailed = outcome === 'failed';
  return {
    ...lost(requestId),
    status: isFailed ? 503 : 200,
    promptBytes,
    contentBytes: outcome === 'complete' ? deliveredBytes : deliveredBytes >> 1,
    terminatorSeen: outcome !== 'cut',
    errorCode: isFailed ? 'overloaded' : null,
    errorMessage: isFailed ? 'All upstreams failed. Nothing was charged.' : null,
    fault,
  };
}

/** Its client saw a head and no more. */
function lost(requestId: string): Answer {
  return {
    atMs: Date.now(),
    durationMs: 100,
    api: 'http://here',
    requestId,
    status: 200,
    promptBytes: 0,
    contentBytes: 0,
    terminatorSeen: false,
    errorCode: null,
    errorMessage: null,
    abortedByClient: false,
    fault: null,
  };
}

function metered(usage: Meters): MeteredAttempt {
  return { modelId: MODEL, usage, ended: true, atMs: Date.now() };
}
