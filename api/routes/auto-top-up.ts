// Automatic top-up of an organization: what it may buy by itself, or that it may not.
import { z } from 'zod';
import { autoTopUp, lockedAutoTopUp, setAutoTopUp } from '../../services/top-ups/top-ups.ts';
import { instant, uuid, version } from './field-schemas.ts';
import { requireSeen } from './reply.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

// $10,000 at once, and a hundred times that in a month.
const MOST_CENTS = 1_000_000;
const cents = z.int().max(MOST_CENTS);
const cap = z
  .int()
  .min(100)
  .max(100 * MOST_CENTS);

const TAX_INCLUDED = 'tax included; where only Stripe knows the tax, it may be passed by that of one top-up';

const Settings = z
  .strictObject({
    thresholdCents: cents
      .min(0)
      .meta({ description: 'Bought is when the balance is below: what is free and what is leased but unspent' }),
    amountCents: cents
      .min(100)
      .meta({ description: 'What one top-up brings, in credit; it costs this and the tax on it' }),
    dailyCapCents: cap.meta({ description: `The most that the card is asked for in a day of UTC, ${TAX_INCLUDED}` }),
    monthlyCapCents: cap.meta({
      description: `The most that the card is asked for in a month of UTC, ${TAX_INCLUDED}`,
    }),
  })
  .meta({ id: 'AutoTopUpSettings' });

const AutoTopUp = z
  .object({
    orgId: uuid,
    version,
    settings: Settings.nullable().meta({ description: 'null: it is off' }),
    openCents: z
      .int()
      .nullable()
      .meta({ description: 'What the card is asked for by a top-up whose payment is awaited' }),
    declinesInARow: z.int().meta({ description: 'After three it is off' }),
    notBefore: instant.nullable().meta({ description: 'After a decline the card rests for an hour' }),
  })
  .meta({ id: 'AutoTopUp' });

const ofOrganization = z.object({ orgId: uuid });

export const autoTopUpRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/organizations/{orgId}/auto-top-up',
    permission: 'auto_top_up.read',
    of: ({ params }) => params,
    summary: 'What an organization buys by itself when its credit runs low',
    params: ofOrganization,
    query: none,
    response: AutoTopUp,
    handler: ({ params }, { db }) => autoTopUp(db, params.orgId),
  }),
  adminChange({
    method: 'patch',
    path: '/api/v1/organizations/{orgId}/auto-top-up',
    permission: 'auto_top_up.change',
    of: ({ params }) => params,
    summary: 'Switch automatic top-up on with these settings, or off with null; what is being bought is bought',
    ifMatch: 'required',
    params: ofOrganization,
    body: z.strictObject({ settings: Settings.nullable() }),
    response: AutoTopUp,
    handler: ({ params, body, ifMatch }, _app, change) =>
      change(async (tx) => {
        const before = await lockedAutoTopUp(tx, params.orgId);
        requireSeen(ifMatch, before);
        const answer = await setAutoTopUp(tx, before, body.settings);
        const audit = { action: 'auto_top_up.changed', targetKind: 'auto_top_up', targetId: answer.orgId } as const;
        return {
          answer,
          audit: { ...audit, before: { settings: before.settings }, after: { settings: answer.settings } },
        };
      }),
  }),
];
