// An installation that people use holds models, prices and channels that nobody wrote down here. They are no errors there, and
// hide none; in a world that only our own driver has touched they are errors.
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../support/throwaway-postgres.ts';
import { readBooks } from './books.ts';
import type { Facts, MeteredAttempt } from './facts.ts';
import { findingLine } from './finding.ts';
import { isSettled, judge } from './judge.ts';
import { proveSight } from './planted-errors.ts';
import { amountNano, priceInForce, priceTable } from './price-table.ts';
import { playSmallWorld, type SmallWorld } from './small-world.ts';

const USAGE = { input: 10, output: 20 };

let postgres: ThrowawayPostgres;
let world: SmallWorld;
let used: Facts;
/** Of a model of somebody's own, from an upstream of its own; and of a demo model at a price that somebody published. */
const foreignId = randomUUID();
const repricedId = randomUUID();

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  const database = await postgres.createDatabase();
  world = await playSmallWorld(database.url);
  const books = await readBooks(database.urlFor('readonly'));
  await sellToOthers(database.url, books.usageRecords[0]?.apiKeyId ?? '', books.channels[0]?.id ?? '');
  const direct: MeteredAttempt = { modelId: 'demo-mini', usage: USAGE, ended: false, atMs: 0 };
  const repriced: MeteredAttempt = { modelId: 'demo-chat', usage: USAGE, ended: true, atMs: 0 };
  const meter = new Map([...world.meter, ['somebody-called-it-directly', direct], [`${repricedId}.1`, repriced]]);
  used = {
    ...(await readBooks(database.urlFor('readonly'))),
    prices: priceTable(null),
    meter,
    captures: world.captures,
    answers: null,
    hits: null,
  };
});
afterAll(async () => {
  await postgres.stop();
});

test('what others sold is no error, is settled without a cost, and hides no error in what is ours', () => {
  expect(judge(used).map(findingLine)).toEqual([]);
  expect(isSettled(used)).toBe(true);
  expect(proveSight(used).filter(({ reported }) => !reported)).toEqual([]);
});

test('what others sold is debited as it was charged', () => {
  const usageRecords = used.usageRecords.map((record) =>
    record.requestId === foreignId ? { ...record, chargeNano: record.chargeNano + 1n } : record,
  );

  expect(new Set(judge({ ...used, usageRecords }).map(({ kind }) => kind))).toEqual(new Set(['debits_differ']));
});

test('in a world of our own there are no others', () => {
  const closed = { ...used, answers: world.answers, hits: world.hits };

  const lines = judge(closed).map(findingLine).join('\n');

  expect(lines).toContain(`price_version_wrong ${foreignId}`);
  expect(lines).toContain(`charge_wrong ${repricedId}`);
  expect(lines).toContain('attempt_unclaimed somebody-called-it-directly');
  expect(isSettled(closed)).toBe(false);
});

async function sellToOthers(url: string, apiKeyId: string, demoChannelId: string): Promise<void> {
  const db = new Client({ connectionString: url });
  await db.connect();
  try {
    const [own, incarnation, lease, selling, repriced] = Array.from({ length: 5 }, () => randomUUID());
    await db.query(
      `insert into models (id, display_name, owned_by, kind, context_tokens, max_output_tokens, bytes_per_token)
         values ('my-model', 'Mine', 'me', 'chat', 1000, 1000, 4)`,
    );
    await db.query(`insert into channels (id, name, provider, base_url) values ($1, 'own', 'openai', 'http://own')`, [
      own,
    ]);
    await db.query(
      `insert into price_versions (id, model_id, side, price, effective_at, source, created_by)
         values ($1, 'my-model', 'selling', '{}', now(), 'me', 'me'), ($2, 'demo-chat', 'selling', '{}', now(), 'me', 'me')`,
      [selling, repriced],
    );
    await db.query(
      `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'here', 3, 'now', '/')`,
      [incarnation],
    );
    await db.query('select take_credit($1, $2, $3, 5000, 5000, 5000)', [incarnation, lease, apiKeyId]);
    const { rows } = await db.query('select org_id, project_id from api_keys where id = $1', [apiKeyId]);
    const sold = [
      { request_id: foreignId, model_id: 'my-model', price_version_id: selling, channel_id: own, cost_nano: null },
      {
        request_id: repricedId,
        model_id: 'demo-chat',
        price_version_id: repriced,
        channel_id: demoChannelId,
        cost_nano: String(demoCost()),
      },
    ].map((one) => ({ ...SOLD, ...one, ...rows[0], lease_id: lease, api_key_id: apiKeyId, channel_key_id: own }));
    await db.query(
      `with priced as (
         select json_agg(a || jsonb_build_object('cost_version_id', p.id)) as attempts from jsonb_array_elements($3) a
           left join price_versions p on p.side = 'cost' and p.model_id = a ->> 'model_id'
       ), settled as materialized (select count(*) from priced, settle_batch($1, false, $2, attempts))
       select settle_beyond($1, false, $2, attempts) from priced, settled`,
      [incarnation, JSON.stringify(sold), JSON.stringify(sold.map((one) => ({ ...one, outcome: 'won' })))],
    );
    await db.query('select give_back($1, $2, $3, 0, true)', [incarnation, lease, apiKeyId]);
  } finally {
    await db.end();
  }
}

/** A record and its attempt have few columns of the same name, and these fit both. */
const SOLD = {
  dialect: 'openai-chat',
  streamed: false,
  meters: USAGE,
  usage_source: 'provider',
  delivered_bytes: 80,
  rated_nano: '1234',
  outcome: 'complete',
  winner: 1,
  admitted_ms: Date.now(),
  n: 1,
  upstream_model: 'demo-chat',
  sent_ms: Date.now(),
};

function demoCost(): bigint {
  const price = priceInForce(priceTable(null), 'demo-chat', 'cost', 0);
  return price === null ? 0n : amountNano(price, USAGE);
}
