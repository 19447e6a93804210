// What a product with one mistake leaves behind. Those of a gateway are planted in a copy of the facts; those of the SQL that moves
// money are made by changing one line of it before the small world is played, so that the books are in order but for that.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../support/throwaway-postgres.ts';
import { readBooks } from './books.ts';
import type { Answer, Facts, UsageRecord } from './facts.ts';
import { type FindingKind, findingLine } from './finding.ts';
import { judge } from './judge.ts';
import { priceTable } from './price-table.ts';
import { playSmallWorld } from './small-world.ts';

let postgres: ThrowawayPostgres;
let good: Facts;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  good = await factsAfter(null);
});
afterAll(async () => {
  await postgres.stop();
});

test('books, meter and answers of a product without a mistake are in order', () => {
  expect(judge(good).map(findingLine)).toEqual([]);
});

const FREE = { usageSource: 'none', meters: {}, ratedNano: 0n, dueNano: 0n, chargeNano: 0n } as const;
const PROMISE = 'The charge for this answer could not be recorded, so its end is withheld and nothing is charged.';

test.each<[string, FindingKind, Partial<UsageRecord>, Partial<Answer>]>([
  ['a complete answer is given away', 'given_away', { ...FREE }, {}],
  ['a complete answer is given away as a failure', 'given_away', { ...FREE, outcome: 'failed', winner: null }, {}],
  ['a complete answer is given away as an empty one', 'record_missing', { ...FREE, outcome: 'empty' }, {}],
  [
    'a broken answer pays for less than the provider said',
    'tokens_differ',
    { outcome: 'client_gone', meters: { input: 1 } },
    {},
  ],
  [
    'an answer is charged whose end was withheld',
    'charged_for_error',
    {},
    { terminatorSeen: false, errorMessage: PROMISE },
  ],
])('%s: %s', (_mistake, kind, record, answer) => {
  const complete = recordOf(({ outcome, usageSource }) => outcome === 'complete' && usageSource === 'provider');

  expect(kindsAbout(planted(complete, record, answer), complete)).toContain(kind);
});

test.each<[string, FindingKind, Partial<UsageRecord>, Partial<Answer>]>([
  ['what a client has read is given away', 'given_away', { ...FREE, deliveredBytes: 0n }, {}],
  [
    'more is charged than the provider made',
    'estimate_wrong',
    { deliveredBytes: 1_000n, meters: { input: 50, output: 250 } },
    {},
  ],
  [
    'less is charged than the client has read',
    'estimate_wrong',
    { deliveredBytes: 9n, meters: { input: 50, output: 3 } },
    {},
  ],
  ['more is charged than the client has asked', 'estimate_wrong', {}, { promptBytes: 100 }],
])('of a stream that was cut %s: %s', (_mistake, kind, record, answer) => {
  const cut = recordOf(({ outcome }) => outcome === 'cut');

  expect(kindsAbout(planted(cut, record, answer), cut)).toContain(kind);
});

test('an estimate needs a fault that took the usage away, and the fall of a gateway is one', () => {
  const estimated = recordOf(({ outcome, usageSource }) => outcome === 'complete' && usageSource === 'estimate');
  const withoutFault = { fault: 'status=503,first' };

  expect(kindsAbout(planted(estimated, {}, withoutFault), estimated)).toEqual([]);
  expect(kindsAbout(planted(estimated, {}, { ...withoutFault, atMs: 0 }), estimated)).toEqual(['estimate_unexplained']);
});

test('content that came without a record is given away, unless the installation that it was asked of was hit', () => {
  const cut = recordOf(({ outcome }) => outcome === 'cut');
  const kindsWhenSeen = (seen: Partial<Answer>) => {
    const facts = planted(cut, {}, seen);
    return kindsAbout(
      { ...facts, usageRecords: facts.usageRecords.filter((one) => one.requestId !== cut.requestId) },
      cut,
    );
  };

  expect(kindsWhenSeen({})).not.toContain('given_away');
  expect(kindsWhenSeen({ atMs: 0 })).toContain('given_away');
  expect(kindsWhenSeen({ api: 'http://elsewhere' })).toContain('given_away');
});

test('an attempt is not empty whose provider made tokens', () => {
  const complete = recordOf(({ outcome }) => outcome === 'complete');
  const isWinner = ({ requestId }: { requestId: string }) => requestId === complete.requestId;
  const attempts = good.attempts.map((one) => (isWinner(one) ? { ...one, outcome: 'empty' } : one));

  expect(kindsAbout({ ...good, attempts }, complete)).toContain('given_away');
});

