// The key in a place of a channel is changed for another, from the wish until the provider refuses the old one, or until all is as it was. What people
// decide are rows: this only looks, and waits for time, for attempts of customers and for gateways.
import { ApplicationFailure, continueAsNew, proxyActivities, setHandler } from '@temporalio/workflow';
import { DB, PROVIDER } from './activity-presets.ts';
import { BillingProcess } from './billing-process.ts';
import { describe } from './channel-key-rotation-details.ts';
import {
  type ChannelKeyRotationActivities,
  type ChannelKeyRotationInput,
  type ChannelKeyRotationTickInput,
  type ChannelKeyRotationView,
  emergency,
  extend,
  finish,
  type RotationDecisionTold,
  rollback,
  supplyKey,
} from './contracts/channel-key-rotation.ts';

const db = proxyActivities<ChannelKeyRotationActivities>(DB);
const provider = proxyActivities<ChannelKeyRotationActivities>(PROVIDER);

const DECISIONS = { supplyKey, finish, rollback, extend, emergency };
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Started by the schedule every hour: keys that are older than they may be are changed. Their rows and their news start the rest. */
export async function channelKeyRotationTick(_input: ChannelKeyRotationTickInput): Promise<void> {
  await db.startDueChannelKeyRotations.executeWithOptions({ ...DB, summary: 'keys that are too old' }, []);
}

export async function channelKeyRotation({ slotId }: ChannelKeyRotationInput): Promise<void> {
  const process = new BillingProcess<ChannelKeyRotationView>({
    look: () => untilItWaits(slotId),
    stageOf: ({ stage, percent }) => (percent === null ? stage : `${stage}_${percent}`),
    amountDueCents: () => null,
    describe,
    isLastOfCycle: () => false,
  });
  const told =
    (name: string) =>
    async ({ decisionId }: RotationDecisionTold) => {
      const summary = `${name}: decision ${decisionId}`;
      const outcome = await db.lookUpRotationDecision.executeWithOptions({ ...DB, summary }, [{ slotId, decisionId }]);
      if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.why, 'CommandRefused');
      process.news();
      return outcome.view;
    };
  for (const [name, definition] of Object.entries(DECISIONS)) {
    setHandler(definition, told(name), { validator: refuseWithoutId });
  }

  if ((await process.run()) === 'goes_on') await continueAsNew<typeof channelKeyRotation>({ v: 1, slotId });
}

async function untilItWaits(slotId: string): Promise<ChannelKeyRotationView> {
  let view = await provider.tickChannelKeyRotation({ slotId });
  while (view.goesOn) {
    view = await provider.tickChannelKeyRotation.executeWithOptions({ ...PROVIDER, summary: view.stage }, [{ slotId }]);
  }
  return view;
}

/** It comes from outside and may be anything. */
function refuseWithoutId(told: Partial<RotationDecisionTold> | undefined): void {
  if (UUID.test(String(told?.decisionId))) return;
  throw ApplicationFailure.nonRetryable('decisionId: the UUID of a decision that was made', 'CommandIncomplete');
}
