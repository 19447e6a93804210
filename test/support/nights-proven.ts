// Where no worker runs, the proofs of the ledger of all nights that a test may come to are there already: whoever moves the clock of
// billing waits for them.
import type { Pool } from 'pg';

export async function nightsProven(admin: Pool): Promise<void> {
  await admin.query(
    `insert into reconciliations (name, stage, verified_at, invariants, ended_at)
     select to_char(day, 'YYYY-MM-DD'), 'completed', now(), 1, now()
       from generate_series(billing_now() - interval '2 days', billing_now() + interval '401 days', interval '1 day') day`,
  );
}
