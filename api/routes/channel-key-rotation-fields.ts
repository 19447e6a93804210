// What is told of a change of a channel's key, and of the places of keys. No key is.
import { z } from 'zod';
import { instant, uuid } from './field-schemas.ts';

export const secret = z
  .string()
  .min(8)
  .max(1_000)
  .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces')
  .meta({ description: 'Sealed at once and never told again' });

export const KeySlot = z
  .object({
    id: uuid,
    keyId: uuid.nullable(),
    lastFour: z.string().nullable(),
    keyedAt: instant,
    ageDays: z.int(),
    rotateAfterDays: z.int().nullable().meta({ description: 'null: it is changed only when somebody asks' }),
    nextRunAt: instant.nullable(),
    rotationId: uuid.nullable().meta({ description: 'The newest change, whether it goes on or has ended' }),
    rotationStage: z.string().nullable(),
    rotationEndedAt: instant.nullable(),
  })
  .meta({ id: 'KeySlot' });

export const KeyInventory = z
  .object({
    channelId: uuid,
    hasKeyApi: z.boolean().meta({ description: 'Whether we can make and delete keys at this provider' }),
    adminKeyLastFour: z.string().nullable().meta({ description: 'null: none is set, so people make and delete them' }),
    slots: z.array(KeySlot).readonly(),
  })
  .meta({ id: 'KeyInventory' });

const Tally = z.object({ attempts: z.int(), refused: z.int(), limited: z.int(), failed: z.int() });

export const KeyRotation = z
  .object({
    id: uuid,
    revision: z.int(),
    channelId: uuid,
    channelName: z.string(),
    slotId: uuid,
    oldKeyId: uuid,
    newKeyId: uuid.nullable(),
    stage: z.string(),
    percent: z.int().nullable().meta({ description: 'Of requests that get the new key, in the canary' }),
    isEmergency: z.boolean(),
    why: z.string().nullable().meta({ description: 'Why it was rolled back, or is being' }),
    results: z
      .array(z.object({ percent: z.int(), fresh: Tally, old: Tally, verdict: z.string(), at: instant }))
      .readonly(),
    hasEnded: z.boolean(),
    wakeAt: instant.nullable(),
    attention: z.string().nullable().meta({ description: 'What a person must do; null: nothing' }),
    workflowId: z.string(),
  })
  .meta({ id: 'KeyRotation' });

export type Declared = z.output<typeof KeyRotation>;
