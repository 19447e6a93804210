// The proofs of the ledger and what became of them, one row each (migrations/0006). Everything here may be repeated: a step that
// was made is found made, so whoever does not know whether it was makes it again.
import type { Pool, PoolClient } from 'pg';
import type { AuditEntry } from '../audit/audit.ts';
import { type Anchor, keepAnchor, proveAuditLog } from '../audit/audit-proof.ts';
import type { Check } from '../ledger/invariant.ts';
import { verifyLedger } from '../ledger/verifier.ts';
import { inTransaction, jsonbText, type Queryable } from '../platform/postgres.ts';
import { audited, type Commanding, commandOnce, type Obeyed } from '../processes/commands.ts';

/** The night of a date begins then, in hours of UTC. */
const NIGHT_BEGINS = 2;
/** So long a finding may wait for a person before it is told again. */
const ANSWER_WITHIN = '24 hours';
/** Open at once: more than ever are, and few enough for one tick. */
const MOST_OPEN = 100;

type Finding = Pick<Check, 'id' | 'title' | 'count' | 'examples'>;
type Stage = 'running' | 'attention' | 'completed' | 'dismissed';

export interface ReconciliationRow {
  readonly name: string;
  readonly stage: Stage;
  readonly round: number;
  readonly revision: number;
  readonly invariants: number | null;
  readonly findings: readonly Finding[];
  readonly answerBy: Date | null;
  /** Until answerBy; 0 when it has passed or there is none. */
  readonly waitMs: number;
}

export interface PersonsCommand extends Commanding {
  readonly name: string;
  readonly command: 'retryNow' | 'dismiss';
}

interface Verified {
  readonly row: ReconciliationRow;
  /** Where the audit log ended, if it holds. */
  readonly anchor: Anchor | null;
}

interface Effect {
  readonly stage: Stage;
  readonly round: number;
}

interface Answer {
  readonly effect: Effect;
  readonly row: ReconciliationRow;
}

const COLUMNS = `name, stage, round, revision, invariants, findings, answer_by as "answerBy",
  greatest(0, coalesce(ceil(extract(epoch from answer_by - billing_now()) * 1000), 0))::float8 as "waitMs"`;

export class Reconciliations {
  readonly #db: Pool;
  readonly #patientDb: Pool;

  /** patientDb: whose statements may take minutes. */
  constructor({ db, patientDb }: { readonly db: Pool; readonly patientDb: Pool }) {
    this.#db = db;
    this.#patientDb = patientDb;
  }

