// Who changed what. A row is written in the transaction of the change it tells of, and never changed afterwards.
// Secrets do not come here: what is audited is what the API shows of a thing, and the API shows no secret. Nor do names and
// mail addresses of people (D52). As the transaction commits PostgreSQL chains the row to the one before it (D82).
import type { PoolClient } from 'pg';

/** Of what an entry can be, and which organization's affair that is: SQL of its id, $4. */
const ORG_OF = {
  organization: '$4::text::uuid',
  project: 'select org_id from projects where id = $4::text::uuid',
  api_key: 'select org_id from api_keys where id = $4::text::uuid',
  grant: 'select org_id from credit_grants where id = $4::text::uuid',
  payment: 'select org_id from payments where id = $4::text::uuid',
  subscription: 'select org_id from subscriptions where id = $4::text::uuid',
  invoice: 'select org_id from invoices where id = $4::text::uuid',
  invitation: 'select org_id from invitations where id = $4::text::uuid',
  membership: `split_part($4, ':', 1)::uuid`,
  billing_details: '$4::text::uuid',
  single_sign_on: '$4::text::uuid',
  contract: 'select org_id from contracts where id = $4::text::uuid',
  bank_transfer:
    'select i.org_id from bank_transfers t join invoices i on i.id = t.invoice_id where t.id = $4::text::uuid',
  auto_top_up: '$4::text::uuid',
  application: 'select org_id from applications where id = $4::text::uuid',
  // The installation's; a person may belong to several organizations.
  channel: 'null',
  model: 'null',
  price: 'null',
  billing_incident: 'null',
  reconciliation: 'null',
  backup: 'null',
  restore_check: 'null',
  billing_hold: 'null',
  person: 'null',
  sign_up: 'null',
  // Begun by anybody: no organization's log is for strangers to fill.
  sign_on: 'null',
  bootstrap: 'null',
  password_reset: 'null',
  tax_regime: 'null',
  billing_clock: 'null',
  proposal: 'null',
  // Of what is no credential of ours.
  leak_report: 'null',
  inbox_item: 'null',
  master_key: 'null',
} as const;

export type TargetKind = keyof typeof ORG_OF;

/** Who did it, and from where. */
export interface Author {
  readonly actor: string;
  readonly requestId: string;
  /** From which a request came, as far as our own proxies say. */
  readonly clientAddress?: string | undefined;
  /** Of the process that did it, or that was told to. */
  readonly workflowId?: string | undefined;
}

export interface AuditEntry {
  readonly action: string;
  readonly targetKind: TargetKind;
  readonly targetId: string;
  readonly before?: object;
  readonly after?: object;
  readonly reason?: string | undefined;
}

/** Only `writeAudit` makes one: what says that it was audited was. */
class WrittenAudit {
  readonly #written = true;

  static is(audit: object): audit is WrittenAudit {
    return #written in audit;
  }
}

export type { WrittenAudit };

export function isWritten(audit: AuditEntry | WrittenAudit): audit is WrittenAudit {
  return WrittenAudit.is(audit);
}

export async function writeAudit(tx: PoolClient, author: Author, entry: AuditEntry): Promise<WrittenAudit> {
  await tx.query(
    `insert into audit_log (actor, action, target_kind, target_id, org_id, before, after, reason, request_id, client_address, workflow_id)
     values ($1, $2, $3, $4::text, (${ORG_OF[entry.targetKind]}), $5, $6, $7, $8, $9, $10)`,
    [
      author.actor,
      entry.action,
      entry.targetKind,
      entry.targetId,
      asJson(entry.before),
      asJson(entry.after),
      entry.reason ?? null,
      author.requestId,
      author.clientAddress ?? null,
      author.workflowId ?? null,
    ],
  );
  return new WrittenAudit();
}

/** Of somebody's row: the fields that say nothing of who he is, and the names of the others that are new (D52). */
export function pseudonymous<T extends object>(
  impersonal: readonly (keyof T & string)[],
  before: T | null,
  after: T,
): Pick<AuditEntry, 'before' | 'after'> {
  const names: readonly string[] = impersonal;
  const told = (row: T) => Object.fromEntries(Object.entries(row).filter(([field]) => names.includes(field)));
  const past = new Map(Object.entries(before ?? {}));
  const changed = Object.entries(after).flatMap(([field, value]) =>
    names.includes(field) || JSON.stringify(value) === JSON.stringify(past.get(field) ?? null) ? [] : [field],
  );
  return { ...(before === null ? {} : { before: told(before) }), after: { ...told(after), changed } };
}

/** Money is a bigint, which JSON does not know: it is told as everywhere, as a decimal string. */
function asJson(value: object | undefined): string | null {
  if (value === undefined) return null;
  return JSON.stringify(value, (_, field: unknown) => (typeof field === 'bigint' ? field.toString() : field));
}
