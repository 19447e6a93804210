// What an installation has behind it: usage records by the million with all that belongs to them, written past the gateways, since what is measured here
// is what becomes of them later. Every invariant of the ledger holds on it, as the restore that follows proves: records are settled ten at a
// time by a gateway that has left since, out of leases that were spent to the end (D159).
import type { Client } from 'pg';

/** As a gateway under some load settles at once. */
const RECORDS_OF_A_SETTLEMENT = 10;
const LEASES_OF_A_SETTLEMENT = 4;
const RECORDS_OF_A_LEASE = 500;
const DAYS = 90;

export const HISTORY_NAME = 'History';

export interface History {
  readonly usageRecords: number;
  readonly attempts: number;
  readonly ledgerTransactions: number;
  readonly ledgerEntries: number;
  readonly databaseMb: number;
}

/** Of the organizations whose names begin so, which nobody uses meanwhile. By a superuser: triggers have nothing to announce. */
export async function writeHistory(db: Client, records: number, say: (text: string) => void): Promise<History> {
  await db.query(`set session_replication_role = replica; set synchronous_commit = off; set work_mem = '64MB'`);
  await db.query(
    `create temporary table history_leases (nth bigint, id uuid, incarnation_id uuid, api_key_id uuid, org_id uuid, project_id uuid, grant_id uuid,
                                            transaction_id bigint, leases_until bigint, leases bigint)`,
  );
  await db.query(LEASES, [Math.ceil(records / RECORDS_OF_A_LEASE), `${HISTORY_NAME} %`]);
  await db.query('analyze history_leases');
  await db.query(USAGE_RECORDS, [records]);
  await db.query(ATTEMPTS, [records]);
  say('usage records and attempts are written');
  for (const statement of LEDGER) await db.query(statement);
  say('their ledger is written');
  await db.query('reset session_replication_role');
  await db.query('vacuum analyze');
  await db.query('checkpoint');
  const { rows } = await db.query<History>(
    `select (select count(*) from usage_records)::int as "usageRecords", (select count(*) from attempts)::int as attempts,
            (select count(*) from ledger_transactions)::int as "ledgerTransactions", (select count(*) from ledger_entries)::int as "ledgerEntries",
            (pg_database_size(current_database()) / 1048576)::int as "databaseMb"`,
  );
  if (rows[0] === undefined) throw new Error('there is no history');
  return rows[0];
}

/** Transactions are numbered leases first, and settlements after all of them. */
const LEASES = `
  with keys as (
    select row_number() over (order by k.id) - 1 as nth, count(*) over () as keys, k.id as api_key_id, k.org_id, k.project_id, g.id as grant_id
      from api_keys k join organizations o on o.id = k.org_id join credit_grants g on g.org_id = o.id where o.name like $2
  ), gateway as (
    insert into gateway_incarnations (id, host, pid, process_started, journal_path, started_at, renewed_at, fenced_at, fenced_reason, closed_at, journal_known_at)
    values (gen_random_uuid(), 'history', 1, '', '', now() - interval '91 days', now(), now(), 'process died', now(), now()) returning id
  )
  insert into history_leases
  select n - 1, gen_random_uuid(), g.id, k.api_key_id, k.org_id, k.project_id, k.grant_id, s.last_value + n, s.last_value + $1::bigint, $1::bigint
    from generate_series(1, $1::bigint) n join keys k on k.nth = (n - 1) % k.keys, gateway g, ledger_transactions_id_seq s`;

/** In the order of time, as ids of the gateways are, and not to be squeezed further than those. */
const REQUEST = `
  cross join lateral (select lpad(to_hex((extract(epoch from now()) * 1000)::bigint - ${DAYS * 86_400_000}::bigint * ($1::bigint - n) / $1::bigint), 12, '0') as ms,
                             md5(n::text) as rest) h
  cross join lateral (select (substr(h.ms, 1, 8) || '-' || substr(h.ms, 9) || '-7' || lpad(to_hex(n % 4096), 3, '0') || '-8' || substr(h.rest, 1, 3) || '-'
                              || substr(h.rest, 4, 12))::uuid as id,
                             now() - interval '${DAYS} days' * ($1::bigint - n) / $1::float8 as at) r
  join history_leases l on l.nth = (((n - 1) / ${RECORDS_OF_A_SETTLEMENT}) * ${LEASES_OF_A_SETTLEMENT} + n % ${LEASES_OF_A_SETTLEMENT}) % l.leases
  cross join (select v.id, v.price -> 'tiers' -> 0 -> 'microUsdPerMillion' as unit, m.id as model_id
                from price_versions v join models m on m.id = v.model_id where v.side = 'selling' order by v.effective_at limit 1) p`;

