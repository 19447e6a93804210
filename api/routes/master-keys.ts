// The master keys under which secrets are sealed: which there are and who has them, how one takes the place of another, and the end of one. The keys
// themselves never pass here: the operator gives them to the processes (docs/operations.md).
import type { PoolClient } from 'pg';
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import type { RotationCommandName } from '../../domain/master-key-rotation.ts';
import { destroyMasterKey, masterKeyHolders, masterKeys } from '../../services/master-keys/master-keys.ts';
import { newestRotation, type RotationView, rotationView } from '../../services/master-keys/rotation-rows.ts';
import { commandRotation, startRotation } from '../../services/master-keys/rotations.ts';
import { newId } from '../../services/platform/ids.ts';
import { masterKeyRotationWorkflowId } from '../../services/processes/poke.ts';
import { instant, reason, uuid } from './field-schemas.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const LARGEST_VERSION = 999_999_999;
const version = z.int().min(1).max(LARGEST_VERSION);
const byVersion = z.object({ version: z.coerce.number().pipe(version) });

const MasterKey = z
  .object({
    version,
    state: z.enum(['coming', 'sealing', 'opening', 'destroyed']),
    since: instant,
    sealedRows: z.int().meta({ description: 'How much is sealed under it' }),
    backups: z.array(z.string()).readonly().meta({ description: 'Names of backups that need it to open in whole' }),
  })
  .meta({ id: 'MasterKey' });

const Holder = z
  .object({
    processId: uuid,
    kind: z.enum(['gateway', 'caretaker', 'worker']),
    host: z.string(),
    pid: z.int(),
    versions: z.array(version).readonly(),
    otherBytes: z.array(version).readonly().meta({ description: 'Of which it has other bytes than are meant' }),
    seenAt: instant,
  })
  .meta({ id: 'MasterKeyHolder' });

const Rotation = z
  .object({
    version,
    stage: z.enum(['acknowledging', 'resealing', 'attention', 'completed', 'cancelled']),
    isPaused: z.boolean(),
    startedBy: z.string(),
    reason: z.string(),
    startedAt: instant,
    switchedAt: instant.nullable().meta({ description: 'Since when nothing is sealed under an older one' }),
    endedAt: instant.nullable(),
    behind: z.array(z.string()).readonly().meta({ description: 'Processes that do not have it yet' }),
    total: z.int().nullable().meta({ description: 'Rows to be renewed; null before it seals' }),
    resealed: z.int(),
    left: z.int().meta({ description: 'Rows that are sealed under another one' }),
    troubles: z.array(z.string()).readonly().meta({ description: 'Places that do not open' }),
    workflowId: z.string(),
  })
  .meta({ id: 'MasterKeyRotation' });

export const masterKeyRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/master-keys',
    permission: 'master_key.read',
    summary: 'Which master keys there are, newest first, what is sealed under each, and which process has which',
    params: none,
    query: none,
    response: z
      .object({
        masterKeys: z.array(MasterKey).readonly(),
        holders: z.array(Holder).readonly(),
        rotation: Rotation.nullable().meta({ description: 'The newest, whether it goes on or has ended' }),
      })
      .meta({ id: 'MasterKeys' }),
    handler: async (_, { db }) => {
      const rotation = await newestRotation(db);
      return {
        masterKeys: await masterKeys(db),
        holders: await masterKeyHolders(db),
        rotation: rotation === null ? null : shown(rotation),
      };
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/master-keys/{version}/destroy',
    permission: 'master_key.destroy',
    summary: 'Nothing is opened or sealed by it ever again, once nothing needs it',
    twoPersons: () => 'a master key is not brought back',
    params: byVersion,
    body: z.strictObject({ reason }),
    response: MasterKey,
    handler: ({ params, body }, _app, change) =>
      change(async (tx) => {
        const answer = await destroyMasterKey(tx, params.version);
        const { state } = answer;
        const what = {
          action: 'master_key.destroyed',
          targetKind: 'master_key',
          targetId: String(answer.version),
        } as const;
        return { answer, audit: { ...what, after: { state }, reason: body.reason } };
      }),
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/master-key-rotations',
    permission: 'master_key.rotate',
    summary: 'Have everything sealed under a newer master key, which every process has or is about to have',
    params: none,
    status: 201,
    body: z.strictObject({ version, reason }),
    response: Rotation,
    handler: ({ body, actor }, { vault }, change) =>
      change(async (tx) => {
        const rotation = await startRotation(tx, vault, body.version, { actor, reason: body.reason });
        return {
          answer: shown(rotation),
          audit: { ...audited(body.version, 'started'), after: { version: body.version }, reason: body.reason },
        };
      }),
  }),
  adminRead({
    path: '/api/v1/master-key-rotations/{version}',
    permission: 'master_key.read',
    summary: 'How far it is, and which process it waits for',
    params: byVersion,
    query: none,
    response: Rotation,
    handler: async ({ params }, { db }) => shown(await rotationView(db, params.version)),
  }),
  command('pause', 'pause', 'Let it stand still; what is sealed opens as ever'),
  command('resume', 'resume', 'Let it go on'),
  command('cancel', 'cancel', 'Never use this master key; only before it seals'),
  command('retry-now', 'retryNow', 'What did not open is mended: go on'),
  command('dismiss', 'dismiss', 'What does not open stays as it is'),
];

function command(name: string, commanded: RotationCommandName, summary: string): Route {
  return adminChange({
    method: 'post',
    path: `/api/v1/master-key-rotations/{version}/${name}`,
    permission: 'master_key.rotate',
    summary,
    params: byVersion,
    body: z.strictObject({ reason }),
    response: Rotation,
    handler: ({ params, body, actor }, _app, change) =>
      change((tx) => obeyed(tx, params.version, { command: commanded, actor, reason: body.reason })),
  });
}

async function obeyed(
  tx: PoolClient,
  rotated: number,
  told: { readonly command: RotationCommandName; readonly actor: string; readonly reason: string },
) {
  const outcome = await commandRotation(tx, rotated, { ...told, requestId: newId() });
  if (outcome.kind === 'refused') {
    const message = `The rotation to master key ${rotated} cannot take "${told.command}" as it stands now (${outcome.why}).`;
    throw new TollgateError('conflict', { message });
  }
  const { answer, audit } = outcome;
  if (audit === null) throw new Error('a new request was counted before');
  return { answer: shown(answer), audit };
}

function shown(rotation: RotationView) {
  return { ...rotation, workflowId: masterKeyRotationWorkflowId(rotation.version) };
}

function audited(rotated: number, done: string) {
  return { action: `master_key_rotation.${done}`, targetKind: 'master_key', targetId: String(rotated) } as const;
}
