// Whoever of us is to bring a key is written to: when a rotation that nobody began by hand waits for one, and a day after each time that he was (D155).
import type { PoolClient } from 'pg';
import type { ChannelKeyRotation } from '../../domain/channel-key-stages.ts';
import { queueMail } from '../notifications/outbox.ts';
import { channelKeyRotationWorkflowId } from '../processes/poke.ts';
import type { Held } from './rotation-rows.ts';

/** Of a turn that ends in this state. */
export async function remindOfKey(tx: PoolClient, { row, channel }: Held, after: ChannelKeyRotation): Promise<void> {
  const [told, now] = [remindersIn(row.state), remindersIn(after)];
  if (told === null || now === null || now === told) return;
  await mailForKey(tx, { row, channel }, now);
}

/** `reminders`: so many were sent before. Sent again under the same number it is the same mail. */
export async function mailForKey(tx: PoolClient, { row, channel }: Held, reminders: number): Promise<void> {
  const { id, slotId, oldKeyId, beganAt } = row;
  await queueMail(tx, {
    orgId: null,
    kind: 'channel_key_awaited',
    key: `channel_key_awaited:${id}:${reminders}`,
    facts: {
      channelName: channel.name,
      keyLastFour: channel.keys.find((channelKey) => channelKey.id === oldKeyId)?.lastFour ?? '',
      awaitedSince: beganAt.toISOString(),
      workflowId: channelKeyRotationWorkflowId(slotId),
    },
  });
}

/** Null: it waits for no key. */
function remindersIn({ stage }: ChannelKeyRotation): number | null {
  return stage.kind === 'awaiting_key' ? stage.reminders : null;
}
