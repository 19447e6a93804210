// The clock of billing, for demos: a week passes in a moment, and what is due in it happens in its order. There is none where money is real.
import { z } from 'zod';
import { TollgateError } from '../../domain/errors.ts';
import { writeAudit } from '../../services/audit/audit.ts';
import { type Advance, advanceBillingClock, readBillingClock } from '../../services/billing-clock/advance.ts';
import { dueSources } from '../../services/billing-clock/due-sources.ts';
import { inTransaction } from '../../services/platform/postgres.ts';
import type { AppDependencies, DemoClock } from './app-dependencies.ts';
import { instant } from './field-schemas.ts';
import { deskOf } from './payment-desk.ts';
import { adminChange, adminRead, none, type Route } from './route.ts';

const MOST_DAYS = 400;
const UNITS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

const span = z
  .codec(
    z.string().regex(/^[1-9]\d{0,5} (minute|hour|day)s?$/, 'write a span as in "7 days", "36 hours" or "10 minutes"'),
    z.number(),
    {
      decode: (text) =>
        Number.parseInt(text, 10) * (Object.entries(UNITS).find(([unit]) => text.includes(unit))?.[1] ?? 0),
      encode: (ms) => `${ms / UNITS.minute} minutes`,
    },
  )
  .refine((ms) => ms <= MOST_DAYS * UNITS.day, `at most ${MOST_DAYS} days`)
  .meta({ example: '7 days' });

export const demoClockRoutes: readonly Route[] = [
  adminRead({
    path: '/api/v1/demo/clock',
    permission: 'demo_clock.read',
    summary: 'What time it is for billing; only where the clock can be moved',
    params: none,
    query: none,
    response: z.object({ now: instant, offsetSeconds: z.number() }),
    handler: async (_input, app) => {
      demoClockOf(app);
      return readBillingClock(app.db);
    },
  }),
  adminChange({
    method: 'post',
    path: '/api/v1/demo/clock',
    permission: 'demo_clock.advance',
    summary: 'Move the clock of billing ahead, from one thing that is due to the next; only with the fake Stripe',
    params: none,
    reachesOutside: true,
    body: z.strictObject({ advance: span }),
    response: z.object({
      from: instant,
      to: instant,
      stops: z.array(z.object({ at: instant, due: z.array(z.string()).readonly() })).readonly(),
    }),
    handler: async ({ body, author }, app, change) => {
      const { stripe, patienceMs } = demoClockOf(app);
      const { restless, ...answer } = await advanceBillingClock(
        {
          db: app.db,
          sources: dueSources(stripe, deskOf(app).stripe),
          moveOthers: (at) => stripe.moveTo(at),
          patienceMs,
        },
        body.advance,
      );
      const audit = auditOf(answer);
      if (restless.length === 0) return change(async () => ({ answer, audit }));
      await inTransaction(app.db, (tx) => writeAudit(tx, author, audit));
      throw notAtRest(answer, restless);
    },
  }),
];

function demoClockOf({ demoClock }: AppDependencies): DemoClock {
  if (demoClock !== null) return demoClock;
  throw new TollgateError('demo_clock_disabled', {
    message:
      'Here billing goes by the time that it is. Its clock can be moved only with the fake Stripe, as by npm start.',
  });
}

function auditOf({ from, to, stops }: Omit<Advance, 'restless'>) {
  return {
    action: 'billing_clock.advanced',
    targetKind: 'billing_clock',
    targetId: 'billing',
    before: { at: from },
    after: { at: to, stops },
  } as const;
}

function notAtRest({ to }: Pick<Advance, 'to'>, restless: readonly string[]): TollgateError {
  return new TollgateError('clock_not_at_rest', {
    message: `The clock stands at ${to.toISOString()}: what is due by then was not done in time (${restless.join(', ')}). Does a worker run? Then ask for what is left of the way.`,
  });
}
