// A billing campaign: customers buy and renew and fall into debt over months of the demo clock, while everything that bills them is killed;
// then all rests, and a judge that shares no code with the product says whether each was charged once for what he got.
import { rmSync } from 'node:fs';
import { billingFindingLine } from '../../oracle/billing/billing-finding.ts';
import { judgeBilling } from '../../oracle/billing/judge-billing.ts';
import { seededDice } from '../seeded-dice.ts';
import { BillingClock } from './billing-clock.ts';
import { BillingHavoc } from './billing-havoc.ts';
import type { BillingOrder } from './billing-order.ts';
import { type BillingProduct, startBillingProduct } from './billing-product.ts';
import { billingConditions } from './billing-validity.ts';
import { Complaints } from './complaints.ts';
import { Course } from './course.ts';
import { customersOf } from './customers.ts';
import { Desk } from './desk.ts';
import { Enterprises } from './enterprises.ts';
import { gatherEvidence } from './evidence.ts';
import { exitsTaken } from './exits.ts';

export interface BillingResult {
  readonly passed: boolean;
  readonly lastLine: string;
}

const LONGEST_MONTH_DAYS = 31;
/** So that who owes at the end stands somewhere on the ladder. */
const AFTERWARDS_DAYS = 8;
/** Kills are done so long before the end, so that those which nobody noticed are made up for. */
const SPARE_DAYS = 6;
const SAID_EVERY_DAYS = 5;

export async function runBillingCampaign(order: BillingOrder): Promise<BillingResult> {
  const product = await startBillingProduct();
  let passed = false;
  try {
    const complaints = new Complaints();
    const desk = new Desk(product, complaints);
    const clock = new BillingClock(product, desk);
    const dice = seededDice(order.seed);
    const havoc = new BillingHavoc({ product, desk, complaints, dice });
    const course = new Course(product, desk, clock, customersOf(order, dice));
    const enterprises = new Enterprises(product, desk, clock);
    const running = { product, desk, clock, havoc, course, enterprises, dice };
    await enterprises.open(order.enterprises);
    await runCourse(order, running);
    const result = await verdict(order, running);
    passed = result.passed;
    return result;
  } finally {
    await product.close();
    if (passed) rmSync(product.folder, { recursive: true });
    else order.say(`campaign: its logs stay in ${product.folder}`);
  }
}

interface Running {
  readonly product: BillingProduct;
  readonly desk: Desk;
  readonly clock: BillingClock;
  readonly havoc: BillingHavoc;
  readonly course: Course;
  readonly enterprises: Enterprises;
  readonly dice: () => number;
}

async function runCourse(order: BillingOrder, running: Running): Promise<void> {
  const { clock, havoc, course, enterprises, dice } = running;
  const lastDay = order.buyingDays + LONGEST_MONTH_DAYS * (order.periods - 1) + AFTERWARDS_DAYS;
  const [least, most] = order.leapHours;
  let saidOfDay = -1;
  for (let day = await course.day(); day < lastDay; day = await course.day()) {
    await havoc.disturb();
    await clock.leap(least + Math.floor(dice() * (most - least)));
    const leap = new AbortController();
    const staff = async () => enterprises.act((await clock.now()).getTime());
    // Nobody is told of what fell due before its rest is asked for: renewals are under way then, and not while people act.
    const done = Promise.all([course.act(), staff()])
      .then(() => clock.rest())
      .finally(() => leap.abort());
    const [slow, blows] = await Promise.all([
      done,
      strikeAsDue(order, havoc, (day + 1) / (lastDay - SPARE_DAYS), leap.signal),
    ]);
    if (slow !== null) order.say(`campaign: it was long before all was done: ${slow}`);
    // The last of them may have fallen as all else rested.
    if (blows > 0) await clock.rest();
    if (await course.payOnLastDay()) await clock.rest();
    await havoc.settle();
    if (Math.floor(day / SAID_EVERY_DAYS) > saidOfDay) {
      saidOfDay = Math.floor(day / SAID_EVERY_DAYS);
      order.say(progress(day, lastDay, running));
    }
  }
  await havoc.heal();
  // What the last faults left in doubt is asked again within the hour: Stripe repeats a fault that it has kept until then.
  await clock.leap(1);
  await clock.rest();
}

/** How many: spread over the whole course; two of a leap at most, one after the other, and none after it. */
async function strikeAsDue(
  order: BillingOrder,
  havoc: BillingHavoc,
  shareOfCourse: number,
  isOver: AbortSignal,
): Promise<number> {
  const due = Math.min(order.kills, Math.ceil(order.kills * shareOfCourse)) - havoc.counted.length;
  let blows = 0;
  for (; blows < Math.min(due, 2) && !isOver.aborted; blows += 1) await havoc.strike(isOver);
  return blows;
}

function progress(day: number, lastDay: number, { havoc, course, enterprises }: Running): string {
  const customers = `${course.members.length} customers, ${enterprises.all.length} enterprises`;
  const kills = `${havoc.counted.length} kills, ${havoc.unnoticed.length} that nobody noticed`;
  return `campaign: ${Math.round(performance.now() / 1_000)} s, day ${Math.floor(day)} of ${lastDay}, ${kills}, ${customers}`;
}

async function verdict(order: BillingOrder, running: Running): Promise<BillingResult> {
  const { product, desk, havoc, course, enterprises } = running;
  const facts = await gatherEvidence(product, desk);
  const findings = judgeBilling(facts);
  for (const one of findings) order.say(billingFindingLine(one));
  const outcome = { facts, havoc, unasked: unaskedDeaths(product), exits: exitsTaken(facts, course, enterprises) };
  const conditions = billingConditions(order, outcome);
  for (const { name, figure, met } of conditions) order.say(`campaign: ${met ? 'ok  ' : 'VOID'} ${name}: ${figure}`);
  if (order.isShort) order.say('campaign: SHORT, so it does not count');
  const charges = [...facts.captures.values()].reduce((total, { captures }) => total + captures, 0);
  const difference = findings.reduce((total, { differenceNano }) => total + differenceNano, 0n);
  const counts = `${havoc.counted.length} kills, ${facts.subscriptions.length} subscriptions, ${charges} charges`;
  return {
    passed: findings.length === 0 && conditions.every(({ met }) => met),
    lastLine: `chaos: ${counts}, ${facts.cases.length} dunning runs, difference ${difference} nano-USD`,
  };
}

function unaskedDeaths({ gateway, stripe, inbox, temporal, workers }: BillingProduct): string[] {
  const kept = [gateway, ...[stripe, inbox, temporal, ...workers].map(({ process }) => process)];
  return kept.flatMap(({ deaths }) => deaths.map(({ how }) => how));
}
