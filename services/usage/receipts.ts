// The receipt of a request: what was used, at which price, over which attempts, and whether the answer's end was sent.
// Every admitted request has one, also at charge 0. One whose gateway died before it was settled has attempts only: it is
// found through them, and it costs its customer nothing.
import type { Usage } from '../../domain/meters.ts';
import { type Nano, nano, sum, ZERO } from '../../domain/nano.ts';
import type { Price } from '../../domain/prices.ts';
import type { Queryable } from '../platform/postgres.ts';

// A gateway that was fenced gives no sign of what it still sent. Renewals come every 5 s and an unconfirmed one lets it live
// for 60 s, so only what it settled earlier than that before its last renewal is known to have been sent.
const UNKNOWN_BEFORE_DEATH = `interval '60 seconds'`;

export interface ReceiptAttempt {
  readonly n: number;
  readonly channelId: string;
  readonly channel: string;
  readonly upstreamModel: string;
  readonly outcome: string;
  readonly failureClass: string | null;
  readonly status: number | null;
  readonly sentAt: string;
  readonly firstByteMs: number | null;
  readonly durationMs: number | null;
  /** What the provider charges for it; null until that is known. */
  readonly costNano: Nano | null;
}

export interface Receipt {
  readonly requestId: string;
  readonly orgId: string;
  readonly projectId: string | null;
  readonly apiKeyId: string | null;
  readonly model: string;
  readonly dialect: string | null;
  readonly streamed: boolean | null;
  readonly outcome: string;
  readonly winner: number | null;
  /** At list price. */
  readonly ratedNano: Nano;
  /** Of that, what no included credit covered, at so many millionths of list price; null: all of it at list price. */
  readonly beyondIncludedNano: Nano | null;
  readonly beyondIncludedPpm: number | null;
  /** What it costs by that. */
  readonly dueNano: Nano;
  readonly chargeNano: Nano;
  readonly priceVersion: string | null;
  /** What that version says. */
  readonly price: Price | null;
  readonly tokens: Usage;
  readonly usageSource: string;
  readonly deliveredBytes: number | null;
  readonly late: boolean;
  readonly endSent: 'yes' | 'no' | 'unknown';
  readonly attempts: readonly ReceiptAttempt[];
  /** Of all attempts; null while any of them is unknown. */
  readonly costNano: Nano | null;
  readonly admittedAt: Date | null;
  readonly settledAt: Date | null;
}

type AttemptJson = Omit<ReceiptAttempt, 'costNano'> & { readonly costNano: string | null };

interface ReceiptRow
  extends Omit<
    Receipt,
    'attempts' | 'costNano' | 'ratedNano' | 'beyondIncludedNano' | 'dueNano' | 'chargeNano' | 'deliveredBytes'
  > {
  readonly ratedNano: string;
  readonly beyondIncludedNano: string | null;
  readonly dueNano: string;
  readonly chargeNano: string;
  readonly deliveredBytes: string | null;
  readonly attempts: readonly AttemptJson[];
}

const ATTEMPTS = (requestId: string) => `
  (select coalesce(json_agg(json_build_object(
            'n', a.n, 'channelId', a.channel_id, 'channel', coalesce(c.name, ''), 'upstreamModel', a.upstream_model,
            'outcome', a.outcome, 'failureClass', a.failure_class, 'status', a.status, 'sentAt', a.sent_at,
            'firstByteMs', a.first_byte_ms, 'durationMs', a.duration_ms, 'costNano', a.cost_nano::text) order by a.n), '[]')
     from attempts a left join channels c on c.id = a.channel_id where a.request_id = ${requestId})`;

const SETTLED = `
  select u.request_id as "requestId", u.org_id as "orgId", u.project_id as "projectId", u.api_key_id as "apiKeyId",
         u.model_id as model, u.dialect, u.streamed, u.outcome, u.winner, u.rated_nano as "ratedNano",
         u.beyond_nano as "beyondIncludedNano", u.beyond_ppm as "beyondIncludedPpm", u.due_nano as "dueNano",
         u.charge_nano as "chargeNano", u.price_version_id as "priceVersion", v.price,
         u.meters as tokens, u.usage_source as "usageSource", u.delivered_bytes as "deliveredBytes", u.late,
         case when e.request_id is not null or u.outcome = 'client_gone' then 'no'
              when u.outcome = 'quarantined' or i.fenced_at is not null and u.settled_at > i.renewed_at - ${UNKNOWN_BEFORE_DEATH}
                then 'unknown'
              else 'yes' end as "endSent",
         ${ATTEMPTS('u.request_id')} as attempts, u.admitted_at as "admittedAt", u.settled_at as "settledAt"
    from usage_records u
    left join price_versions v on v.id = u.price_version_id
    left join unsent_ends e on e.request_id = u.request_id
    left join gateway_incarnations i on i.id = u.incarnation_id`;

