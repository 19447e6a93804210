// An API key as routes tell it: what it may do, whether it is out of use and why, and the credential that works beside its own.
import { z } from 'zod';
import { instant, shownAddresses, shownCaps, uuid, version } from './field-schemas.ts';

export const ApiKey = z
  .object({
    id: uuid,
    orgId: uuid,
    projectId: uuid,
    memberId: uuid.nullable().meta({ description: 'With whom it is in use and out of use' }),
    name: z.string(),
    prefix: z.string(),
    lastFour: z.string(),
    allowedModels: z.array(z.string()).readonly().nullable(),
    allowedAddresses: shownAddresses,
    caps: shownCaps,
    requestsPerMinute: z.number().nullable(),
    tokensPerMinute: z.number().nullable(),
    concurrentRequests: z.number().nullable(),
    expiresAt: instant.nullable(),
    disabledAt: instant.nullable(),
    disabledReason: z.string().nullable(),
    frozen: z
      .object({
        at: instant,
        url: z.string().nullable().meta({ description: 'Where its credential was seen' }),
        source: z.string().nullable(),
      })
      .nullable()
      .meta({
        description:
          'Its credential was found where others can read it: requests are refused until it is rolled or unfrozen',
      }),
    rotation: z
      .object({
        id: uuid,
        prefix: z.string(),
        lastFour: z.string(),
        startedAt: instant,
        endsAt: instant.meta({ description: 'From then on the replaced credential is refused' }),
        usedAt: instant.nullable().meta({ description: 'When the replaced credential was last used, within a minute' }),
        usedFrom: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'While a credential that was replaced works beside the key’s own' }),
    version,
    createdAt: instant,
  })
  .meta({ id: 'ApiKey' });

export const NewApiKey = ApiKey.extend({
  credential: z.string().nullable().meta({ description: 'Shown this once; null when the request is repeated' }),
}).meta({ id: 'NewApiKey' });

export const byId = z.object({ id: uuid });
