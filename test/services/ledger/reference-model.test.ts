// 10,000 random histories of grants, leases, settlements and returns: PostgreSQL's functions and a naive model of the rules
// (reference-ledger.ts) must agree on every outcome and every nano.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Client, type QueryResult } from 'pg';
import { newId } from '../../../services/platform/ids.ts';
import { SOME_ID } from '../../support/bare-gateway.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { ReferenceLedger } from './reference-ledger.ts';

const HISTORIES = 10_000;

type Step =
  | { readonly kind: 'grant'; readonly priority: number; readonly amount: bigint }
  | {
      readonly kind: 'take';
      readonly lease: number;
      readonly waiting: bigint;
      readonly target: bigint;
      readonly least: bigint;
    }
  | { readonly kind: 'settle'; readonly lease: number; readonly rated: bigint }
  | { readonly kind: 'giveBack'; readonly lease: number; readonly amount: bigint; readonly close: boolean };

const money = (most: bigint) => fc.bigInt({ min: 1n, max: most });
const lease = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('grant' as const), priority: fc.constantFrom(10, 20), amount: money(300_000_000n) }),
  {
    weight: 3,
    arbitrary: fc
      .record({ lease, least: money(60_000_000n), more: money(90_000_000n), target: money(900_000_000n) })
      .map(({ lease, least, more, target }): Step => ({ kind: 'take', lease, waiting: least + more, target, least })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      lease,
      rated: fc.bigInt({ min: 0n, max: 120_000_000n }),
    }),
  },
  fc.record({ kind: fc.constant('giveBack' as const), lease, amount: money(50_000_000n), close: fc.boolean() }),
);
const history = fc.record({
  cap: fc.constantFrom(100_000_000n, 400_000_000n, 10_000_000_000n),
  steps: fc.array(step, { minLength: 3, maxLength: 12 }),
});

let postgres: ThrowawayPostgres;
let admin: Client;
const incarnationId = newId();
let ids = 0;

/** Ids in the order of their making: everything of a history happens in one moment of the database's clock. */
function nextId(): string {
  ids += 1;
  return `00000000-0000-7000-8000-${ids.toString(16).padStart(12, '0')}`;
}

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  admin = new Client({ connectionString: (await postgres.createDatabase()).url });
  await admin.connect();
  await admin.query('set synchronous_commit = off'); // nothing is killed here, and 10,000 commits need not wait for the disk
  await admin.query(
    `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ($1, 'test', 1, '1', '/')`,
    [incarnationId],
  );
});
afterAll(async () => {
  await admin.end();
  await postgres.stop();
});

test('PostgreSQL and the naive model agree on 10,000 random histories to the nano', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ cap, steps }) => {
      const reference = new ReferenceLedger(cap);
      const expected = playOnModel(reference, steps);
      const told = await playOnPostgres(cap, steps);
      expect(told).toEqual(expected);
    }),
    { numRuns: HISTORIES },
  );
}, 300_000);

test('after all of them every transaction sums to zero', async () => {
  const { rows } = await admin.query(
    'select transaction_id from ledger_entries group by 1 having sum(amount_nano) <> 0 limit 5',
  );
  expect(rows).toEqual([]);
});

interface Books {
  readonly takes: string[];
  readonly grants: string[];
  readonly leases: string[];
  readonly charges: string[];
  readonly losses: string[];
  readonly overdraft: string;
  readonly committed: string;
}

function playOnModel(reference: ReferenceLedger, steps: readonly Step[]): Books {
  const takes: string[] = [];
  for (const one of playable(steps)) {
    if (one.kind === 'grant') reference.grant(one.priority, one.amount);
    else if (one.kind === 'take') takes.push(reference.take(one.lease, one.waiting, one.target, one.least));
    else if (one.kind === 'settle') reference.settle(one.lease, one.rated);
    else reference.giveBack(one.lease, one.amount, one.close);
  }
  return {
    takes,
    grants: reference.grants.map(({ available }) => String(available)),
    leases: [...reference.leases.entries()]
      .sort(([a], [b]) => a - b)
      .map(([id, { amount, consumed, open }]) => `${id} ${amount} ${consumed} ${open}`),
    charges: reference.charges.map(String),
    losses: reference.losses.map(String),
    overdraft: String(reference.overdraft),
    committed: String(reference.committed),
  };
}

/** A gateway never grows a lease that it has closed: a take after a close opens the next lease of that number. */
function playable(steps: readonly Step[]): Step[] {
  const generation = new Map<number, number>();
  return steps.map((one) => {
    if (one.kind === 'grant') return one;
    const current = (generation.get(one.lease) ?? 0) * 10 + one.lease;
    if (one.kind === 'giveBack' && one.close) generation.set(one.lease, (generation.get(one.lease) ?? 0) + 1);
    return { ...one, lease: current };
  });
}

