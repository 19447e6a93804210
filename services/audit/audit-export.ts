// The forms in which the audit log leaves: one JSON object a line, whose hash can be computed from the line as it stands, and CSV for
// spreadsheets.
import type { ExportedEntry } from './audit-log.ts';

/** The entry stands in its line to the byte: see "The audit log" in docs/operations.md for who verifies it. */
export async function* asJsonLines(batches: AsyncIterable<ExportedEntry[]>): AsyncGenerator<string> {
  for await (const batch of batches) {
    yield batch.map(({ hash, content }) => `{"hash":"${hash}","entry":${content}}\n`).join('');
  }
}

/** RFC 4180. `entry` is what the hash is the hash of. */
export async function* asCsv(batches: AsyncIterable<ExportedEntry[]>): AsyncGenerator<string> {
  yield csvLine(Object.keys(COLUMNS));
  for await (const batch of batches) {
    yield batch.map((entry) => csvLine(Object.values(COLUMNS).map((cell) => cell(entry)))).join('');
  }
}

type Cell = (entry: ExportedEntry) => string | null;

const COLUMNS: Readonly<Record<string, Cell>> = {
  seq: ({ id }) => id,
  at: ({ at }) => at.toISOString(),
  billing_at: ({ billingAt }) => billingAt?.toISOString() ?? null,
  actor: ({ actor }) => actor,
  action: ({ action }) => action,
  target_kind: ({ targetKind }) => targetKind,
  target_id: ({ targetId }) => targetId,
  org_id: ({ orgId }) => orgId,
  before: ({ before }) => textOf(before),
  after: ({ after }) => textOf(after),
  reason: ({ reason }) => reason,
  request_id: ({ requestId }) => requestId,
  client_address: ({ clientAddress }) => clientAddress,
  workflow_id: ({ workflowId }) => workflowId,
  hash: ({ hash }) => hash,
  entry: ({ content }) => content,
};

function textOf(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** A spreadsheet takes what begins like this for a formula and computes it, quoted or not; an apostrophe before it makes it text. */
const FORMULA = /^[=+\-@\t\r]/;

/** Quoted, and text also where a spreadsheet would compute. */
export function csvLine(cells: readonly (string | null)[]): string {
  const written = cells.map((cell) => {
    if (cell === null) return '';
    return `"${(FORMULA.test(cell) ? `'${cell}` : cell).replaceAll('"', '""')}"`;
  });
  return `${written.join(',')}\r\n`;
}
