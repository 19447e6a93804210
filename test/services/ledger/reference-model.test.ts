// 10,000 random histories of grants that expire, leases of two keys under two caps, settlements, repetitions, returns, debts, and at the end
// the death of the gateway: PostgreSQL's functions and a naive model of the rules (reference-ledger.ts) must agree on every outcome
// and every nano.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Client, type QueryResult } from 'pg';
import { newId } from '../../../services/platform/ids.ts';
import { SOME_ID } from '../../support/bare-gateway.ts';
import { startThrowawayPostgres, type ThrowawayPostgres } from '../../support/throwaway-postgres.ts';
import { apiKeyOf, type Event, type History, history, playable, type Settlement } from './histories.ts';
import { ReferenceLedger } from './reference-ledger.ts';

const HISTORIES = 10_000;
const MOST_LEASES = 100;

let postgres: ThrowawayPostgres;
let admin: Client;
let ids = 0;

/** Ids in the order of their making: everything of a history happens in one moment of the database's clock. */
function nextId(): string {
  ids += 1;
  return `00000000-0000-7000-8000-${ids.toString(16).padStart(12, '0')}`;
}

/** The clock of billing can be put forward within a history, and a lease that may not grow is told instead of thrown. */
const FIXTURES = `
  create or replace function billing_now() returns timestamptz language sql stable as
    $$ select now() + make_interval(hours => coalesce(nullif(current_setting('test.hours', true), ''), '0')::integer) $$;
  create function try_take(uuid, uuid, uuid, bigint, bigint, bigint) returns table (outcome text, amount_nano bigint) language plpgsql as $$
  begin
    return query select t.outcome, t.amount_nano from take_credit($1, $2, $3, $4, $5, $6) t;
  exception when sqlstate 'TG002' then
    return query select 'cannot_grow', 0::bigint;
  end $$`;

beforeAll(async () => {
  postgres = await startThrowawayPostgres();
  admin = new Client({ connectionString: (await postgres.createDatabase()).url });
  await admin.connect();
  await admin.query('set synchronous_commit = off'); // nothing is killed here, and 10,000 commits need not wait for the disk
  await admin.query(FIXTURES);
});
afterAll(async () => {
  await admin.end();
  await postgres.stop();
});

test('PostgreSQL and the naive model agree on 10,000 random histories to the nano', async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ caps, steps }) => {
      const events = playable(steps);
      const [told, expected] = [await playOnPostgres(caps, events), playOnModel(caps, events)];
      // Jest's comparison takes longer than PostgreSQL's work; it is asked only for what it will show.
      if (JSON.stringify(told) !== JSON.stringify(expected)) expect(told).toEqual(expected);
    }),
    { numRuns: HISTORIES },
  );
}, 600_000);

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
  readonly committed: string[];
  readonly conflicts: string;
}

function playOnModel([ofKey, ofProject]: History['caps'], events: readonly Event[]): Books {
  const reference = new ReferenceLedger([
    { apiKeys: [0, 1], amount: ofProject, committed: 0n },
    { apiKeys: [0], amount: ofKey, committed: 0n },
  ]);
  const takes: string[] = [];
  const settle = ({ request, lease, rated }: Settlement) => reference.settle(request, lease, apiKeyOf(lease), rated);
  for (const one of events) {
    if (one.kind === 'grant') reference.grant(one.priority, one.amount, one.expiresIn, one.isIncluded);
    else if (one.kind === 'hourPasses') reference.now += 1;
    else if (one.kind === 'stage') reference.putUnder(one.stage);
    else if (one.kind === 'settle') settle(one);
    else if (one.kind === 'giveBack') reference.giveBack(one.lease, apiKeyOf(one.lease), one.amount, one.close);
    else if (one.kind === 'take') {
      takes.push(reference.take(one.lease, apiKeyOf(one.lease), one.waiting, one.target, one.least));
    } else {
      for (const settlement of [...one.spilled, ...one.journal]) settle(settlement);
      for (const id of [...reference.leases.keys()].sort((a, b) => a - b))
        reference.giveBack(id, apiKeyOf(id), 0n, true);
    }
  }
  const settled = [...reference.settled.entries()].sort(([a], [b]) => a - b);
  return {
    takes,
    grants: reference.grants.map(({ available }) => String(available)),
    leases: [...reference.leases.entries()]
      .sort(([a], [b]) => a - b)
      .map(([id, { amount, consumed, open }]) => `${id} ${amount} ${consumed} ${open}`),
    charges: settled.map(([, { charge }]) => String(charge)),
    losses: reference.losses.map(String).sort(),
    overdraft: String(reference.overdraft),
    committed: reference.caps.map(({ committed }) => String(committed)),
    conflicts: String(reference.conflicts),
  };
}

