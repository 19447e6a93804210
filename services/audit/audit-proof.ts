// Proves the audit log from the audit log: every entry has the hash of what it says, and names the one before it. What somebody could do who
// writes everything anew, hashes and head, only an anchor tells that he does not reach: where the log ended when it was last proven (D82).
import type { Pool } from 'pg';
import { type Check, examine, type Invariant } from '../ledger/invariant.ts';
import { inTransaction } from '../platform/postgres.ts';

/** The hash of an entry, and its place in the log. */
export interface Anchor {
  readonly seq: number;
  /** SHA-256 in hexadecimal. */
  readonly hash: string;
}

export interface AuditProof {
  readonly ok: boolean;
  readonly at: Date;
  /** Where the log ends; null: nothing is in it. */
  readonly head: Anchor | null;
  readonly checks: readonly Check[];
}

/** `kept`: an anchor that somebody keeps elsewhere. */
export async function proveAuditLog(db: Pool, kept: Anchor | null = null): Promise<AuditProof> {
  return inTransaction(db, async (tx) => {
    await tx.query('set transaction isolation level repeatable read, read only');
    const { rows } = await tx.query<{ at: Date; seq: string; hash: string | null }>(
      `select clock_timestamp() as at, seq, encode(hash, 'hex') as hash from audit_head`,
    );
    const [head] = rows;
    if (head === undefined) throw new Error('audit_head has no row');
    const checks: Check[] = [];
    for (const invariant of [...CHAIN, ...(kept === null ? [] : [keptElsewhere(kept)])]) {
      checks.push(await examine(tx, invariant));
    }
    const { at, seq, hash } = head;
    return {
      ok: checks.every(({ ok }) => ok),
      at,
      head: hash === null ? null : { seq: Number(seq), hash },
      checks,
    };
  });
}

/** Later proofs find it there. */
export async function keepAnchor(db: Pool, { seq, hash }: Anchor): Promise<void> {
  await db.query(`insert into audit_anchors (seq, hash) values ($1, decode($2, 'hex')) on conflict do nothing`, [
    seq,
    hash,
  ]);
}

/** Of the last proof; null: there was none. */
export async function lastAnchor(db: Pool): Promise<Anchor | null> {
  const { rows } = await db.query<{ seq: string; hash: string }>(
    `select seq, encode(hash, 'hex') as hash from audit_anchors order by seq desc limit 1`,
  );
  return rows[0] === undefined ? null : { seq: Number(rows[0].seq), hash: rows[0].hash };
}

const CHAIN: readonly Invariant[] = [
  {
    id: 'audit-content',
    title: 'each entry of the audit log has the hash of what it says',
    faults: `
      select format('entry %s, %s at %s, says something else than when it was written', seq, action, at) as what
        from audit_log a where a.seq is not null and a.hash is distinct from audit_hash(a)`,
  },
  {
    id: 'audit-places',
    title: 'the entries of the audit log are numbered from 1, and none is missing',
    faults: `
      select format('row %s, %s at %s, was written past the chain', id, action, at) as what from audit_log where seq is null
       union all
      select case when seq > last + 1 then format('%s entries are missing before entry %s', seq - last - 1, seq)
                  else format('entry %s is there twice', seq) end
        from (select seq, lag(seq, 1, 0::bigint) over (order by seq) as last from audit_log where seq is not null) numbered
       where seq <> last + 1`,
  },
  {
    id: 'audit-links',
    title:
      'each entry of the audit log names the hash of the one before it, and of the one of its organization before it',
    faults: `
      select format('entry %s does not follow the one before it', seq) as what
        from (select seq, previous_hash, lag(hash) over (order by seq) as expected from audit_log where seq is not null) chain
       where previous_hash is distinct from expected
       union all
      select format('entry %s does not follow the one of organization %s before it', seq, org_id)
        from (select seq, org_id, previous_of_org, lag(hash) over (partition by org_id order by seq) as expected
                from audit_log where seq is not null and org_id is not null) chain
       where previous_of_org is distinct from expected`,
  },
  {
    id: 'audit-head',
    title: 'the audit log ends where its head says',
    faults: `
      select format('the log ends with entry %s, and the head is at %s', coalesce(l.seq, 0), h.seq) as what
        from audit_head h left join (select seq, hash from audit_log where seq is not null order by seq desc limit 1) l on true
       where (h.seq, h.hash) is distinct from (coalesce(l.seq, 0), l.hash)`,
  },
  {
    id: 'audit-anchors',
    title: 'what earlier proofs of the audit log have seen is still there',
    faults: `
      select format('entry %s is not the one that was proven at %s', n.seq, n.at) as what
        from audit_anchors n left join audit_log a on a.seq = n.seq where a.hash is distinct from n.hash`,
  },
];

function keptElsewhere({ seq, hash }: Anchor): Invariant {
  return {
    id: 'audit-kept',
    title: 'the entry that somebody keeps the hash of is still there',
    faults: `
      select format('entry %s does not have the hash %s', k.seq, k.hash) as what
        from (values ($1::bigint, $2::text)) k (seq, hash) left join audit_log a on a.seq = k.seq
       where encode(a.hash, 'hex') is distinct from k.hash`,
    values: [seq, hash],
  };
}
