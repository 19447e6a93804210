// What a person reads in Temporal's UI about a backup: what it is, how far it is, and what to do now, as markdown.
import { type BackupView, backupId } from './contracts/backup.ts';
import { type Fact, factList } from './facts.ts';
import { updateCommand } from './operator-commands.ts';

/** One line to a paragraph: the UI breaks where the text does. */
export const BACKUP_DETAILS = [
  'Dumps the database in one snapshot, seals the dump and stores it, restores it on a server of its own and compares it with its manifest, and then removes the backups that are not kept any more.',
  'When a step fails for good it waits for a person: what to do is in the current details.',
  'To stop it: the Update `dismiss`. One that is terminated comes back within the hour.',
].join('\n\n');

export function describe(view: BackupView): string {
  return [`### ${headline(view)}`, facts(view), ...(view.stage === 'attention' ? [whatToDo(view)] : [])].join('\n\n');
}

function headline({ name, stage, round, trouble }: BackupView): string {
  const inWords: Record<BackupView['stage'], string> = {
    dumping: `Taking it, round ${round}`,
    verifying: `Restoring it to see whether it can be (round ${round})`,
    pruning: 'It is good; removing those that are not kept any more',
    attention: `NEEDS ATTENTION: ${trouble}`,
    completed: `A good backup (round ${round})`,
    dismissed: `Dismissed by a person: ${trouble}`,
  };
  return `${inWords[stage]} (${name})`;
}

function facts({ object, bytes, takenAt, provenAt }: BackupView): string {
  const rows: Fact[] = [
    ['in storage', object === null ? 'nothing' : `${object}, ${bytes} bytes`],
    ['taken', takenAt ?? 'not yet'],
    ['restored and proven', provenAt ?? 'not yet'],
  ];
  return factList(rows);
}

function whatToDo({ name, runbook, answerBy, provenAt }: BackupView): string {
  const tell = (command: string) => updateCommand(backupId(name), command);
  const again = provenAt === null ? 'take another one' : 'remove the others';
  return [
    '**What to do**',
    '',
    `1. Find the cause: ${runbook}`,
    `2. It is mended, ${again}: ${tell('retryNow')}`,
    `3. Leave it: ${tell('dismiss')}`,
    '',
    `Without an answer by ${answerBy} it is told again.`,
  ].join('\n');
}