async function playOnPostgres(cap: bigint, steps: readonly Step[]): Promise<Books> {
  const [org, project, apiKey] = [newId(), newId(), newId()];
  const leaseIds = new Map<number, string>();
  const leaseId = (number: number): string => {
    const id = leaseIds.get(number) ?? newId();
    leaseIds.set(number, id);
    return id;
  };
  const statements = playable(steps).map((one) => statementOf(one, { org, project, apiKey }, leaseId));
  // pg's types know one answer; to several statements it gives a list.
  const answer = await admin.query(
    [
      `insert into organizations (id, name) values ('${org}', 'o')`,
      `insert into projects (id, org_id, name) values ('${project}', '${org}', 'p')`,
      `insert into api_keys (id, org_id, project_id, name, digest, prefix, last_four) values ('${apiKey}', '${org}', '${project}', 'k', sha256('${apiKey}'), 's', 'x')`,
      `insert into caps (org_id, scope, scope_id, period, amount_nano) values ('${org}', 'api_key', '${apiKey}', 'total', ${cap})`,
      ...statements,
      `select available_nano from grant_balances b join credit_grants g on g.id = b.grant_id where b.org_id = '${org}' order by g.id`,
      `select id, amount_nano, consumed_nano, closed_at is null as open from leases where org_id = '${org}'`,
      `select charge_nano from usage_records where org_id = '${org}' order by request_id`,
      `select l.amount_nano from ops_losses l join usage_records u using (request_id) where u.org_id = '${org}' order by request_id`,
      `select overdraft_nano from organizations where id = '${org}'`,
      `select cap_committed(c, '-infinity') as committed from caps c where c.org_id = '${org}'`,
    ].join(';\n'),
  );
  return booksOf([answer].flat(), leaseIds);
}

function booksOf(results: QueryResult[], leaseIds: ReadonlyMap<number, string>): Books {
  const column = (fromEnd: number, name: string) => (results.at(-fromEnd)?.rows ?? []).map((row) => String(row[name]));
  const numberOf = new Map([...leaseIds].map(([number, id]) => [id, number]));
  const leases = (results.at(-5)?.rows ?? [])
    .map((row) => ({ number: numberOf.get(row.id) ?? -1, text: `${row.amount_nano} ${row.consumed_nano} ${row.open}` }))
    .sort((a, b) => a.number - b.number)
    .map(({ number, text }) => `${number} ${text}`);
  const takes = results
    .flatMap(({ rows }) => rows)
    .filter((row) => row.outcome !== undefined)
    .map((row) => (row.outcome === 'leased' ? `leased ${row.amount_nano}` : row.outcome));
  return {
    takes,
    grants: column(6, 'available_nano'),
    leases,
    charges: column(4, 'charge_nano'),
    losses: column(3, 'amount_nano'),
    overdraft: column(2, 'overdraft_nano')[0] ?? '',
    committed: column(1, 'committed')[0] ?? '',
  };
}

function statementOf(
  one: Step,
  { org, project, apiKey }: { org: string; project: string; apiKey: string },
  leaseId: (n: number) => string,
): string {
  switch (one.kind) {
    case 'grant':
      return `select issue_grant('${nextId()}', '${org}', 'manual', ${one.priority}::smallint, ${one.amount}, 0, null, null, 't')`;
    case 'take':
      return `select outcome, amount_nano from take_credit('${incarnationId}', '${leaseId(one.lease)}', '${apiKey}', ${one.waiting}, ${one.target}, ${one.least})`;
    case 'giveBack':
      return `select give_back('${incarnationId}', '${leaseId(one.lease)}', '${apiKey}', ${one.amount}, ${one.close})`;
    case 'settle': {
      const record = {
        request_id: nextId(),
        org_id: org,
        project_id: project,
        api_key_id: apiKey,
        lease_id: leaseId(one.lease),
        model_id: 'm',
        dialect: 'd',
        streamed: false,
        price_version_id: SOME_ID,
        meters: {},
        usage_source: 'provider',
        delivered_bytes: 0,
        rated_nano: String(one.rated),
        outcome: 'complete',
        winner: 1,
        admitted_ms: Date.now(),
      };
      const settlement = `('${incarnationId}', false, '[${JSON.stringify(record)}]', '[]')`;
      return `select settle_beyond${settlement} from settle_batch${settlement} where result = 'beyond'`;
    }
  }
}
