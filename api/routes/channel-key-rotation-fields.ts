// What is told of a change of a channel's key, and of the places of keys. No key is.
import { z } from 'zod';
import { ROTATION_CHOICES, ROTATION_NEEDS } from '../../domain/channel-key-attention.ts';
import { instant, uuid } from './field-schemas.ts';

export const secret = z
  .string()
  .min(8)
  .max(1_000)
  .regex(/^[\x21-\x7e]+$/, 'printable ASCII without spaces')
  .meta({ description: 'Sealed at once and never told again' });

export const stage = z.enum([
  ...(['creating', 'awaiting_key', 'probing', 'canary', 'grace', 'draining', 'revoking', 'verifying'] as const),
  ...(['undoing', 'completed', 'rolled_back'] as const),
]);
const why = z.enum(['refused', 'worse', 'asked']);

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
    rotationStage: stage.nullable(),
    rotationEndedAt: instant.nullable(),
    rotationWhy: why.nullable().meta({ description: 'Why it was rolled back, or is being' }),
  })
  .meta({ id: 'KeySlot' });

export const KeyInventory = z
  .object({
    channelId: uuid,
    channelName: z.string(),
    channelStatus: z.enum(['enabled', 'draining', 'disabled']),
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
    oldKeyLastFour: z.string().nullable(),
    newKeyLastFour: z.string().nullable(),
    stage,
    percent: z.int().nullable().meta({ description: 'Of requests that get the new key, in the canary' }),
    isEmergency: z.boolean(),
    why: why.nullable().meta({ description: 'Why it was rolled back, or is being' }),
    results: z
      .array(
        z.object({
          percent: z.int(),
          fresh: Tally,
          old: Tally,
          verdict: z.enum(['good', 'refused', 'worse', 'shared']),
          at: instant,
        }),
      )
      .readonly(),
    hasEnded: z.boolean(),
    wakeAt: instant.nullable(),
    origin: z.enum(['made', 'brought']).meta({ description: 'By whom the new key is made: by us, or by a person' }),
    attempts: z
      .object({ fresh: z.int(), enough: z.int() })
      .nullable()
      .meta({ description: 'With the new key since its stage of the canary began, and how many end that stage' }),
    stageEndsAt: instant
      .nullable()
      .meta({ description: 'When time alone ends the stage, or a person is told anew; null: something else does' }),
    failure: z.string().nullable().meta({ description: 'Of what is tried outside: why it has not worked so far' }),
    need: z.enum(ROTATION_NEEDS).nullable().meta({ description: 'Of a person; null: nothing' }),
    attention: z.string().nullable().meta({ description: 'The same in words' }),
    choices: z.array(z.enum(ROTATION_CHOICES)).readonly().meta({ description: 'What may be decided of it now' }),
    workflowId: z.string(),
  })
  .meta({ id: 'KeyRotation' });

export type Declared = z.output<typeof KeyRotation>;
