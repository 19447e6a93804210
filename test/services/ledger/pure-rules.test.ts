// The burn order and the periods of caps are written twice: in domain/, where people read them, and in migrations/0003, which moves
// the money. Here PostgreSQL and the pure rules answer the same questions.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Client } from 'pg';
import { cutSlices, type GrantView, inBurnOrder } from '../../../domain/burn-order.ts';
import { nano } from '../../../domain/nano.ts';
import type { Stage } from '../../../domain/overdue-policy.ts';
import { type CapPeriod, nextPeriodStart, periodStart } from '../../../domain/periods.ts';
import { newId } from '../../../services/platform/ids.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';

let postgres: ThrowawayPostgres;
let admin: Client;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  admin = new Client({ connectionString: (await postgres.createDatabase()).url });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await postgres.stop();
});

const SECOND_MS = 1_000;
/** Around now, so that some grants have not begun, some are over, and some begin or end at this very instant. */
const instant = fc.constantFrom(-3, -2, -1, 0, 1, 2, 3).map((seconds) => seconds * SECOND_MS);
const grantFacts = fc.record({
  source: fc.constantFrom('manual', 'pack', 'included', 'credit_line'),
  priority: fc.constantFrom(10, 20, 30),
  effectiveAt: instant,
  expiresAt: fc.option(instant),
  grantedAt: instant,
  available: fc.constantFrom(0, 1, 400, 1_000),
});
type GrantFacts = typeof grantFacts extends fc.Arbitrary<infer F> ? F : never;
const grantLists = fc.array(
  grantFacts.filter(({ effectiveAt, expiresAt }) => expiresAt === null || expiresAt > effectiveAt),
  { maxLength: 8 },
);

const stages = fc.constantFrom<Stage>('none', 'limited', 'stopped');

test('PostgreSQL burns the grants that the pure rule burns, in its order and to the same nano', async () => {
  await fc.assert(
    fc.asyncProperty(grantLists, stages, fc.integer({ min: 1, max: 4_000 }), async (facts, stage, amount) => {
      await admin.query('begin'); // in one transaction billing_now() stands still
      try {
        const orgId = newId();
        await admin.query(`insert into organizations (id, name, overdue_stage) values ($1, 'o', $2)`, [orgId, stage]);
        const nowMs = await billingNowMs();
        const grants = facts.map((one) => grantOf(one, nowMs));
        for (const grant of grants) await insertGrant(orgId, grant);

        const { rows } = await admin.query<{ grant_id: string; available_nano: string }>(
          'select grant_id, available_nano from burnable_grants($1)',
          [orgId],
        );

        const burnable = inBurnOrder(grants).filter((grant) => cutSlices([grant], nano(1), nowMs, stage).length === 1);
        expect(rows.map(({ grant_id }) => grant_id)).toEqual(burnable.map(({ id }) => id));
        expect(await burnt(orgId, amount)).toEqual(
          cutSlices(grants, nano(amount), nowMs, stage).map(({ grantId, amountNano }) => `${grantId} ${amountNano}`),
        );
      } finally {
        await admin.query('rollback');
      }
    }),
    { numRuns: 300 },
  );
});

/** What PostgreSQL takes from each grant for a record of this much that has no lease, in its own order. */
async function burnt(orgId: string, amount: number): Promise<string[]> {
  const record = {
    ...{ request_id: newId(), org_id: orgId, project_id: orgId, api_key_id: orgId, lease_id: newId(), model_id: 'm' },
    ...{ dialect: 'd', streamed: false, price_version_id: orgId, meters: {}, usage_source: 'provider' },
    ...{ delivered_bytes: 0, rated_nano: String(amount), outcome: 'complete', winner: 1, admitted_ms: Date.now() },
  };
  await admin.query('select settle_beyond_lease($1, $2)', [newId(), JSON.stringify(record)]);
  const { rows } = await admin.query<{ slice: string }>(
    `select grant_id || ' ' || amount_nano as slice from ledger_entries
      where org_id = $1 and account = 'credit' order by line`,
    [orgId],
  );
  return rows.map(({ slice }) => slice);
}

async function billingNowMs(): Promise<number> {
  const { rows } = await admin.query<{ ms: string }>(
    `select (extract(epoch from billing_now()) * 1000)::bigint as ms, set_config('timezone', 'UTC', true)`,
  );
  return Number(rows[0]?.ms);
}

function grantOf(facts: GrantFacts, nowMs: number): GrantView {
  const { source, priority, effectiveAt, expiresAt, grantedAt, available } = facts;
  return {
    ...{ id: newId(), source, priority, availableNano: nano(available) },
    effectiveAtMs: nowMs + effectiveAt,
    expiresAtMs: expiresAt === null ? null : nowMs + expiresAt,
    grantedAtMs: nowMs + grantedAt,
  };
}

/** Instants are given as distances from billing_now(), which is finer than a millisecond. */
async function insertGrant(orgId: string, grant: GrantView): Promise<void> {
  await admin.query(
    `insert into credit_grants (id, org_id, source, priority, amount_nano, effective_at, expires_at, created_at, created_by)
     values ($1, $2, $7, $3, 1000, ${AT('$4')}, ${AT('$5')}, ${AT('$6')}, 'test')`,
    [grant.id, orgId, grant.priority, grant.effectiveAtMs, grant.expiresAtMs, grant.grantedAtMs, grant.source],
  );
  await admin.query('insert into grant_balances values ($1, $2, $3)', [grant.id, orgId, grant.availableNano]);
}

const AT = (parameter: string) =>
  `billing_now() + (${parameter}::bigint - (extract(epoch from billing_now()) * 1000)::bigint) * interval '1 millisecond'`;

test('in UTC, where the pure rule lives, PostgreSQL begins and ends every period at the same instant', async () => {
  const periods = fc.constantFrom<CapPeriod>('total', 'day', 'week', 'month');
  const instants = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2060, 0, 1) });
  await fc.assert(
    fc.asyncProperty(periods, instants, async (period, atMs) => {
      const { rows } = await admin.query<{ start: number | null; next: number | null }>(
        `select nullif(extract(epoch from period_start($1, 'UTC', at)) * 1000, '-infinity')::float8 as start,
                (extract(epoch from period_end($1, 'UTC', at)) * 1000)::float8 as next
           from (select to_timestamp($2::bigint / 1000.0) as at) instants`,
        [period, atMs],
      );
      expect(rows).toEqual([{ start: periodStart(period, atMs), next: nextPeriodStart(period, atMs) }]);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['America/New_York', 'day', '2027-11-07T04:00:00.000Z', 25],
  ['America/New_York', 'day', '2027-03-14T05:00:00.000Z', 23],
  ['Asia/Shanghai', 'month', '2027-02-28T16:00:00.000Z', 31 * 24],
  ['Asia/Kathmandu', 'week', '2027-03-07T18:15:00.000Z', 7 * 24],
])(
  'where the organization lives, %s, the %s that begins at %s has %i hours (T76)',
  async (zone, period, start, hours) => {
    const { rows } = await admin.query<{ start: Date; next: Date; last: Date }>(
      `select period_start($1, $2, $3::timestamptz) as start, period_end($1, $2, $3::timestamptz) as next,
            period_start($1, $2, period_end($1, $2, $3::timestamptz) - interval '1 microsecond') as last`,
      [period, zone, start],
    );
    const begins = new Date(start);
    const ends = new Date(begins.getTime() + hours * 3_600_000);
    expect(rows).toEqual([{ start: begins, next: ends, last: begins }]);
  },
);
