// What the provider says it served, attempt by attempt. The gateway never guesses a cost that it did not see: attempts that were
// orphaned, failed over or cut learn it here, and what no usage record carries becomes our loss (ops_losses).
// Its last word counts (D14).
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Usage } from '../../domain/meters.ts';
import { sum } from '../../domain/nano.ts';
import { charge, type Price } from '../../domain/prices.ts';
import { type Channel, loadRoutingTable } from '../channels/routing-table.ts';
import type { Egress } from '../egress/egress.ts';
import { inTransaction, jsonbText } from '../platform/postgres.ts';
import type { Vault } from '../vault/vault.ts';
import { type ExportRow, fetchPage, PAGE } from './export-page.ts';

/** Exported long ago and nobody sent it: somebody else used our key, or a journal was lost. */
const UNCLAIMED_AFTER = '30 minutes';
/** An attempt that the provider never saw cost nothing; its export must be complete for this long past the sending. */
const NEVER_ARRIVED_AFTER = '10 seconds';
const BATCH = 500;
/** In one line of the log. */
const MOST_NAMED = 20;

/** The channels in use whose provider tells what it served. */
export async function exportingChannels(db: Pool, vault: Vault): Promise<Channel[]> {
  const { models } = await loadRoutingTable(db, vault, performance.now());
  const channels = new Map<string, Channel>();
  for (const { routes } of models.values()) for (const { channel } of routes) channels.set(channel.id, channel);
  return [...channels.values()].filter(({ usageExport }) => usageExport !== null);
}

/** Reads on where the last import stopped, then reconciles all that can be matched. Idempotent. */
export async function importUsageExports(
  db: Pool,
  egress: Egress,
  channels: readonly Channel[],
  log: Logger,
): Promise<void> {
  for (const channel of channels) {
    try {
      while ((await importPage(db, egress, channel, log)) === PAGE);
      await reconcile(db, channel.id);
      await settleNeverArrived(db, channel.id);
      await postUnclaimed(db, log, channel.id);
    } catch (error) {
      log.warn({ channelId: channel.id, err: error }, 'usage_export_failed'); // the next round reads on from the same cursor
    }
  }
}

async function importPage(db: Pool, egress: Egress, channel: Channel, log: Logger): Promise<number> {
  // Our clock is read before the provider is asked: what it holds then, it held at that moment, whatever its own clock says.
  const { rows: starts } = await db.query<{ cursor: string | null; asked_at: string }>(
    `select (select cursor from usage_export_cursors where channel_id = $1) as cursor, clock_timestamp()::text as asked_at`,
    [channel.id],
  );
  const page = await fetchPage(egress, channel, starts[0]?.cursor ?? '');
  report(log, channel.id, page.rows);
  await inTransaction(db, async (tx) => {
    await tx.query(
      `insert into usage_export_rows (channel_id, request_id, n, upstream_model, meters, ended_at)
       select $1::uuid, e.request_id, e.n, e.model, e.usage, to_timestamp(e.ended_ms / 1000.0)
         from (select coalesce(r.request_id, md5($1::uuid || r.attempt_id)::uuid) as request_id, r.n, r.model, r.usage, r.ended_ms
                 from json_to_recordset($2)
                   as r(attempt_id text, request_id uuid, n smallint, model text, usage jsonb, ended_ms bigint)) e
        where not exists (select from attempts a where a.request_id = e.request_id and a.n = e.n and (a.reconciled_at is not null or a.channel_id <> $1))
       on conflict do nothing`,
      [channel.id, jsonbText(page.rows.map(columnsOf))],
    );
    await tx.query(
      `insert into usage_export_cursors
       values ($1, $2, case when $3 then 'epoch' else $4::timestamptz - make_interval(secs => $5 / 1000.0) end, clock_timestamp())
       on conflict (channel_id) do update set cursor = excluded.cursor, complete_until = excluded.complete_until, read_at = excluded.read_at`,
      [channel.id, page.cursor, page.rows.length === PAGE, starts[0]?.asked_at, page.incompleteForMs],
    );
  });
  return page.rows.length;
}

function columnsOf({ attemptId, ours, model, usage, endedAtMs }: ExportRow): object {
  const id = { request_id: ours?.requestId ?? null, n: ours?.n ?? 0 };
  return { attempt_id: attemptId, ...id, model, usage, ended_ms: endedAtMs };
}

