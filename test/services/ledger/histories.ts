// Random histories of an organization's money, and what of them can happen: steps as fast-check draws them, and the events that a
// gateway makes of them.
import fc from 'fast-check';
import type { Stage } from '../../../domain/overdue-policy.ts';

type Step =
  | {
      readonly kind: 'grant';
      readonly priority: number;
      readonly amount: bigint;
      readonly expiresIn: number | null;
      readonly isIncluded: boolean;
    }
  | { readonly kind: 'hourPasses' }
  /** By its debts. */
  | { readonly kind: 'stage'; readonly stage: Stage }
  | {
      readonly kind: 'take';
      readonly lease: number;
      readonly waiting: bigint;
      readonly target: bigint;
      readonly least: bigint;
    }
  /** spilled: it is in the journal alone, until that is replayed. */
  | { readonly kind: 'settle'; readonly lease: number; readonly rated: bigint; readonly spilled: boolean }
  /** An earlier settlement comes again, with this much more. */
  | { readonly kind: 'repeat'; readonly which: number; readonly more: bigint }
  | { readonly kind: 'giveBack'; readonly lease: number; readonly amount: bigint; readonly close: boolean };

const money = (most: bigint) => fc.bigInt({ min: 1n, max: most });
const lease = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      priority: fc.constantFrom(10, 20),
      amount: money(300_000_000n),
      expiresIn: fc.constantFrom(null, 1, 2),
      isIncluded: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('hourPasses' as const) }),
  fc.record({
    kind: fc.constant('stage' as const),
    stage: fc.constantFrom<Stage>('none', 'limited', 'limited', 'stopped'),
  }),
  {
    weight: 4,
    arbitrary: fc
      .record({ lease, least: money(60_000_000n), more: money(90_000_000n), target: money(900_000_000n) })
      .map(({ lease, least, more, target }): Step => ({ kind: 'take', lease, waiting: least + more, target, least })),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      lease,
      rated: fc.bigInt({ min: 0n, max: 120_000_000n }),
      spilled: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('repeat' as const), which: fc.nat(9), more: fc.constantFrom(0n, 0n, 1n) }),
  fc.record({ kind: fc.constant('giveBack' as const), lease, amount: money(50_000_000n), close: fc.boolean() }),
);
export const history = fc.record({
  /** Of the first key, and of the project of both. */
  caps: fc.tuple(
    fc.constantFrom(100_000_000n, 10_000_000_000n),
    fc.constantFrom(150_000_000n, 400_000_000n, 10_000_000_000n),
  ),
  steps: fc.array(step, { minLength: 3, maxLength: 9 }),
});
export type History = typeof history extends fc.Arbitrary<infer H> ? H : never;

/** What happens: the lease of each step is one of a generation, and each settlement has its request. */
export type Event =
  | Exclude<Step, { kind: 'settle' | 'repeat' }>
  | { readonly kind: 'settle'; readonly request: number; readonly lease: number; readonly rated: bigint }
  | {
      readonly kind: 'gatewayDies';
      /** PostgreSQL has not seen these: each is replayed by itself. */
      readonly spilled: readonly Extract<Event, { kind: 'settle' }>[];
      /** All, once more, in one batch. */
      readonly journal: readonly Extract<Event, { kind: 'settle' }>[];
    };
export type Settlement = Extract<Event, { kind: 'settle' }>;

/**
 * A gateway never grows a lease that it has closed: a take after a close opens the next lease of that number. All that was settled
 * is in its journal as well, and is replayed when it dies.
 */
export function playable(steps: readonly Step[]): Event[] {
  const generation = new Map<number, number>();
  const journal: Settlement[] = [];
  const spilled: Settlement[] = [];
  const numbered = (lease: number) => (generation.get(lease) ?? 0) * 10 + lease;
  const events = steps.flatMap((one): Event[] => {
    if (one.kind === 'grant' || one.kind === 'hourPasses' || one.kind === 'stage') return [one];
    if (one.kind === 'repeat') {
      const again = journal[one.which];
      return again === undefined ? [] : [{ ...again, rated: again.rated + one.more }];
    }
    const lease = numbered(one.lease);
    if (one.kind === 'settle') {
      const settlement: Settlement = { kind: 'settle', request: journal.length, lease, rated: one.rated };
      journal.push(settlement);
      if (one.spilled) spilled.push(settlement);
      return one.spilled ? [] : [settlement];
    }
    if (one.kind === 'giveBack' && one.close) generation.set(one.lease, (generation.get(one.lease) ?? 0) + 1);
    return [{ ...one, lease }];
  });
  return [...events, { kind: 'gatewayDies', spilled, journal }];
}

/** The first key has the first and the last of three leases, the second the one between. */
export const apiKeyOf = (lease: number) => (lease % 10) % 2;
