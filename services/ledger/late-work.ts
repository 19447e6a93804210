// Invariants of what has to happen in its time: the caretaker expires credit and imports what providers bill. A row that waits
// much longer than a round takes is waiting for a person.
import type { Invariant } from './invariant.ts';

export const LATE_WORK: readonly Invariant[] = [
  {
    id: 'expiry',
    title: 'no grant has money ten minutes after its expiry',
    faults: `
      select format('grant %s expired at %s and has %s', g.id, g.expires_at, b.available_nano) as what
        from credit_grants g join grant_balances b on b.grant_id = g.id
       where b.available_nano > 0 and g.expires_at < billing_now() - interval '10 minutes'`,
  },
  {
    id: 'costs',
    title: 'what an attempt cost is known within a day, where the provider tells',
    faults: `
      select format('attempt %s.%s (%s), sent at %s, has no cost', a.request_id, a.n, a.outcome, a.sent_at) as what
        from attempts a join channels c on c.id = a.channel_id and c.usage_export is not null
       where a.cost_nano is null and a.sent_at < clock_timestamp() - interval '1 day'
       union all
      select format('export row %s.%s of channel %s, seen at %s, matches nothing', r.request_id, r.n, r.channel_id, r.seen_at)
        from usage_export_rows r where r.seen_at < clock_timestamp() - interval '1 day'`,
  },
];