/** The names that a history has in the database. */
interface Scene {
  readonly org: string;
  readonly project: string;
  readonly apiKeys: readonly [string, string];
  readonly gateway: string;
  leaseId(lease: number): string;
  requestId(request: number): string;
  hours: number;
}

/** Lease ids are in the order of the leases' numbers: those of a dead gateway come back in that order, and the first pays a debt. */
function newScene(leaseIds: Map<number, string>): Scene {
  const requestIds: string[] = [];
  const ordered = Array.from({ length: MOST_LEASES }, nextId);
  return {
    ...{ org: newId(), project: newId(), apiKeys: [newId(), newId()], gateway: newId(), hours: 0 },
    leaseId(lease) {
      const id = ordered[lease] ?? '';
      leaseIds.set(lease, id);
      return id;
    },
    requestId(request) {
      while (requestIds.length <= request) requestIds.push(nextId());
      return requestIds[request] ?? '';
    },
  };
}

async function playOnPostgres([ofKey, ofProject]: History['caps'], events: readonly Event[]): Promise<Books> {
  const leaseIds = new Map<number, string>();
  const scene = newScene(leaseIds);
  const { org, project, apiKeys, gateway } = scene;
  const statements = events.flatMap((one) => statementsOf(one, scene));
  const capOf = (scope: string, id: string, amount: bigint) =>
    `insert into caps (org_id, scope, scope_id, period, amount_nano) values ('${org}', '${scope}', '${id}', 'total', ${amount})`;
  // pg's types know one answer; to several statements it gives a list.
  const answer = await admin.query(
    [
      `select set_config('test.hours', '0', true)`,
      `insert into gateway_incarnations (id, host, pid, process_started, journal_path) values ('${gateway}', 'test', 1, '1', '/')`,
      `insert into organizations (id, name) values ('${org}', 'o')`,
      `insert into projects (id, org_id, name) values ('${project}', '${org}', 'p')`,
      ...apiKeys.map(
        (id) =>
          `insert into api_keys (id, org_id, project_id, name, digest, prefix, last_four) values ('${id}', '${org}', '${project}', 'k', sha256('${id}'), 's', 'x')`,
      ),
      capOf('project', project, ofProject),
      capOf('api_key', apiKeys[0], ofKey),
      ...statements,
      `select available_nano from grant_balances b join credit_grants g on g.id = b.grant_id where b.org_id = '${org}' order by g.id`,
      `select id, amount_nano, consumed_nano, closed_at is null as open from leases where org_id = '${org}'`,
      `select charge_nano from usage_records where org_id = '${org}' order by request_id`,
      `select l.amount_nano from ops_losses l join usage_records u using (request_id) where u.org_id = '${org}'`,
      `select overdraft_nano from organizations where id = '${org}'`,
      `select cap_committed(c, '-infinity') as committed from caps c where c.org_id = '${org}' order by scope desc`,
      `select count(*) as conflicts from settlement_conflicts join usage_records u using (request_id) where u.org_id = '${org}'`,
    ].join(';\n'),
  );
  return booksOf([answer].flat(), leaseIds);
}

