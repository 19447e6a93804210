// Backups and drills as those see them who keep the installation running: what there is, how large, how long it took and when it last proved
// itself; and one more of either, which a worker carries out.
import { z } from 'zod';
import { listBackups, listDrills, requestBackup, requestDrill } from '../../services/backups/backup-list.ts';
import { backupId } from '../../workflows/contracts/backup.ts';
import { restoreCheckId } from '../../workflows/contracts/restore-check.ts';
import { instant, line } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const name = line(100);
const milliseconds = z.int().nonnegative().nullable();

const Backup = z
  .object({
    name,
    kind: z.enum(['nightly', 'by_hand']),
    requestedBy: z.string().nullable(),
    stage: z.enum(['dumping', 'verifying', 'pruning', 'attention', 'completed', 'dismissed']),
    openedAt: instant,
    takenAt: instant.nullable().meta({ description: 'Of which moment it is; null: it is being taken' }),
    bytes: z.int().nonnegative().nullable(),
    dumpedInMs: milliseconds,
    provenAt: instant.nullable().meta({ description: 'When it was restored and compared; null: it was not' }),
    provenInMs: milliseconds,
    restoredInMs: milliseconds.meta({ description: 'Of that, until there was a database that could serve' }),
    rows: z.int().nonnegative().nullable(),
    ledgerTransaction: z.string().nullable().meta({ description: 'With which transaction its ledger ends' }),
    masterKeyVersion: z.int().nullable().meta({ description: 'The master key without which it opens for nobody' }),
    trouble: z.string().nullable().meta({ description: 'Why it waits for a person, or waited' }),
    removedAt: instant.nullable().meta({ description: 'When it made room for others' }),
    workflowId: z.string(),
  })
  .meta({ id: 'Backup' });

const Drill = z
  .object({
    name,
    backup: name,
    requestedBy: z.string().nullable(),
    stage: z.enum(['restoring', 'attention', 'completed', 'dismissed']),
    openedAt: instant,
    endedAt: instant.nullable(),
    restoredInMs: milliseconds.meta({ description: 'From the first byte to a database that could serve' }),
    provenInMs: milliseconds,
    rows: z.int().nonnegative().nullable(),
    trouble: z.string().nullable(),
    workflowId: z.string(),
  })
  .meta({ id: 'RestoreCheck' });

const byName = { position: name, positionOf: (row: { readonly name: string }) => row.name };

export const backupRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/backups',
    permission: 'backup.read',
    summary: 'Backups, newest first: sizes, durations, and when each was last proven',
    params: none,
    query: z.strictObject(pageQuery),
    response: pageOf(Backup),
    handler: ({ query }, { db }) =>
      onePage({ name: 'backups', ...byName }, query, async (after, pageSize) =>
        (await listBackups(db, after, pageSize)).map(withWorkflow(backupId)),
      ),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/backups',
    permission: 'backup.take',
    summary: 'Has a backup taken and proven now, beside those of the nights',
    params: none,
    status: 201,
    body: z.strictObject({}),
    response: Backup,
    handler: ({ actor }, _app, change) =>
      change(async (tx) => {
        const answer = withWorkflow(backupId)(await requestBackup(tx, actor));
        const audit = { action: 'backup.requested', targetKind: 'backup', targetId: answer.name } as const;
        return { answer, audit: { ...audit, after: { stage: answer.stage } } };
      }),
  }),
  adminRead({
    path: '/api/v1/restore-checks',
    permission: 'backup.read',
    summary: 'Drills, newest first: which backup was restored, and in what time',
    params: none,
    query: z.strictObject(pageQuery),
    response: pageOf(Drill),
    handler: ({ query }, { db }) =>
      onePage({ name: 'restore_checks', ...byName }, query, async (after, pageSize) =>
        (await listDrills(db, after, pageSize)).map(withWorkflow(restoreCheckId)),
      ),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/restore-checks',
    permission: 'backup.take',
    summary: 'Has a backup fetched and restored by the clock, the newest proven one where none is named',
    params: none,
    status: 201,
    body: z.strictObject({ backup: name.optional() }),
    response: Drill,
    handler: ({ body, actor }, _app, change) =>
      change(async (tx) => {
        const answer = withWorkflow(restoreCheckId)(await requestDrill(tx, actor, body.backup ?? null));
        const audit = {
          action: 'restore_check.requested',
          targetKind: 'restore_check',
          targetId: answer.name,
        } as const;
        return { answer, audit: { ...audit, after: { backup: answer.backup } } };
      }),
  }),
];

function withWorkflow(idOf: (name: string) => string) {
  return <Row extends { readonly name: string }>(row: Row) => ({ ...row, workflowId: idOf(row.name) });
}
