// Rotations of channels' keys as their workflow calls them: plain JSON in and out, a heartbeat while a provider is asked, and lines for those on watch.
import { log } from '@temporalio/activity';
import {
  type ChannelKeyRotationActivities,
  type ChannelKeyRotationView,
  channelKeyRotationWorkflowId,
} from '../workflows/contracts/channel-key-rotation.ts';
import { beating } from './beating.ts';

type Row = Omit<ChannelKeyRotationView, 'runbook'>;

/** What has changed is saved before any of them answers. */
export interface SteppedRotations {
  tick(slotId: string): Promise<Row>;
  decide(
    slotId: string,
    decisionId: string,
  ): Promise<{ readonly kind: 'done'; readonly answer: Row } | { readonly kind: 'refused'; readonly why: string }>;
  startDue(): Promise<number>;
}

export function createChannelKeyRotationActivities(
  rotations: SteppedRotations,
  runbook: string,
): ChannelKeyRotationActivities {
  return {
    async tickChannelKeyRotation({ slotId }) {
      const row = await beating(() => rotations.tick(slotId));
      const { rotationId, channelId, attention, stage, why, isEmergency } = row;
      const where = { workflowId: channelKeyRotationWorkflowId(slotId), rotationId, channelId };
      if (attention !== null) log.error('channel_key_rotation_needs_attention', { ...where, attention });
      if (stage === 'rolled_back') log.error('channel_key_rotation_rolled_back', { ...where, why });
      if (stage === 'completed') log.info('channel_key_rotation_completed', { ...where, isEmergency });
      return told(row, runbook);
    },

    async lookUpRotationDecision({ slotId, decisionId }) {
      const outcome = await rotations.decide(slotId, decisionId);
      return outcome.kind === 'refused' ? outcome : { kind: 'done', view: told(outcome.answer, runbook) };
    },

    startDueChannelKeyRotations: () => rotations.startDue(),
  };
}

/** What histories need of it. */
function told(row: Row, runbook: string): ChannelKeyRotationView {
  const { orgId, revision, hasEnded, asks, waitMs, wakeAt, attention, ...rest } = row;
  const { rotationId, channelId, channelName, slotId, oldKeyId, newKeyId, stage, percent, isEmergency, why, goesOn } =
    rest;
  return {
    ...{ orgId, revision, hasEnded, asks, waitMs, wakeAt, attention, runbook },
    ...{ rotationId, channelId, channelName, slotId, oldKeyId, newKeyId, stage, percent, isEmergency, why, goesOn },
  };
}
