// What a person reads in Temporal's UI about a drill: which backup, how long it took, and what to do now, as markdown.
import { type RestoreCheckView, restoreCheckId } from './contracts/restore-check.ts';
import { type Fact, factList } from './facts.ts';
import { updateCommand } from './operator-commands.ts';

/** One line to a paragraph: the UI breaks where the text does. */
export const RESTORE_CHECK_DETAILS = [
  'Fetches the newest proven backup from storage and restores it on a server of its own, by the clock: so long a real restore would take at least.',
  'When that fails it waits for a person: what to do is in the current details.',
  'To stop it: the Update `dismiss`. One that is terminated comes back within the hour.',
].join('\n\n');

export function describe(view: RestoreCheckView): string {
  return [`### ${headline(view)}`, facts(view), ...(view.stage === 'attention' ? [whatToDo(view)] : [])].join('\n\n');
}

function headline({ name, stage, round, trouble }: RestoreCheckView): string {
  const inWords: Record<RestoreCheckView['stage'], string> = {
    restoring: `Restoring, round ${round}`,
    attention: `NEEDS ATTENTION: ${trouble}`,
    completed: `Restored and proven (round ${round})`,
    dismissed: `Dismissed by a person: ${trouble}`,
  };
  return `${inWords[stage]} (${name})`;
}

function facts({ backup, restoredInMs }: RestoreCheckView): string {
  const rows: Fact[] = [
    ['backup', backup],
    ['restored in', restoredInMs === null ? 'not yet' : `${Math.round(restoredInMs / 1_000)} s`],
  ];
  return factList(rows);
}

function whatToDo({ name, runbook, answerBy }: RestoreCheckView): string {
  const tell = (command: string) => updateCommand(restoreCheckId(name), command);
  return [
    '**What to do**',
    '',
    `1. Find the cause, and whether the other backups are good: ${runbook}`,
    `2. It is mended, restore it again: ${tell('retryNow')}`,
    `3. Leave it: ${tell('dismiss')}`,
    '',
    `Without an answer by ${answerBy} it is told again.`,
  ].join('\n');
}