function booksOf(results: QueryResult[], leaseIds: ReadonlyMap<number, string>): Books {
  const column = (fromEnd: number, name: string) => (results.at(-fromEnd)?.rows ?? []).map((row) => String(row[name]));
  const numberOf = new Map([...leaseIds].map(([number, id]) => [id, number]));
  const leases = (results.at(-6)?.rows ?? [])
    .map((row) => ({ number: numberOf.get(row.id) ?? -1, text: `${row.amount_nano} ${row.consumed_nano} ${row.open}` }))
    .sort((a, b) => a.number - b.number)
    .map(({ number, text }) => `${number} ${text}`);
  const takes = results
    .flatMap(({ rows }) => rows)
    .filter((row) => row.outcome !== undefined)
    .map((row) => (row.outcome === 'leased' ? `leased ${row.amount_nano}` : row.outcome));
  return {
    takes,
    grants: column(7, 'available_nano'),
    leases,
    charges: column(5, 'charge_nano'),
    losses: column(4, 'amount_nano').sort(),
    overdraft: column(3, 'overdraft_nano')[0] ?? '',
    committed: column(2, 'committed'),
    conflicts: column(1, 'conflicts')[0] ?? '',
  };
}

function statementsOf(one: Event, scene: Scene): string[] {
  const { org, apiKeys, gateway } = scene;
  const apiKey = (lease: number) => apiKeys[apiKeyOf(lease)];
  switch (one.kind) {
    case 'grant': {
      const expires = one.expiresIn === null ? 'null' : `billing_now() + interval '${one.expiresIn} hours'`;
      const source = one.isIncluded ? 'included' : 'manual';
      return [
        `select issue_grant('${nextId()}', '${org}', '${source}', ${one.priority}::smallint, ${one.amount}, 0, ${expires}, null, 't')`,
      ];
    }
    case 'hourPasses':
      scene.hours += 1;
      return [`select set_config('test.hours', '${scene.hours}', true)`];
    case 'stage':
      return [
        `update organizations set overdue_stage = '${one.stage}', enforcement_seq = enforcement_seq + 1 where id = '${org}' and overdue_stage <> '${one.stage}'`,
      ];
    case 'take':
      return [
        `select outcome, amount_nano from try_take('${gateway}', '${scene.leaseId(one.lease)}', '${apiKey(one.lease)}', ${one.waiting}, ${one.target}, ${one.least})`,
      ];
    case 'giveBack':
      return [
        `select give_back('${gateway}', '${scene.leaseId(one.lease)}', '${apiKey(one.lease)}', ${one.amount}, ${one.close})`,
      ];
    case 'settle':
      return [settleBatch([one], scene, false)];
    case 'gatewayDies':
      return [
        `update gateway_incarnations set fenced_at = now() where id = '${gateway}'`,
        ...one.spilled.map((settlement) => settleBatch([settlement], scene, true)),
        settleBatch(one.journal, scene, true),
        `select close_incarnation('${gateway}', 'test', true)`,
      ];
  }
}

function settleBatch(settlements: readonly Settlement[], scene: Scene, isReplay: boolean): string {
  const records = settlements.map(({ request, lease, rated }) => ({
    request_id: scene.requestId(request),
    org_id: scene.org,
    project_id: scene.project,
    api_key_id: scene.apiKeys[apiKeyOf(lease)],
    lease_id: scene.leaseId(lease),
    ...{
      model_id: 'm',
      dialect: 'd',
      streamed: false,
      price_version_id: SOME_ID,
      meters: {},
      usage_source: 'provider',
    },
    ...{ delivered_bytes: 0, rated_nano: String(rated), outcome: 'complete', winner: 1, admitted_ms: Date.now() },
  }));
  const batch = JSON.stringify(records);
  return `select settle_beyond('${scene.gateway}', ${isReplay}, json_build_array(r.value), '[]')
            from settle_batch('${scene.gateway}', ${isReplay}, '${batch}', '[]') s
            join json_array_elements('${batch}') with ordinality r(value, at) on (r.value ->> 'request_id')::uuid = s.settled_request_id
           where s.result = 'beyond' order by r.at`;
}