  /** Makes the row of the last night that has begun; the names of all that have not ended, oldest first. */
  async openAll(): Promise<string[]> {
    await this.#db.query(
      `insert into reconciliations (name)
       select to_char((billing_now() at time zone 'UTC') - make_interval(hours => $1), 'YYYY-MM-DD') on conflict do nothing`,
      [NIGHT_BEGINS],
    );
    const { rows } = await this.#db.query<{ name: string }>(
      'select name from reconciliations where ended_at is null order by opened_at, name limit $1',
      [MOST_OPEN],
    );
    return rows.map(({ name }) => name);
  }

  /** Those that wait for an answer longer than they may. */
  async overdue(): Promise<string[]> {
    const { rows } = await this.#db.query<{ name: string }>(
      `select name from reconciliations where stage = 'attention' and answer_by <= billing_now()`,
    );
    return rows.map(({ name }) => name);
  }

  async open(name: string): Promise<ReconciliationRow> {
    await this.#db.query('insert into reconciliations (name) values ($1) on conflict do nothing', [name]);
    return readRow(this.#db, name);
  }

  /** The ledger and the audit log. A round whose result stands in the row is not verified again. */
  async verify(name: string, round: number): Promise<Verified> {
    const before = await readRow(this.#db, name);
    if (before.stage !== 'running' || before.round !== round) return { row: before, anchor: null };
    const audit = await proveAuditLog(this.#patientDb);
    const anchor = audit.ok ? audit.head : null;
    if (anchor !== null) await keepAnchor(this.#db, anchor);
    const checks = [...(await verifyLedger(this.#patientDb)).checks, ...audit.checks];
    const findings = checks.filter((check) => !check.ok).map(({ ok: _, ...finding }) => finding);
    await this.#db.query(
      `update reconciliations
          set stage = case when $3 then 'completed' else 'attention' end, revision = revision + 1,
              verified_at = billing_now(), invariants = $4, findings = $5,
              answer_by = case when $3 then null else billing_now() + $6::interval end,
              ended_at = case when $3 then billing_now() end
        where name = $1 and stage = 'running' and round = $2`,
      [name, round, findings.length === 0, checks.length, jsonbText(findings), ANSWER_WITHIN],
    );
    return { row: await readRow(this.#db, name), anchor };
  }

  /** Gives a case that nobody has answered another day; isOverdue: its time was over, and it has to be told again. */
  async remind(name: string): Promise<{ readonly isOverdue: boolean; readonly row: ReconciliationRow }> {
    const { rowCount } = await this.#db.query(
      `update reconciliations set answer_by = billing_now() + $2::interval, revision = revision + 1
        where name = $1 and stage = 'attention' and answer_by <= billing_now()`,
      [name, ANSWER_WITHIN],
    );
    return { isOverdue: rowCount === 1, row: await readRow(this.#db, name) };
  }

  command(workflowId: string, command: PersonsCommand) {
    return inTransaction(this.#db, async (tx) => {
      // Under this lock commands come one after the other.
      const before = await readRow(tx, command.name, 'for update');
      const outcome = await commandOnce<Effect, Answer>(tx, workflowId, command, {
        again: async (effect) => ({ effect, row: before }),
        obey: () => obey(tx, before, command),
      });
      return audited(tx, workflowId, command, outcome);
    });
  }
}

/** For metrics: how many wait for a person, and when the ledger was last proven, in seconds since 1970. */
export async function reconciliationStanding(
  db: Queryable,
): Promise<{ readonly needAttention: number; readonly provenAt: number }> {
  const { rows } = await db.query<{ needAttention: number; provenAt: number }>(
    `select (select count(*)::int from reconciliations where stage = 'attention' and ended_at is null) as "needAttention",
            (select coalesce(extract(epoch from max(ended_at)), 0)::float8 from reconciliations where stage = 'completed') as "provenAt"`,
  );
  return rows[0] ?? { needAttention: 0, provenAt: 0 };
}

/**
 * When something of them falls due, or fell due and is not done: a night that has begun and has no row, a proof under way, an answer that
 * is missing. A night that has not begun is not among them: what is proven is the ledger as it is then, so that one proof after some
 * nights proves as much as one in each (D47). Null: nothing does.
 */
export async function nextReconciliationAt(db: Queryable): Promise<Date | null> {
  const { rows } = await db.query<{ at: Date | null }>(
    `with night as (
       select (to_char((billing_now() at time zone 'UTC') - make_interval(hours => $1), 'YYYY-MM-DD')) as name
     )
     select min(at) as at from (
       select name::timestamp at time zone 'UTC' + make_interval(hours => $1) as at from night
        where not exists (select from reconciliations r where r.name = night.name)
       union all select opened_at from reconciliations where stage = 'running'
       union all select answer_by from reconciliations where stage = 'attention') due`,
    [NIGHT_BEGINS],
  );
  return rows[0]?.at ?? null;
}

/** Tells workers that something is due now. One that does not hear it finds it within the hour. */
export async function announceDueReconciliations(db: Queryable): Promise<void> {
  await db.query(`select pg_notify('tollgate_outbox', 'reconciliation')`);
}

async function readRow(db: Queryable, name: string, locking = ''): Promise<ReconciliationRow> {
  const { rows } = await db.query<ReconciliationRow>(
    `select ${COLUMNS} from reconciliations where name = $1 ${locking}`,
    [name],
  );
  if (rows[0] === undefined) throw new Error(`there is no reconciliation ${name}`);
  return rows[0];
}

async function obey(
  tx: PoolClient,
  before: ReconciliationRow,
  { name, command, reason }: PersonsCommand,
): Promise<Obeyed<Effect, Answer>> {
  if (before.stage !== 'attention') {
    return { kind: 'refused', why: `${name} is ${before.stage}: it waits for nobody's answer` };
  }
  const row = await answer(tx, name, command);
  const effect = { stage: row.stage, round: row.round };
  const audit: AuditEntry = {
    action: `reconciliation.${command}`,
    targetKind: 'reconciliation',
    targetId: name,
    before: { stage: before.stage, findings: before.findings },
    after: effect,
    reason,
  };
  return { kind: 'done', answer: { effect, row }, effect, audit };
}

async function answer(tx: PoolClient, name: string, command: PersonsCommand['command']): Promise<ReconciliationRow> {
  const { rows } = await tx.query<ReconciliationRow>(
    `update reconciliations
        set stage = case when $2 then 'running' else 'dismissed' end, round = case when $2 then round + 1 else round end,
            revision = revision + 1, answer_by = null, ended_at = case when $2 then null else billing_now() end
      where name = $1 returning ${COLUMNS}`,
    [name, command === 'retryNow'],
  );
  if (rows[0] === undefined) throw new Error(`there is no reconciliation ${name}`);
  return rows[0];
}
