// What a person reads in Temporal's UI about a rotation: whose key, where it stands, and what can be done now, as markdown.
import {
  type ChannelKeyRotationView,
  channelKeyRotationWorkflowId,
  ROTATE_CHANNEL_KEY,
} from './contracts/channel-key-rotation.ts';
import { WHAT_IT_IS } from './contracts/process-starts.ts';
import { type Fact, factList, looksAgainFact, verbatim } from './facts.ts';
import { pokeCommand } from './operator-commands.ts';

export function describe(view: ChannelKeyRotationView, attention: string | null): string {
  const headline = attention === null ? headlineOf(view) : `NEEDS ATTENTION: ${attention}`;
  const rest = view.hasEnded ? [] : [whatToDo(view)];
  return [`### ${headline}`, WHAT_IT_IS[ROTATE_CHANNEL_KEY], facts(view), ...rest].join('\n\n');
}

function headlineOf({ stage, percent, why }: ChannelKeyRotationView): string {
  switch (stage) {
    case 'creating':
      return 'The new key is made';
    case 'awaiting_key':
      return 'Waits for the new key';
    case 'probing':
      return 'The new key is tried';
    case 'canary':
      return `${percent} of 100 requests get the new key`;
    case 'grace':
      return 'All requests get the new key, and the old one stands by';
    case 'draining':
      return 'Waits until no gateway sends the old key';
    case 'revoking':
    case 'verifying':
      return 'The old key is revoked';
    case 'completed':
      return 'The key was changed';
    default:
      return `Rolled back: ${why}`;
  }
}

function facts(view: ChannelKeyRotationView): string {
  const { rotationId, channelId, channelName, oldKeyId, newKeyId, stage, isEmergency, wakeAt } = view;
  const rows: Fact[] = [
    ['channel', `${verbatim(channelName)} (${channelId})`],
    ['rotation', rotationId],
    ['stands', stage],
    ['old key', oldKeyId],
    ['new key', newKeyId ?? 'none yet'],
    ...(isEmergency ? [['emergency', 'no canary, no grace'] as const] : []),
    looksAgainFact(wakeAt),
  ];
  return factList(rows);
}

function whatToDo({ rotationId, slotId, runbook }: ChannelKeyRotationView): string {
  return [
    '**What can be done**',
    '',
    `- Decide: \`POST /api/v1/key-rotations/${rotationId}/finish\`, \`roll-back\`, \`extend\`, \`emergency\` or \`key\`. A decision is a row of our API; nothing that is sent to this workflow makes one.`,
    `- Have it look again: ${pokeCommand(channelKeyRotationWorkflowId(slotId))}`,
    `- Read on: ${runbook}`,
  ].join('\n');
}
