// Applications whose workflows are all terminated, each wherever it stands, and are found again by their rows: they come to the same ends, by the same
// steps and mails, as twins of them that nobody touched.
import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { application } from '../../services/onboarding/application-rows.ts';
import { pokeStranded } from '../../services/processes/stranded.ts';
import { onboardingWorkflowId } from '../../workflows/contracts/onboarding.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contracts/search-attributes.ts';
import { seededDice } from '../chaos/seeded-dice.ts';
import { BEN, Desk, EVE, LARGE, person } from '../services/onboarding/desk.ts';
import { openPlanShop } from '../services/subscriptions/plan-shop.ts';
import { startTimeSkippingTemporal, type ThrowawayTemporal } from '../support/throwaway-temporal.ts';
import { until } from '../support/until.ts';
import { openOnboardingHouse } from '../support/workflows/onboarding-house.ts';
import type { ProcessHouse } from '../support/workflows/process-house.ts';

const TWINS = 8;
const DAY_MS = 86_400_000;

const shop = await openPlanShop();
const desk = new Desk(shop.db, shop.admin);
let temporal: ThrowawayTemporal;
let house: ProcessHouse;

beforeAll(async () => {
  temporal = await startTimeSkippingTemporal(SEARCH_ATTRIBUTES);
  house = await openOnboardingHouse(temporal, desk, '2027-01-07T07:00:00Z');
});
afterAll(async () => {
  await house.stop();
  await temporal.stop();
});

interface Act {
  readonly does: (id: string, revision: number) => Promise<unknown>;
  /** Where it is when its workflow has seen to it. */
  readonly leadsTo: string;
}

const ACTS = {
  ask: { does: (id, revision) => desk.asks(EVE, id, revision), leadsTo: 'info_requested' },
  answer: { does: (id) => desk.submit(id, person()), leadsTo: 'in_review 1' },
  reject: { does: (id, revision) => desk.rejects(EVE, id, revision), leadsTo: 'rejected' },
  withdraw: { does: (id) => desk.withdraw(id, person()), leadsTo: 'withdrawn' },
  approve: { does: (id, revision) => desk.decides(EVE, id, { revision }), leadsTo: 'active' },
  approveMuch: { does: (id, revision) => desk.decides(EVE, id, { revision, terms: LARGE }), leadsTo: 'in_review 2' },
  agree: { does: (id, revision) => desk.decides(BEN, id, { revision, level: 2, terms: null }), leadsTo: 'active' },
} satisfies Record<string, Act>;
type ActName = keyof typeof ACTS;

/** `ask` as its last: nobody answers. */
const ENDS: readonly (readonly ActName[])[] = [
  ['approve'],
  ['approve'],
  ['approveMuch', 'agree'],
  ['approveMuch', 'agree'],
  ['reject'],
  ['withdraw'],
  ['ask'],
];

interface Course {
  readonly acts: readonly ActName[];
  /** So many of them its workflow has seen when it is terminated; the next is done while there is none. */
  readonly seen: number;
  /** Steps of what is provisioned that were made by then, if it comes to that. */
  readonly steps: number;
}

function courseFor(dice: () => number): Course {
  const below = (most: number) => Math.floor(dice() * most);
  const acts: ActName[] = [...(dice() < 0.4 ? (['ask', 'answer'] as const) : []), ...(ENDS[below(ENDS.length)] ?? [])];
  return { acts, seen: below(acts.length), steps: below(7) };
}

test('terminated wherever they stand and looked for once, all of them go on from their rows and come to the ends of their twins', async () => {
  const seed = randomInt(2 ** 31);
  const dice = seededDice(seed);
  const courses = Array.from({ length: TWINS }, () => courseFor(dice));
  const touched: string[] = [];
  const twins: string[] = [];
  for (const { acts, seen } of courses) {
    touched.push(await house.now(() => desk.newApplication()));
    twins.push(await house.now(() => desk.newApplication()));
    await follow(touched.at(-1) ?? '', acts.slice(0, seen));
    await follow(twins.at(-1) ?? '', acts);
  }

  for (const [at, { acts, seen, steps }] of courses.entries()) await terminate(touched[at] ?? '', acts[seen], steps);
  await desk.admin.query('delete from process_pokes');
  await house.now(() => pokeStranded(desk.db));
  for (const [at, { acts, seen }] of courses.entries()) {
    await reaches(touched[at] ?? '', acts[seen]);
    await follow(touched[at] ?? '', acts.slice(seen + 1));
  }
  await temporal.environment.sleep(15 * DAY_MS);
  for (const id of [...touched, ...twins]) await until(async () => isEnd(await standing(id)));

  const ends = await Promise.all(touched.map(endOf));
  process.stdout.write(
    `onboarding: ${TWINS} terminated (seed ${seed}), ${new Set(ends.map(({ stage }) => stage)).size} kinds of end\n`,
  );
  expect(ends).toEqual(await Promise.all(twins.map(endOf)));
});

async function follow(id: string, acts: readonly ActName[]): Promise<void> {
  for (const name of acts) {
    await house.now(async () => ACTS[name].does(id, (await application(desk.db, id)).state.formRevision));
    await reaches(id, name);
  }
}

async function reaches(id: string, name: ActName | undefined): Promise<void> {
  if (name !== undefined) await until(async () => (await standing(id)) === ACTS[name].leadsTo);
}

/** Whoever acts afterwards acts without it; and whoever began to provision has died. */
async function terminate(id: string, next: ActName | undefined, steps: number): Promise<void> {
  await house.client.workflow.getHandle(onboardingWorkflowId(id)).terminate();
  if (next === undefined) return;
  await ACTS[next].does(id, (await application(desk.db, id)).state.formRevision);
  if (ACTS[next].leadsTo !== 'active') return;
  for (let step = 0; step < steps; step += 1) await desk.onboardings.tick(id);
}

/** Where it is; of an enterprise, once it was welcomed. */
async function standing(id: string): Promise<string> {
  const { stage } = (await application(desk.db, id)).state;
  if (stage.kind === 'in_review') return `in_review ${stage.level}`;
  return stage.kind === 'active' && stage.saga.done.length < 6 ? 'provisioning' : stage.kind;
}

function isEnd(stage: string): boolean {
  return ['active', 'rejected', 'withdrawn', 'expired'].includes(stage);
}

/** Mails of the same moment have no order. */
async function endOf(id: string) {
  const { orgId, state } = await application(desk.db, id);
  const { rows } = await desk.admin.query(
    `select o.provisioning, v.plan, o.seats, (select sum(amount_nano)::text from caps c where c.org_id = o.id) as caps,
            (select array_agg(credit_line_cents || ' ' || (ended_at is null)) from contracts c where c.org_id = o.id) as contracts,
            (select count(*)::integer from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where e.org_id = o.id) as entries
       from organizations o left join plan_versions v on v.id = o.plan_version_id where o.id = $1`,
    [orgId],
  );
  return {
    stage: state.stage.kind,
    formRevision: state.formRevision,
    told: (await desk.told(id)).toSorted(),
    audited: await desk.audited(id),
    organization: rows[0],
  };
}
