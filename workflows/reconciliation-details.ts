// What a person reads in Temporal's UI about a reconciliation: what it is, what it found, and what to do now, as markdown.
import { type Reconciliation, type ReconciliationStage, reconciliationId } from './contracts/reconciliation.ts';
import { updateCommand } from './operator-commands.ts';

/** One line to a paragraph: the UI breaks where the text does. */
export const STATIC_DETAILS = [
  "Recomputes every balance from the ledger's entries and traces every entry to its cause (`services/ledger/verifier.ts`). It changes no money.",
  'When an invariant does not hold it waits for a person: what to do is in the current details.',
  'To stop it: the Update `dismiss`. One that is terminated comes back within the hour.',
].join('\n\n');

export function describe(row: Reconciliation): string {
  return [`### ${headline(row)}`, ...body(row)].join('\n\n');
}

function headline({ name, stage, round, findings, invariants }: Reconciliation): string {
  const inWords: Record<ReconciliationStage, string> = {
    running: `Verifying the ledger, round ${round}`,
    attention: `NEEDS ATTENTION: ${findings.length} of ${invariants} invariants of the ledger do not hold (round ${round})`,
    completed: `The ledger is proven: all ${invariants} invariants hold (round ${round})`,
    dismissed: `Dismissed by a person with ${findings.length} findings`,
  };
  return `${inWords[stage]} (${name})`;
}

function body(row: Reconciliation): string[] {
  return row.stage === 'attention' ? [found(row), whatToDo(row)] : [];
}

function found({ findings }: Reconciliation): string {
  const rows = findings.map(({ id, title, count, examples }) => {
    const cells = [id, title, String(count), examples.join('; ')];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| invariant | says | broken | among them |', '|---|---|---|---|', ...rows].join('\n');
}

function whatToDo({ name, runbook, answerBy }: Reconciliation): string {
  const tell = (command: string) => updateCommand(reconciliationId(name), command);
  return [
    '**What to do**',
    '',
    `1. Find the cause: ${runbook}`,
    `2. It is mended: ${tell('retryNow')}`,
    `3. It is known and stays: ${tell('dismiss')}`,
    '',
    `Without an answer by ${answerBy} it is told again.`,
  ].join('\n');
}
