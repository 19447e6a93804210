// What is told of a channel, and how its keys come in. They never come out.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { CHANNEL_KEY_STATUSES, CHANNEL_STATUSES, PROVIDERS } from '../../services/channels/channels.ts';
import { distinct, instant, uuid, version } from './field-schemas.ts';

export const channelAnswer = z
  .object({
    id: uuid,
    name: z.string(),
    provider: z.enum(PROVIDERS),
    baseUrl: z.string(),
    allowLocal: z.boolean(),
    weight: z.number(),
    priority: z.number(),
    models: z.array(z.object({ id: z.string(), upstreamModel: z.string() })).readonly(),
    keys: z
      .array(
        z.object({
          id: uuid,
          lastFour: z.string(),
          status: z.enum(CHANNEL_KEY_STATUSES),
          statusReason: z.string().nullable(),
          statusAt: z.string(),
        }),
      )
      .readonly(),
    outputCapField: z.enum(['max_tokens', 'max_completion_tokens']).nullable(),
    onDisconnect: z.enum(['cancel_stops_billing', 'drain']),
    maxInFlight: z.number(),
    requestsPerMinute: z.number().nullable(),
    usageExport: z.enum(['demo']).nullable(),
    status: z.enum(CHANNEL_STATUSES),
    statusReason: z.string().nullable(),
    statusBy: z.string().nullable(),
    statusAt: instant,
    version,
    createdAt: instant,
  })
  .meta({ id: 'Channel' });

const secret = z
  .string()
  .min(1)
  .max(4_000)
  .regex(/^[\x21-\x7e]+$/, 'a key is printable ASCII without spaces');

export const secrets = distinct(secret, 100);

export function keysNeeded(): TollgateError {
  return new TollgateError('invalid_body', {
    message:
      'A key is bound to the origin (scheme, host, port) that it was entered for, and the base URL has another one now: send the keys again in "keys".',
    param: 'keys',
  });
}