/** orgId null: whoever's it is. Another organization's request and one that never was are both null. */
export async function receipt(db: Queryable, requestId: string, orgId: string | null): Promise<Receipt | null> {
  const { rows } = await db.query<ReceiptRow>(
    `${SETTLED} where u.request_id = $1 and ($2::uuid is null or u.org_id = $2)`,
    [requestId, orgId],
  );
  const [settled] = rows;
  return settled === undefined ? orphanedReceipt(db, requestId, orgId) : readReceipt(settled);
}

async function orphanedReceipt(db: Queryable, requestId: string, orgId: string | null): Promise<Receipt | null> {
  const { rows } = await db.query<{ orgId: string; model: string; attempts: AttemptJson[] }>(
    `select f.org_id as "orgId", f.model_id as model, ${ATTEMPTS('f.request_id')} as attempts
       from attempts f
      where f.request_id = $1 and f.org_id is not null and ($2::uuid is null or f.org_id = $2)
      order by f.n
      limit 1`,
    [requestId, orgId],
  );
  const [found] = rows;
  if (found === undefined) return null;
  return readReceipt({
    requestId,
    ...found,
    projectId: null,
    apiKeyId: null,
    dialect: null,
    streamed: null,
    outcome: 'orphaned',
    winner: null,
    ratedNano: '0',
    beyondIncludedNano: null,
    beyondIncludedPpm: null,
    dueNano: '0',
    chargeNano: '0',
    priceVersion: null,
    price: null,
    tokens: {},
    usageSource: 'none',
    deliveredBytes: null,
    late: false,
    endSent: 'unknown',
    admittedAt: null,
    settledAt: null,
  });
}

function readReceipt(row: ReceiptRow): Receipt {
  const attempts = row.attempts.map((attempt) => ({
    ...attempt,
    costNano: attempt.costNano === null ? null : nano(attempt.costNano),
  }));
  const costs = attempts.map(({ costNano }) => costNano);
  return {
    ...row,
    ratedNano: nano(row.ratedNano),
    beyondIncludedNano: row.beyondIncludedNano === null ? null : nano(row.beyondIncludedNano),
    dueNano: nano(row.dueNano),
    chargeNano: nano(row.chargeNano),
    deliveredBytes: row.deliveredBytes === null ? null : Number(row.deliveredBytes),
    attempts,
    costNano: costs.includes(null) ? null : sum(costs.map((cost) => cost ?? ZERO)),
  };
}

export interface RequestLine {
  readonly id: string;
  readonly orgId: string;
  readonly projectId: string;
  readonly apiKeyId: string;
  readonly model: string;
  readonly outcome: string;
  readonly streamed: boolean;
  readonly tokens: Usage;
  readonly usageSource: string;
  readonly ratedNano: Nano;
  readonly chargeNano: Nano;
  readonly admittedAt: Date;
  readonly settledAt: Date;
}

export interface RequestFilter {
  readonly orgId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly apiKeyId?: string | undefined;
  readonly memberId?: string | undefined;
  readonly modelId?: string | undefined;
  readonly outcome?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

/** Newest first. */
export async function listRequests(
  db: Queryable,
  filter: RequestFilter,
  after: string | null,
  pageSize: number,
): Promise<RequestLine[]> {
  type Row = Omit<RequestLine, 'ratedNano' | 'chargeNano'> & { ratedNano: string; chargeNano: string };
  const { rows } = await db.query<Row>(
    `select u.request_id as id, u.org_id as "orgId", u.project_id as "projectId", u.api_key_id as "apiKeyId", u.model_id as model,
            u.outcome, u.streamed, u.meters as tokens, u.usage_source as "usageSource", u.rated_nano as "ratedNano",
            u.charge_nano as "chargeNano", u.admitted_at as "admittedAt", u.settled_at as "settledAt"
       from usage_records u
      where ($1::uuid is null or u.org_id = $1)
        and ($2::uuid is null or u.project_id = $2)
        and ($3::uuid is null or u.api_key_id = $3)
        and ($4::text is null or u.model_id = $4)
        and ($5::text is null or u.outcome = $5)
        and ($6::timestamptz is null or u.admitted_at >= $6)
        and ($7::timestamptz is null or u.admitted_at < $7)
        and ($10::uuid is null or u.member_id = $10)
        and ($8::uuid is null or (u.admitted_at, u.request_id)
                                 < (select a.admitted_at, a.request_id from usage_records a where a.request_id = $8))
      order by u.admitted_at desc, u.request_id desc
      limit $9`,
    [
      filter.orgId,
      filter.projectId,
      filter.apiKeyId,
      filter.modelId,
      filter.outcome,
      filter.from,
      filter.to,
      after,
      pageSize,
      filter.memberId,
    ],
  );
  return rows.map((row) => ({ ...row, ratedNano: nano(row.ratedNano), chargeNano: nano(row.chargeNano) }));
}
