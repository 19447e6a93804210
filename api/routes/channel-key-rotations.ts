// Changing the keys of channels: the places of a channel's keys, how old a key may become, and one change of a key from its start to its end. A key that
// is brought is sealed at once and never told again; what somebody decides is a row, and is done when it is answered.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { decideRotation, type WantedDecision } from '../../services/channel-key-rotation/decisions.ts';
import { foundRotation } from '../../services/channel-key-rotation/rotation-rows.ts';
import { type AttendedRotation, attendedRotation } from '../../services/channel-key-rotation/rotation-view.ts';
import { keyInventories, keyInventory, setPolicy } from '../../services/channel-key-rotation/slots.ts';
import { startRotation } from '../../services/channel-key-rotation/start.ts';
import { lockedChannel } from '../../services/channels/channels.ts';
import { hasKeyApi, setAdminKey } from '../../services/channels/provider-admin.ts';
import { channelKeyRotationWorkflowId } from '../../services/processes/poke.ts';
import type { AppDependencies } from './app-dependencies.ts';
import { type Declared, KeyInventory, KeyRotation, KeySlot, secret, stage } from './channel-key-rotation-fields.ts';
import { instant, reason, uuid } from './field-schemas.ts';
import { onePage, pageOf, pageQuery } from './pagination.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const byId = z.object({ id: uuid });
const inSlot = z.object({ id: uuid, slotId: uuid });

const inventory = adminRead({
  permission: 'channel.read',
  path: '/api/v1/channels/{id}/key-slots',
  summary: 'The places of a channel’s keys: age, policy, next run, last result',
  params: byId,
  query: none,
  response: KeyInventory,
  handler: ({ params }, { db }) => keyInventory(db, params.id),
});

const inventories = adminRead({
  permission: 'channel.read',
  path: '/api/v1/key-slots',
  summary: 'The places of the keys of all channels, newest channel first',
  params: none,
  query: z.strictObject(pageQuery),
  response: pageOf(KeyInventory),
  handler: ({ query }, { db }) =>
    onePage(
      { name: 'key_slots', position: uuid, positionOf: (row: { readonly channelId: string }) => row.channelId },
      query,
      (after, pageSize) => keyInventories(db, after, pageSize),
    ),
});

const policy = adminChange({
  permission: 'channel.change',
  method: 'post',
  path: '/api/v1/channels/{id}/key-slots/{slotId}/policy',
  summary: 'Say how old the key in a place may become before it is changed by itself',
  params: inSlot,
  body: z.strictObject({ rotateAfterDays: z.int().min(1).max(730).nullable(), reason: reason.optional() }),
  response: KeySlot,
  handler: ({ params, body }, _app, change) =>
    change(async (tx) => {
      await lockedChannel(tx, params.id);
      const { before, after } = await setPolicy(tx, params.id, params.slotId, body.rotateAfterDays);
      const target = { targetKind: 'channel', targetId: params.id } as const;
      return {
        answer: after,
        audit: { action: 'channel.key_policy_changed', ...target, before, after, reason: body.reason },
      };
    }),
});

const adminKey = adminChange({
  permission: 'channel.change',
  method: 'post',
  path: '/api/v1/channels/{id}/admin-key',
  summary: 'Set the key with which keys are made and deleted at the provider; it is never told again',
  params: byId,
  body: z.strictObject({ adminKey: secret, reason: reason.optional() }),
  response: KeyInventory,
  handler: ({ params, body }, { vault }, change) =>
    change(async (tx) => {
      const channel = await lockedChannel(tx, params.id);
      if (!hasKeyApi(channel)) throw noKeyApi(channel.provider);
      const lastFour = await setAdminKey(tx, vault, channel, body.adminKey);
      const target = { targetKind: 'channel', targetId: params.id } as const;
      return {
        answer: await keyInventory(tx, params.id),
        audit: { action: 'channel.admin_key_set', ...target, after: { lastFour }, reason: body.reason },
      };
    }),
});

