// What people told processes to do (migrations/0006): counted once by its request id, whoever repeats it.
import type { PoolClient } from 'pg';
import { type AuditEntry, writeAudit } from '../audit/audit.ts';
import { jsonbText } from '../platform/postgres.ts';

/** Who tells a process what to do, and why. */
export interface Commanding {
  readonly actor: string;
  readonly reason: string;
  readonly requestId: string;
}

interface Refused {
  readonly kind: 'refused';
  readonly why: string;
}

/** `audit`: what it changed; null: it was made before. Whoever commits writes it. */
export type CommandOutcome<Answer> =
  | { readonly kind: 'done'; readonly answer: Answer; readonly audit: AuditEntry | null }
  | Refused;

/** `effect`: what is remembered of it. */
export type Obeyed<Effect, Answer> =
  | { readonly kind: 'done'; readonly answer: Answer; readonly effect: Effect; readonly audit: AuditEntry }
  | Refused;

interface Commanded<Effect, Answer> {
  /** Of a command that was made before. */
  readonly again: (effect: Effect) => Promise<Answer>;
  readonly obey: () => Promise<Obeyed<Effect, Answer>>;
}

/** The caller holds what the command changes. */
export async function commandOnce<Effect extends object, Answer>(
  tx: PoolClient,
  workflowId: string,
  told: Commanding & { readonly command: string },
  { again, obey }: Commanded<Effect, Answer>,
): Promise<CommandOutcome<Answer>> {
  const { command, requestId } = told;
  const { rows } = await tx.query<{ command: string; effect: Effect }>(
    'select command, effect from process_commands where workflow_id = $1 and request_id = $2',
    [workflowId, requestId],
  );
  const [earlier] = rows;
  if (earlier !== undefined && earlier.command !== command) {
    return { kind: 'refused', why: `request ${requestId} was another command: use a new id` };
  }
  if (earlier !== undefined) return { kind: 'done', answer: await again(earlier.effect), audit: null };
  const obeyed = await obey();
  if (obeyed.kind === 'refused') return obeyed;
  const { answer, effect, audit } = obeyed;
  await remember(tx, workflowId, told, effect);
  return { kind: 'done', answer, audit };
}

async function remember(
  tx: PoolClient,
  workflowId: string,
  { command, actor, reason, requestId }: Commanding & { readonly command: string },
  effect: object,
): Promise<void> {
  await tx.query(
    `insert into process_commands (workflow_id, request_id, command, actor, reason, effect) values ($1, $2, $3, $4, $5, $6)`,
    [workflowId, requestId, command, actor, reason, jsonbText(effect)],
  );
}

/** Writes the audit of a command, for workflows: their histories need none of it. */
export async function audited<Answer>(
  tx: PoolClient,
  workflowId: string,
  { actor, requestId }: Commanding,
  outcome: CommandOutcome<Answer>,
): Promise<{ readonly kind: 'done'; readonly answer: Answer } | Refused> {
  if (outcome.kind === 'refused') return outcome;
  const { answer, audit } = outcome;
  if (audit !== null) await writeAudit(tx, { actor, requestId, workflowId }, audit);
  return { kind: 'done', answer };
}
