// What was used, added up. Every figure is a sum over usage_records, one row per admitted request, so it is current at once.
import { METERS } from '../../domain/meters.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import type { Queryable } from '../platform/postgres.ts';

// A closed list: the name chooses SQL, it never becomes SQL.
const GROUPS = {
  total: `'total'`,
  organization: 'u.org_id::text',
  project: 'u.project_id::text',
  apiKey: 'u.api_key_id::text',
  model: 'u.model_id',
  dialect: 'u.dialect',
  outcome: 'u.outcome',
  hour: `to_char(date_trunc('hour', u.admitted_at at time zone $7), 'YYYY-MM-DD"T"HH24')`,
  day: `to_char(u.admitted_at at time zone $7, 'YYYY-MM-DD')`,
  month: `to_char(u.admitted_at at time zone $7, 'YYYY-MM')`,
} as const;

export type UsageGroup = keyof typeof GROUPS;
export const USAGE_GROUPS: readonly [UsageGroup, ...UsageGroup[]] = [
  'total',
  'organization',
  'project',
  'apiKey',
  'model',
  'dialect',
  'outcome',
  'hour',
  'day',
  'month',
];

export interface UsageFilter {
  readonly orgId?: string | undefined;
  readonly projectId?: string | undefined;
  readonly apiKeyId?: string | undefined;
  readonly modelId?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

export interface UsageSum {
  readonly group: string;
  readonly requests: number;
  readonly tokens: Readonly<Record<string, number>>;
  readonly ratedNano: Nano;
  readonly chargeNano: Nano;
  /** What providers charge for all attempts of these requests, as far as it is known. */
  readonly costNano: Nano;
  readonly attemptsWithoutCost: number;
}

interface UsageRow {
  readonly group: string;
  readonly requests: string;
  readonly tokens: Readonly<Record<string, number>>;
  readonly ratedNano: string;
  readonly chargeNano: string;
  readonly costNano: string;
  readonly attemptsWithoutCost: string;
}

const TOKEN_SUMS = METERS.map((meter) => `'${meter}', nullif(sum((u.meters ->> '${meter}')::bigint), 0)`).join(', ');

/** Ordered by group. `timeZone` decides where an hour, day or month ends. */
export async function usageBy(
  db: Queryable,
  group: UsageGroup,
  filter: UsageFilter,
  timeZone: string,
  after: string | null,
  pageSize: number,
): Promise<UsageSum[]> {
  const { rows } = await db.query<UsageRow>(
    `select ${GROUPS[group]} as "group", count(*) as requests, jsonb_strip_nulls(jsonb_build_object(${TOKEN_SUMS})) as tokens,
            sum(u.rated_nano)::text as "ratedNano", sum(u.charge_nano)::text as "chargeNano",
            coalesce(sum(a.cost_nano), 0)::text as "costNano", coalesce(sum(a.without_cost), 0) as "attemptsWithoutCost"
       from usage_records u
       left join lateral (select sum(t.cost_nano) as cost_nano, count(*) filter (where t.cost_nano is null) as without_cost
                            from attempts t where t.request_id = u.request_id) a on true
      where ($1::uuid is null or u.org_id = $1)
        and ($2::uuid is null or u.project_id = $2)
        and ($3::uuid is null or u.api_key_id = $3)
        and ($4::text is null or u.model_id = $4)
        and ($5::timestamptz is null or u.admitted_at >= $5)
        and ($6::timestamptz is null or u.admitted_at < $6)
        and $7::text is not null
      group by 1
     having $8::text is null or ${GROUPS[group]} > $8
      order by 1
      limit $9`,
    [
      filter.orgId,
      filter.projectId,
      filter.apiKeyId,
      filter.modelId,
      filter.from,
      filter.to,
      timeZone,
      after,
      pageSize,
    ],
  );
  return rows.map((row) => ({
    group: row.group,
    requests: Number(row.requests),
    tokens: row.tokens,
    ratedNano: nano(row.ratedNano),
    chargeNano: nano(row.chargeNano),
    costNano: nano(row.costNano),
    attemptsWithoutCost: Number(row.attemptsWithoutCost),
  }));
}

/** What a key has spent in all, and since its organization's day, week and month began. */
export interface Spending {
  readonly totalNano: Nano;
  readonly dayNano: Nano;
  readonly weekNano: Nano;
  readonly monthNano: Nano;
}

export async function spendingOfKey(db: Queryable, orgId: string, apiKeyId: string): Promise<Spending> {
  const since = (period: string) =>
    `coalesce(sum(u.charge_nano) filter (where u.admitted_at >= period_start('${period}', o.time_zone, (select billing_now()))), 0)::text`;
  const { rows } = await db.query<{ [F in keyof Spending]: string }>(
    `select coalesce(sum(u.charge_nano), 0)::text as "totalNano", ${since('day')} as "dayNano", ${since('week')} as "weekNano",
            ${since('month')} as "monthNano"
       from organizations o left join usage_records u on u.org_id = o.id and u.api_key_id = $2
      where o.id = $1`,
    [orgId, apiKeyId],
  );
  const { totalNano = '0', dayNano = '0', weekNano = '0', monthNano = '0' } = rows[0] ?? {};
  return { totalNano: nano(totalNano), dayNano: nano(dayNano), weekNano: nano(weekNano), monthNano: nano(monthNano) };
}

export interface SpendingFilter {
  readonly orgId: string;
  readonly apiKeyId?: string;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

export async function spent(db: Queryable, { orgId, apiKeyId, from, to }: SpendingFilter): Promise<Nano> {
  const { rows } = await db.query<{ total: string }>(
    `select coalesce(sum(charge_nano), 0)::text as total
       from usage_records
      where org_id = $1
        and ($2::uuid is null or api_key_id = $2)
        and ($3::timestamptz is null or admitted_at >= $3)
        and ($4::timestamptz is null or admitted_at < $4)`,
    [orgId, apiKeyId, from, to],
  );
  return nano(rows[0]?.total ?? '0');
}
