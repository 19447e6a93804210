// A few requests of every kind, played through the SQL functions that move money, so that the oracle is tested on books that
// PostgreSQL itself wrote. The amounts come from the hand-written price table.
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { MeteredAttempt } from './facts.ts';
import type { Meters } from './meters.ts';
import { amountNano, type PriceEntry, priceInForce, priceTable, type Side } from './price-table.ts';

export interface SmallWorld {
  readonly meter: ReadonlyMap<string, MeteredAttempt>;
  /** Of a request whose client saw its end. */
  readonly completeId: string;
}

interface Ids {
  readonly org: string;
  readonly project: string;
  readonly apiKey: string;
  readonly channel: string;
  readonly selling: string;
  readonly cost: string;
}

interface Played {
  readonly requestId: string;
  readonly usage: Meters | null;
  readonly metered: Meters;
  readonly outcome: string;
  readonly deliveredBytes: number;
  readonly promptBytes: number;
}

const MODEL = 'demo-chat';

export async function playSmallWorld(url: string): Promise<SmallWorld> {
  const db = new Client({ connectionString: url });
  await db.connect();
  try {
    const ids = await found(db);
    const meter = new Map<string, MeteredAttempt>();
    const completeId = await liveAndDie(db, ids, meter);
    await liveAndLeave(db, ids, meter);
    return { meter, completeId };
  } finally {
    await db.end();
  }
}

async function found(db: Client): Promise<Ids> {
  const ids = {
    org: randomUUID(),
    project: randomUUID(),
    apiKey: randomUUID(),
    channel: randomUUID(),
    selling: randomUUID(),
    cost: randomUUID(),
  };
  await db.query(`insert into organizations (id, name) values ($1, 'Small world')`, [ids.org]);
  await db.query(`insert into projects (id, org_id, name) values ($1, $2, 'main')`, [ids.project, ids.org]);
  await db.query(
    `insert into api_keys (id, org_id, project_id, name, digest, prefix, last_four)
       values ($1, $2, $3, 'only', decode(repeat('ab', 32), 'hex'), 'sk-tg-', 'last')`,
    [ids.apiKey, ids.org, ids.project],
  );
  await db.query(
    `insert into caps (org_id, scope, scope_id, period, amount_nano) values ($1, 'api_key', $2, 'total', 1000000000)`,
    [ids.org, ids.apiKey],
  );
  await db.query(
    `insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token)
       values ($1, 'Demo Chat', 'demo', 'chat', 200000, 32000, 4)`,
    [MODEL],
  );
  await db.query(`insert into channels (id, name, provider, base_url) values ($1, 'demo', 'demo', 'http://demo')`, [
    ids.channel,
  ]);
  for (const [id, side] of [
    [ids.selling, 'selling'],
    [ids.cost, 'cost'],
  ] as const) {
    await db.query(
      `insert into price_versions (id, model_id, side, price, effective_at, source, created_by)
         values ($1, $2, $3, '{}', now() - interval '1 day', 'seed', 'test')`,
      [id, MODEL, side],
    );
  }
  await grant(db, ids, 30_000_000n, '10 minutes');
  await grant(db, ids, 40_000_000n, null);
  return ids;
}

async function grant(db: Client, ids: Ids, amount: bigint, life: string | null): Promise<void> {
  await db.query(
    `select issue_grant(gen_random_uuid(), $1, 'trial', 10::smallint, $2, 0, now() + $3::interval, null, 'test')`,
    [ids.org, amount, life],
  );
}

/** A gateway that serves, settles, is killed, is replayed and closed. */
async function liveAndDie(db: Client, ids: Ids, meter: Map<string, MeteredAttempt>): Promise<string> {
  const incarnation = await start(db);
  const lease = await take(db, ids, incarnation, 35_000_000n);
  const complete = played({ usage: { input: 1_234, output: 567 }, outcome: 'complete' });
  const guessed = played({
    metered: { input: 100, cachedInput: 20, output: 90 },
    promptBytes: 480,
    deliveredBytes: 333,
    outcome: 'complete',
  });
  const cut = played({ metered: { input: 50, output: 40 }, promptBytes: 201, deliveredBytes: 100, outcome: 'cut' });
  const failed = played({ outcome: 'failed' });
  const requests = [complete, played({ usage: { input: 10, output: 700 }, outcome: 'complete' }), guessed, cut, failed];
  await settle(db, ids, meter, { incarnation, lease, replay: false, requests });

  const orphan = randomUUID();
  meter.set(`${orphan}.1`, metered({ input: 77, output: 16 }));
  await db.query('update gateway_incarnations set fenced_at = clock_timestamp(), fenced_reason = $2 where id = $1', [
    incarnation,
    'process died',
  ]);
  const spilled = played({ usage: { input: 5, cachedInput: 900, output: 33 }, outcome: 'complete' });
  await settle(db, ids, meter, { incarnation, lease, replay: true, requests: [spilled] });
  await db.query(`select record_orphan($1, $2, 1::smallint, $3, $4, $4, $5, $5, $6, now())`, [
    incarnation,
    orphan,
    ids.org,
    ids.channel,
    MODEL,
    ids.cost,
  ]);
  await reconcile(db, `${orphan}.1`, priced('cost', { input: 77, output: 16 }), null);
  await db.query(`select close_incarnation($1, 'replayed')`, [incarnation]);
  return complete.requestId;
}

/** A gateway whose last answer costs more than all credit that is left, and which then goes in order. */
async function liveAndLeave(db: Client, ids: Ids, meter: Map<string, MeteredAttempt>): Promise<void> {
  const incarnation = await start(db);
  const lease = await take(db, ids, incarnation, 1_000_000n);
  const huge = played({ usage: { input: 10_000, output: 20_000 }, outcome: 'complete' });
  await settle(db, ids, meter, { incarnation, lease, replay: false, requests: [huge] });
  await db.query('select give_back($1, $2, $3, 0, true)', [incarnation, lease, ids.apiKey]);
  await grant(db, ids, 90_000_000n, null);
}

async function start(db: Client): Promise<string> {
  const id = randomUUID();
  await db.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'here', 1, 'now', '/')`,
    [id],
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
async function settle(db: Client, ids: Ids, meter: Map<string, MeteredAttempt>, batch: Batch): Promise<void> {
  const records = batch.requests.map((request) => recordOf(ids, batch.lease, request));
  const attempts = batch.requests.map((request, index) => attemptOf(ids, request, records[index]?.meters ?? {}));
  const { rows } = await db.query<{ result: string }>('select result from settle_batch($1, $2, $3, $4)', [
    batch.incarnation,
    batch.replay,
    JSON.stringify(records),
    JSON.stringify(attempts),
  ]);
  if (rows.length !== batch.requests.length) throw new Error(`settled ${rows.length} of ${batch.requests.length}`);
  for (const { requestId, metered: usage, outcome } of batch.requests) {
    const id = `${requestId}.1`;
    const isMetered = Object.keys(usage).length > 0;
    if (isMetered) meter.set(id, metered(usage));
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

function metered(usage: Meters): MeteredAttempt {
  return { modelId: MODEL, usage, ended: true, atMs: Date.now() };
}
