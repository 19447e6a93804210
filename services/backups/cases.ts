// What a backup and a drill have in common when they wait for a person: he is told again after a day, and what he decides counts once.
import type { Pool, PoolClient } from 'pg';
import type { AuditEntry } from '../audit/audit.ts';
import { inTransaction, type Queryable } from '../platform/postgres.ts';
import { audited, type Commanding, commandOnce, type Obeyed } from '../processes/commands.ts';

/** So long a trouble may wait for a person before it is told again. */
export const ANSWER_WITHIN = '24 hours';

export type CaseTable = 'backups' | 'restore_checks';

export interface CaseCommand extends Commanding {
  readonly name: string;
  readonly command: 'retryNow' | 'dismiss';
}

interface Case {
  readonly stage: string;
  readonly round: number;
  readonly trouble: string | null;
}

/** Whether its time was over. */
export async function remindOfCase(db: Queryable, table: CaseTable, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update ${table} set answer_by = clock_timestamp() + $2::interval, revision = revision + 1
      where name = $1 and stage = 'attention' and answer_by <= clock_timestamp()`,
    [name, ANSWER_WITHIN],
  );
  return rowCount === 1;
}

interface About<Row> {
  readonly kind: 'backup' | 'restore_check';
  /** `locking`: as SQL has it. */
  read(tx: PoolClient, locking?: string): Promise<Row>;
  move(tx: PoolClient, before: Row): Promise<void>;
}

/** Under the lock of the row commands come one after the other. */
export function commandCase<Row extends Case>(db: Pool, workflowId: string, told: CaseCommand, about: About<Row>) {
  return inTransaction(db, async (tx) => {
    const before = await about.read(tx, 'for update');
    const outcome = await commandOnce(tx, workflowId, told, {
      again: async () => before,
      obey: () => obey(tx, told, before, about),
    });
    return audited(tx, workflowId, told, outcome);
  });
}

async function obey<Row extends Case>(
  tx: PoolClient,
  { name, command, reason }: CaseCommand,
  before: Row,
  about: About<Row>,
): Promise<Obeyed<{ readonly stage: string; readonly round: number }, Row>> {
  if (before.stage !== 'attention') {
    return { kind: 'refused', why: `${name} is ${before.stage}: it waits for nobody's answer` };
  }
  await about.move(tx, before);
  const answer = await about.read(tx);
  const effect = { stage: answer.stage, round: answer.round };
  const audit: AuditEntry = {
    action: `${about.kind}.${command}`,
    targetKind: about.kind,
    targetId: name,
    before: { stage: before.stage, trouble: before.trouble },
    after: effect,
    reason,
  };
  return { kind: 'done', answer, effect, audit };
}