const USAGE_RECORDS = `
  insert into usage_records (request_id, org_id, project_id, api_key_id, incarnation_id, lease_id, model_id, dialect, streamed, price_version_id, meters,
                             usage_source, delivered_bytes, rated_nano, due_nano, charge_nano, outcome, winner, transaction_id, admitted_at, settled_at)
  select r.id, l.org_id, l.project_id, l.api_key_id, l.incarnation_id, l.id, p.model_id, 'openai-chat', n % 2 = 0, p.id,
         jsonb_build_object('input', u.input, 'output', u.output), 'provider', u.output * 4, c.nano, c.nano, c.nano, 'complete', 1,
         l.leases_until + (n - 1) / ${RECORDS_OF_A_SETTLEMENT} + 1, r.at, r.at + interval '2 seconds'
    from generate_series(1, $1::bigint) n ${REQUEST}
   cross join lateral (select 50 + n * 7919 % 3000 as input, 10 + n * 104729 % 700 as output) u
   cross join lateral (select ceil((u.input * (p.unit ->> 'input')::numeric + u.output * (p.unit ->> 'output')::numeric) / 1000)::bigint as nano) c`;

const COST_NANO = 1_000_000;

const ATTEMPTS = `
  insert into attempts (request_id, n, incarnation_id, org_id, channel_id, channel_key_id, model_id, upstream_model, outcome, status, sent_at,
                        first_byte_ms, duration_ms, cost_nano, reconciled_at)
  select r.id, 1, l.incarnation_id, l.org_id, k.channel_id, k.id, p.model_id, 'demo-chat', 'won', 200, r.at, 100 + n % 400, 500 + n % 1500, ${COST_NANO}, r.at
    from generate_series(1, $1::bigint) n ${REQUEST}
   cross join (select id, channel_id from channel_keys order by id limit 1) k`;

const LEDGER = [
  `create temporary table history_spent as
   select u.transaction_id, u.lease_id, sum(u.charge_nano)::bigint as nano, count(*) as records
     from usage_records u join history_leases l on l.id = u.lease_id group by 1, 2`,
  'analyze history_spent',
  `insert into leases (id, incarnation_id, org_id, project_id, api_key_id, amount_nano, consumed_nano, opened_at, closed_at, closed_reason)
   select l.id, l.incarnation_id, l.org_id, l.project_id, l.api_key_id, s.nano, s.nano, now(), now(), 'spent'
     from history_leases l join (select lease_id, sum(nano)::bigint as nano from history_spent group by 1) s on s.lease_id = l.id`,
  `insert into lease_slices select l.id, 1, l.grant_id, s.amount_nano from history_leases l join leases s on s.id = l.id`,
  `insert into ledger_transactions (id, kind, idempotency_key, source_kind, source_id, actor) overriding system value
   select l.transaction_id, 'lease', 'lease:' || l.id || ':1', 'lease', l.id::text, 'gateway:' || l.incarnation_id
     from history_leases l join leases s on s.id = l.id`,
  `insert into ledger_entries (transaction_id, line, account, org_id, grant_id, amount_nano, balance_after_nano)
   select l.transaction_id, 1, 'credit', l.org_id, l.grant_id, s.amount_nano,
          b.available_nano - sum(s.amount_nano) over (partition by l.grant_id order by l.transaction_id)
     from history_leases l join leases s on s.id = l.id join grant_balances b on b.grant_id = l.grant_id`,
  `insert into ledger_entries (transaction_id, line, account, org_id, lease_id, amount_nano, balance_after_nano)
   select l.transaction_id, 2, 'held', l.org_id, l.id, -s.amount_nano, s.amount_nano from history_leases l join leases s on s.id = l.id`,
  `update grant_balances b set available_nano = b.available_nano - s.nano
     from (select l.grant_id, sum(s.amount_nano) as nano from history_leases l join leases s on s.id = l.id group by 1) s where s.grant_id = b.grant_id`,
  `insert into ledger_transactions (id, kind, idempotency_key, source_kind, source_id, actor) overriding system value
   select distinct transaction_id, 'settlement', 'settlement:' || transaction_id, 'incarnation', (select incarnation_id from history_leases limit 1)::text, 'gateway'
     from history_spent`,
  `insert into ledger_entries (transaction_id, line, account, org_id, lease_id, amount_nano, balance_after_nano)
   select s.transaction_id, row_number() over (partition by s.transaction_id order by s.lease_id), 'held', l.org_id, l.id, s.nano,
          l.amount_nano - sum(s.nano) over (partition by s.lease_id order by s.transaction_id)
     from history_spent s join leases l on l.id = s.lease_id`,
  `insert into ledger_entries (transaction_id, line, account, channel_id, amount_nano)
   select s.transaction_id, e.line, e.account, e.channel_id, e.amount
     from (select transaction_id, sum(nano) as nano, sum(records) * ${COST_NANO} as cost from history_spent group by 1) s
    cross join (select channel_id from channel_keys order by id limit 1) k
    cross join lateral (values (101, 'revenue_usage', null, -s.nano), (102, 'upstream_cost', k.channel_id, s.cost),
                               (103, 'upstream_payable', k.channel_id, -s.cost)) e(line, account, channel_id, amount)`,
  `select setval('ledger_transactions_id_seq', (select max(id) from ledger_transactions))`,
];