/** Everything that we send has an id of ours, test calls too: behind another one somebody else uses our key. */
function report(log: Logger, channelId: string, rows: readonly ExportRow[]): void {
  const idsOf = (some: readonly ExportRow[]) => some.slice(0, MOST_NAMED).map(({ attemptId }) => attemptId);
  const foreign = rows.filter(({ ours }) => ours === null);
  if (foreign.length > 0) log.error({ channelId, attempts: idsOf(foreign) }, 'usage_unclaimed');
  const absurd = rows.filter(({ usage }) => usage === null);
  if (absurd.length > 0) log.error({ channelId, attempts: idsOf(absurd) }, 'usage_implausible');
}

interface Matched {
  request_id: string;
  n: number;
  meters: Usage;
  price: Price;
  usage_source: string | null;
}

/** Rows that say nothing, and attempts whose cost price nobody knows, wait: their cost is unknown, not 0. */
async function reconcile(db: Pool, channelId: string): Promise<void> {
  for (;;) {
    const { rows } = await db.query<Matched>(
      `select r.request_id, r.n, r.meters, p.price, u.usage_source
         from usage_export_rows r
         join attempts a on a.request_id = r.request_id and a.n = r.n
         join price_versions p on p.id = a.cost_version_id
         left join usage_records u on u.request_id = r.request_id and u.winner = r.n
        where r.channel_id = $1 and r.meters is not null limit ${BATCH}`,
      [channelId],
    );
    if (rows.length === 0) return;
    const metered = rows.map(({ request_id, n, meters, price, usage_source }) => ({
      request_id,
      n,
      metered: String(charge(price, meters)),
      reason: usage_source === 'estimate' ? 'estimate_rest' : usage_source === 'none' ? 'quarantined' : null,
    }));
    await inTransaction(db, async (tx) => {
      await tx.query(
        `select reconcile_attempt(m.request_id, m.n, m.metered, m.reason)
           from json_to_recordset($1) as m(request_id uuid, n smallint, metered bigint, reason text)`,
        [JSON.stringify(metered)],
      );
      await tx.query(
        `delete from usage_export_rows r using json_to_recordset($1) as m(request_id uuid, n smallint)
          where r.request_id = m.request_id and r.n = m.n`,
        [JSON.stringify(metered)],
      );
    });
  }
}

async function settleNeverArrived(db: Pool, channelId: string): Promise<void> {
  await db.query(
    `select attempts_never_arrived(channel_id, complete_until - interval '${NEVER_ARRIVED_AFTER}')
       from usage_export_cursors where channel_id = $1`,
    [channelId],
  );
}

/** What the provider bills and nobody sent, at the channel's cost price of that time. Its row stays: its attempt may turn up. */
async function postUnclaimed(db: Pool, log: Logger, channelId: string): Promise<void> {
  const { rows } = await db.query<Omit<Matched, 'usage_source'>>(
    `select r.request_id, r.n, r.meters, p.price
       from usage_export_rows r
      cross join lateral (
        select v.price from channel_models m
          join price_versions v on v.model_id = m.model_id and v.side = 'cost' and coalesce(v.channel_id, r.channel_id) = r.channel_id
         where m.channel_id = r.channel_id and m.upstream_model = r.upstream_model and v.effective_at <= r.ended_at
         order by v.channel_id is null, v.effective_at desc limit 1) p
      where r.channel_id = $1 and r.meters is not null and r.seen_at < clock_timestamp() - interval '${UNCLAIMED_AFTER}'
        and not exists (select from attempts a where a.request_id = r.request_id and a.n = r.n)
        and not exists (select from ops_losses l where l.request_id = r.request_id and l.n = r.n and l.reason = 'unclaimed')`,
    [channelId],
  );
  const unclaimed = rows
    .map(({ request_id, n, meters, price }) => ({ request_id, n, metered: charge(price, meters) }))
    .filter(({ metered }) => metered > 0n);
  if (unclaimed.length === 0) return;
  await db.query(
    `select post_unclaimed(m.request_id, m.n, $1, m.metered)
       from json_to_recordset($2) as m(request_id uuid, n smallint, metered bigint)`,
    [channelId, JSON.stringify(unclaimed.map((one) => ({ ...one, metered: String(one.metered) })))],
  );
  const attempts = unclaimed.slice(0, MOST_NAMED).map(({ request_id, n }) => `${request_id}.${n}`);
  const lossNano = String(sum(unclaimed.map(({ metered }) => metered)));
  log.error({ channelId, attempts, lossNano }, 'usage_unclaimed');
}
