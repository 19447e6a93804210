// After all windows the books must agree, request by request: what the upstream metered by attempt id, priced by its own arithmetic,
// against what the gateway charged; and the ledger against itself. Whoever is cheaper by forgetting is found here.
import { chmodSync } from 'node:fs';
import { withClient } from './durability.ts';

export interface Books {
  readonly metered: number;
  readonly charged: number;
  /** Sum of absolute differences. */
  readonly differenceNano: bigint;
  readonly findings: readonly string[];
}

const COMPARE = `
  with meter as (
    select split_part(attempt_id, '.', 1)::uuid as request_id, split_part(attempt_id, '.', 2)::smallint as n,
           input, cached, output, charge_nano
      from bench_meter
  ), joined as (
    select m.request_id as metered_id, u.request_id as recorded_id,
           coalesce(m.charge_nano, 0) as due, coalesce(u.charge_nano, 0) as charged,
           u.outcome = 'complete' and u.usage_source = 'provider' and u.winner = m.n
             and coalesce((u.meters ->> 'input')::bigint, 0) = m.input
             and coalesce((u.meters ->> 'cachedInput')::bigint, 0) = m.cached
             and coalesce((u.meters ->> 'output')::bigint, 0) = m.output as agrees
      from meter m
      full join usage_records u on u.request_id = m.request_id
  ), judged as (
    select *, case when agrees and due = charged then 'agrees'
                   when metered_id is null and charged = 0 then 'never reached the upstream'
                   when metered_id is null then 'charged, never metered' when recorded_id is null then 'metered, no record'
                   when agrees then 'another charge' else 'other usage' end as verdict
      from joined
  )
  select verdict, count(*)::int as requests,
         sum(case when verdict in ('never reached the upstream', 'agrees') then 0
                  when due <> charged then abs(due - charged) else greatest(due, 1) end)::text as difference
    from judged group by verdict`;

const LEDGER = `
  select (select coalesce(abs(sum(amount_nano)), 0) from ledger_entries)::text as unbalanced,
         (select coalesce(abs(sum(u.charge_nano) + (select sum(amount_nano) from ledger_entries where account = 'revenue_usage')), 0)
            from usage_records u)::text as "revenueOff"`;

/** `meterFile`: readable by the server's user. */
export async function checkBooks(databaseUrl: string, meterFile: string): Promise<Books> {
  chmodSync(meterFile, 0o644);
  return await withClient(databaseUrl, async (db) => {
    await db.query(
      `create temporary table bench_meter
         (attempt_id text, input bigint, cached bigint, output bigint, charge_nano bigint)`,
    );
    await db.query(`copy bench_meter from ${db.escapeLiteral(meterFile)} (format csv)`);
    const { rows } = await db.query<{ verdict: string; requests: number; difference: string }>(COMPARE);
    const { rows: ledger } = await db.query<{ unbalanced: string; revenueOff: string }>(LEDGER);
    const { unbalanced = '0', revenueOff = '0' } = ledger[0] ?? {};
    const count = (verdict: string) => rows.find((row) => row.verdict === verdict)?.requests ?? 0;
    const findings = rows
      .filter(({ difference }) => difference !== '0')
      .map(({ verdict, requests, difference }) => `${verdict}: ${requests} requests, ${difference} nano-USD`);
    if (unbalanced !== '0') findings.push(`the ledger does not sum to zero but to ${unbalanced}`);
    if (revenueOff !== '0') findings.push(`revenue and the sum of charges differ by ${revenueOff}`);
    return {
      metered: rows
        .filter(({ verdict }) => !['charged, never metered', 'never reached the upstream'].includes(verdict))
        .reduce((total, { requests }) => total + requests, 0),
      charged: count('agrees'),
      differenceNano: [unbalanced, revenueOff, ...rows.map(({ difference }) => difference)]
        .map(BigInt)
        .reduce((total, difference) => total + difference, 0n),
      findings,
    };
  });
}
