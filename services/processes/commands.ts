// What people told processes to do (migrations/0006): counted once by its request id. The caller holds what the command changes.
import type { PoolClient } from 'pg';
import { jsonbText } from '../platform/postgres.ts';

interface Remembered {
  readonly command: string;
  readonly requestId: string;
}

/** What this command has done before; 'other': another command came under its id; null: it is new. */
export async function earlierCommand<Effect>(
  tx: PoolClient,
  workflowId: string,
  { command, requestId }: Remembered,
): Promise<{ readonly effect: Effect } | 'other' | null> {
  const { rows } = await tx.query<{ command: string; effect: Effect }>(
    'select command, effect from process_commands where workflow_id = $1 and request_id = $2',
    [workflowId, requestId],
  );
  if (rows[0] === undefined) return null;
  return rows[0].command === command ? { effect: rows[0].effect } : 'other';
}

export async function rememberCommand(
  tx: PoolClient,
  workflowId: string,
  told: Remembered & { readonly actor: string; readonly reason: string; readonly effect: object },
): Promise<void> {
  const { command, actor, reason, requestId, effect } = told;
  await tx.query(
    `insert into process_commands (workflow_id, request_id, command, actor, reason, effect) values ($1, $2, $3, $4, $5, $6)`,
    [workflowId, requestId, command, actor, reason, jsonbText(effect)],
  );
}