test.each<[string, FindingKind, Mistake]>([
  [
    'credit that expires is spent last',
    'burn_order_broken',
    { in: 'burnable_grants', replace: 'g.expires_at asc nulls last', by: 'g.expires_at desc nulls first' },
  ],
  [
    'included credit is spent while an invoice is overdue',
    'locked_credit_spent',
    { in: 'burnable_grants', replace: `p_org) = 'none'`, by: 'p_org) is not null' },
  ],
  [
    'available credit is left to whoever has overshot',
    'given_away',
    { in: 'settle_beyond_lease', replace: 'exit when v_rest = 0;', by: 'exit;' },
  ],
  [
    'nobody is taken below zero',
    'given_away',
    { in: 'settle_beyond_lease', replace: 'greatest(0, v_org.overdraft_floor_nano - v_org.overdraft_nano)', by: '0' },
  ],
  [
    'a lease is left to whoever has overshot it',
    'given_away',
    {
      in: 'settle_beyond_lease',
      replace: 'least(v_due, v_left)',
      by: '0',
    },
  ],
  [
    'the rate of a plan is taken of what included credit covers',
    'plan_rate_wrong',
    { in: 'settle_batch', replace: 'p.rated_upto - p.rated_nano - p.at_list_left', by: '0' },
  ],
  [
    'whoever is on no plan pays as he goes',
    'plan_rate_wrong',
    { in: 'rate_beyond_included', replace: 'return null', by: 'return 1050000' },
  ],
  [
    'a sub-account pays what its organization has agreed on, and not its own price',
    'plan_rate_wrong',
    { in: 'rate_beyond_included', replace: 'least(', by: 'greatest(' },
  ],
  ['a rate is rounded down', 'charge_wrong', { in: 'at_rate', replace: 'p_ppm + 999999', by: 'p_ppm' }],
  [
    'a payment counts more than was taken',
    'clearing_differs',
    { in: 'record_payment', replace: 'p_amount_cents * 10000000', by: 'p_amount_cents * 10000001' },
  ],
  ['no cap counts', 'cap_differs', { in: 'move_caps', replace: 'committed_nano + p_amount', by: 'committed_nano' }],
])('%s: %s', async (_mistake, kind, mistake) => {
  const facts = await factsAfter(mistake);

  const kinds = new Set(judge(facts).map((finding) => finding.kind));

  expect([...kinds]).toEqual([kind]);
});

test('a cap that holds nobody is passed, in all its periods', async () => {
  const small = 1_000_000n;
  const facts = await factsAfter(
    { in: 'take_credit', replace: 'v_cap.amount_nano - v_committed', by: '999999999' },
    small,
  );

  const findings = judge(facts);

  expect(findings.map(({ kind }) => kind)).toEqual(['cap_passed', 'cap_passed']);
  expect(findings.map(({ detail }) => detail).join()).toMatch(/per total.*per day|per day.*per total/);
});

interface Mistake {
  readonly in: string;
  readonly replace: string;
  readonly by: string;
}

async function factsAfter(mistake: Mistake | null, capNano?: bigint): Promise<Facts> {
  const database = await postgres.createDatabase();
  if (mistake !== null) await make(database.url, mistake);
  const world = await playSmallWorld(database.url, capNano);
  return { ...(await readBooks(database.urlFor('readonly'))), ...world, prices: priceTable(null) };
}

async function make(url: string, { in: name, replace, by }: Mistake): Promise<void> {
  const db = new Client({ connectionString: url });
  await db.connect();
  try {
    const { rows } = await db.query<{ text: string }>(
      'select pg_get_functiondef(oid) as text from pg_proc where proname = $1',
      [name],
    );
    const right = rows[0]?.text ?? '';
    const wrong = right.replace(replace, by);
    if (wrong === right) throw new Error(`${name} has no '${replace}'`);
    await db.query(wrong);
  } finally {
    await db.end();
  }
}

function recordOf(isWanted: (record: UsageRecord) => boolean): UsageRecord {
  const record = good.usageRecords.find(isWanted);
  if (record === undefined) throw new Error('the small world has no such record');
  return record;
}

function planted(record: UsageRecord, change: Partial<UsageRecord>, seen: Partial<Answer>): Facts {
  return {
    ...good,
    usageRecords: good.usageRecords.map((one) => (one === record ? { ...one, ...change } : one)),
    answers: (good.answers ?? []).map((one) => (one.requestId === record.requestId ? { ...one, ...seen } : one)),
  };
}

function kindsAbout(facts: Facts, { requestId }: UsageRecord): FindingKind[] {
  return judge(facts)
    .filter(({ id }) => id.includes(requestId))
    .map(({ kind }) => kind);
}