function noKeyApi(provider: string): TollgateError {
  return new TollgateError('conflict', {
    message: `We make no keys at providers of kind ${provider}: start a rotation, and bring the new key.`,
  });
}

const start = adminChange({
  permission: 'channel.change',
  method: 'post',
  path: '/api/v1/channels/{id}/key-slots/{slotId}/rotations',
  summary: 'Change the key in a place for another; of a channel one at a time',
  params: inSlot,
  status: 201,
  body: z.strictObject({
    reason,
    emergency: z.boolean().default(false).meta({ description: 'Somebody has the old key: no canary and no grace' }),
  }),
  response: KeyRotation,
  handler: ({ params, body, author }, _app, change) =>
    change(async (tx) => {
      const wanted = { channelId: params.id, slotId: params.slotId, isEmergency: body.emergency, reason: body.reason };
      const { rotation, audit } = await startRotation(tx, wanted, author);
      return { answer: shown(await attendedRotation(tx, await foundRotation(tx, rotation.id))), audit };
    }),
});

const one = adminRead({
  permission: 'channel.read',
  path: '/api/v1/key-rotations/{id}',
  summary: 'One change of a key: where it stands, what came of each stage, what it waits for',
  params: byId,
  query: none,
  response: KeyRotation,
  handler: async ({ params }, { db }) => shown(await attendedRotation(db, await foundRotation(db, params.id))),
});

const because = { reason };
const ofOneStage = {
  ...because,
  seenStage: stage.optional().meta({
    description: 'In which you saw it: another by now is a conflict, since this means something else in each',
  }),
};

function deciding<Body extends z.ZodObject>(
  path: string,
  summary: string,
  body: Body,
  wantedOf: (body: z.output<Body>) => WantedDecision,
): Route {
  return adminChange({
    permission: 'channel.change',
    method: 'post',
    path: `/api/v1/key-rotations/{id}/${path}`,
    summary,
    params: byId,
    body,
    response: KeyRotation,
    handler: ({ params, body: sent, author }, { vault }: AppDependencies, change) =>
      change(async (tx) => {
        const { rotation, audit } = await decideRotation(tx, vault, params.id, wantedOf(sent), author);
        return { answer: shown(await attendedRotation(tx, await foundRotation(tx, rotation.id))), audit };
      }),
  });
}

export const keyRotationRoutes: readonly Route[] = [
  inventories,
  inventory,
  policy,
  adminKey,
  start,
  one,
  deciding(
    'key',
    'Bring the new key; it is sealed at once and never told again',
    z.strictObject({ ...because, newKey: secret }),
    (sent) => ({ kind: 'supply', secret: sent.newKey, reason: sent.reason }),
  ),
  deciding(
    'finish',
    'In grace: end it now; in verifying: say that the provider refuses the old key',
    z.strictObject(ofOneStage),
    (sent) => ({ kind: 'finish', ...sent }),
  ),
  deciding(
    'roll-back',
    'Take it all back, as long as the old key was not revoked',
    z.strictObject(because),
    (sent) => ({
      kind: 'roll_back',
      reason: sent.reason,
    }),
  ),
  deciding(
    'emergency',
    'Somebody has the old key: go on without canary and grace',
    z.strictObject(because),
    (sent) => ({
      kind: 'emergency',
      reason: sent.reason,
    }),
  ),
  deciding(
    'extend',
    'Let the stage in which it is last longer',
    z.strictObject({ ...ofOneStage, until: instant }),
    (sent) => ({ kind: 'extend', ...sent }),
  ),
];

function shown({ rotationId, wakeAt, results, ...view }: AttendedRotation): Declared {
  return {
    ...view,
    id: rotationId,
    results: results.map(({ atMs, ...result }) => ({ ...result, at: new Date(atMs) })),
    wakeAt: wakeAt === null ? null : new Date(wakeAt),
    workflowId: channelKeyRotationWorkflowId(view.slotId),
  };
}
