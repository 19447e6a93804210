// One page of a provider's usage export, read with suspicion: whatever a row says, it becomes a row that PostgreSQL takes, or it
// would keep the page, and every page behind it, from being read for ever.
import { z } from 'zod';
import { isPlausibleUsage, METERS, type Usage } from '../../domain/meters.ts';
import type { Channel } from '../channels/routing-table.ts';
import type { Egress } from '../egress/egress.ts';
import { isId } from '../platform/ids.ts';

export const PAGE = 1_000;
const LAST_MOMENT_MS = Date.UTC(9999, 0);
const OUR_NUMBER = /^[1-9]\d{0,3}$/;

export interface ExportRow {
  /** As the provider has it. */
  readonly attemptId: string;
  /** Null: not an id that we have sent. */
  readonly ours: { readonly requestId: string; readonly n: number } | null;
  readonly model: string;
  /** Null: what it says cannot be true. */
  readonly usage: Usage | null;
  readonly endedAtMs: number;
}

export interface ExportPage {
  readonly rows: readonly ExportRow[];
  readonly cursor: string;
  /**
   * How long before the page was made the oldest attempt that is still open had begun; what ended earlier is exported. A span,
   * because the clock is the provider's.
   */
  readonly incompleteForMs: number;
}

const Page = z.object({
  rows: z.array(z.record(z.string(), z.unknown())),
  cursor: z.string(),
  asOf: z.number(),
  oldestOpenAt: z.number().nullable(),
});
const Meters = z.partialRecord(z.enum(METERS), z.number());

/** @throws when there is no page to be had */
export async function fetchPage(egress: Egress, channel: Channel, cursor: string): Promise<ExportPage> {
  const [channelKey] = channel.keys;
  const { body, statusCode } = await egress.pool(channel.baseUrl, channel.allowLocal).request({
    path: `/usage-export?after=${encodeURIComponent(cursor)}&limit=${PAGE}`,
    method: 'GET',
    headers: { authorization: `Bearer ${channelKey?.credential ?? ''}` },
    signal: AbortSignal.timeout(10_000),
  });
  if (statusCode !== 200) {
    await body.dump();
    throw new Error(`the usage export of channel ${channel.name} answered ${statusCode}`);
  }
  const page = Page.parse(await body.json());
  return {
    rows: page.rows.map((row) => readRow(row, page.asOf)),
    cursor: page.cursor,
    incompleteForMs: Math.max(0, page.asOf - (page.oldestOpenAt ?? page.asOf)),
  };
}

function readRow({ attemptId, model, usage, endedAt }: Record<string, unknown>, asOf: number): ExportRow {
  const id = String(attemptId);
  return {
    attemptId: id,
    ours: ourAttempt(id),
    model: String(model),
    usage: readUsage(usage),
    endedAtMs: Math.round(typeof endedAt === 'number' && endedAt >= 0 && endedAt < LAST_MOMENT_MS ? endedAt : asOf),
  };
}

function ourAttempt(attemptId: string): ExportRow['ours'] {
  const [requestId = '', n = '', ...more] = attemptId.split('.');
  return isId(requestId) && OUR_NUMBER.test(n) && more.length === 0 ? { requestId, n: Number(n) } : null;
}

function readUsage(usage: unknown): Usage | null {
  const meters = Meters.safeParse(usage);
  return meters.success && isPlausibleUsage(meters.data as Usage) ? (meters.data as Usage) : null;
}
