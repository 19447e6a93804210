// What the provider says it served, attempt by attempt. The gateway never guesses a cost that it did not see: attempts that were
// orphaned, failed over or cut learn it here, and what no usage record carries becomes our loss (ops_losses).
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Usage } from '../../domain/meters.ts';
import { charge, type Price } from '../../domain/prices.ts';
import { type Channel, loadRoutingTable } from '../channels/routing-table.ts';
import type { Egress } from '../platform/egress.ts';
import { inTransaction } from '../platform/postgres.ts';
import type { Vault } from '../vault/vault.ts';

const PAGE = 1_000;
/** Exported long ago and nobody sent it: somebody else used our key, or a journal was lost. */
const UNCLAIMED_AFTER = '30 minutes';
/** An attempt that the provider never saw cost nothing; its export must be complete for this long past the sending. */
const NEVER_ARRIVED_AFTER = '10 seconds';

const OUR_ATTEMPT = /^([0-9a-f-]{36})\.(\d{1,4})$/;
/** In one line of the log. */
const MOST_NAMED = 20;

interface ExportPage {
  readonly rows: readonly {
    readonly attemptId: string;
    readonly model: string;
    readonly usage: Usage;
    readonly endedAt: number;
  }[];
  readonly cursor: string;
  readonly asOf: number;
  readonly oldestOpenAt: number | null;
}

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
      await reportUnclaimed(db, log, channel.id);
    } catch (error) {
      log.warn({ channelId: channel.id, err: error }, 'usage_export_failed'); // the next round reads on from the same cursor
    }
  }
}

async function importPage(db: Pool, egress: Egress, channel: Channel, log: Logger): Promise<number> {
  const { rows: cursors } = await db.query<{ cursor: string }>(
    'select cursor from usage_export_cursors where channel_id = $1',
    [channel.id],
  );
  const page = await fetchPage(egress, channel, cursors[0]?.cursor ?? '');
  const rows = page.rows.flatMap(({ attemptId, model, usage, endedAt }) => {
    const parsed = OUR_ATTEMPT.exec(attemptId);
    return parsed === null ? [] : [{ request_id: parsed[1], n: Number(parsed[2]), model, usage, ended_ms: endedAt }];
  });
  const foreign = page.rows.map(({ attemptId }) => attemptId).filter((attemptId) => !OUR_ATTEMPT.test(attemptId));
  // Everything that we send has an id of ours, test calls too: somebody else uses our key.
  if (foreign.length > 0)
    log.error({ channelId: channel.id, attempts: foreign.slice(0, MOST_NAMED) }, 'usage_unclaimed');
  await inTransaction(db, async (tx) => {
    await tx.query(
      `insert into usage_export_rows (channel_id, request_id, n, upstream_model, meters, ended_at)
       select $1, r.request_id, r.n, r.model, r.usage, to_timestamp(r.ended_ms / 1000.0)
         from json_to_recordset($2) as r(request_id uuid, n smallint, model text, usage jsonb, ended_ms bigint)
        where not exists (select from attempts a where a.request_id = r.request_id and a.n = r.n and (a.reconciled_at is not null or a.channel_id <> $1))
       on conflict do nothing`,
      [channel.id, JSON.stringify(rows)],
    );
    await tx.query(
      `insert into usage_export_cursors values ($1, $2, to_timestamp($3 / 1000.0), clock_timestamp())
       on conflict (channel_id) do update set cursor = excluded.cursor, complete_until = excluded.complete_until, read_at = excluded.read_at`,
      [channel.id, page.cursor, page.rows.length === PAGE ? 0 : (page.oldestOpenAt ?? page.asOf)],
    );
  });
  return page.rows.length;
}

async function fetchPage(egress: Egress, channel: Channel, cursor: string): Promise<ExportPage> {
  const [key] = channel.keys;
  const { body, statusCode } = await egress.pool(channel.baseUrl, channel.allowLocal).request({
    path: `/usage-export?after=${encodeURIComponent(cursor)}&limit=${PAGE}`,
    method: 'GET',
    headers: { authorization: `Bearer ${key?.credential ?? ''}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (statusCode !== 200) {
    await body.dump();
    throw new Error(`the usage export of channel ${channel.name} answered ${statusCode}`);
  }
  return (await body.json()) as ExportPage;
}

interface Matched {
  request_id: string;
  n: number;
  meters: Usage;
  price: Price | null;
  usage_source: string | null;
}

async function reconcile(db: Pool, channelId: string): Promise<void> {
  for (;;) {
    const { rows } = await db.query<Matched>(
      `select r.request_id, r.n, r.meters, p.price, u.usage_source
         from usage_export_rows r
         join attempts a on a.request_id = r.request_id and a.n = r.n
         left join price_versions p on p.id = a.cost_version_id
         left join usage_records u on u.request_id = r.request_id and u.winner = r.n
        where r.channel_id = $1 limit 500`,
      [channelId],
    );
    if (rows.length === 0) return;
    const metered = rows.map(({ request_id, n, meters, price, usage_source }) => ({
      request_id,
      n,
      metered: String(price === null ? 0n : charge(price, meters)),
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
    `select reconcile_attempt(a.request_id, a.n, coalesce(a.cost_nano, 0), null)
       from attempts a join usage_export_cursors c on c.channel_id = a.channel_id
      where a.channel_id = $1 and a.cost_nano is null and a.reconciled_at is null
        and a.sent_at + make_interval(secs => coalesce(a.duration_ms, 0) / 1000.0) < c.complete_until - interval '${NEVER_ARRIVED_AFTER}'
        and not exists (select from usage_export_rows r where r.request_id = a.request_id and r.n = a.n)`,
    [channelId],
  );
}

async function reportUnclaimed(db: Pool, log: Logger, channelId: string): Promise<void> {
  const { rows } = await db.query<{ request_id: string; n: number }>(
    `select request_id, n from usage_export_rows where channel_id = $1 and seen_at < clock_timestamp() - interval '${UNCLAIMED_AFTER}' limit ${MOST_NAMED}`,
    [channelId],
  );
  if (rows.length > 0)
    log.error({ channelId, attempts: rows.map(({ request_id, n }) => `${request_id}.${n}`) }, 'usage_unclaimed');
}
