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
import { Course } from './course.ts';
import { customersOf } from './customers.ts';
import { Desk } from './desk.ts';
import { gatherEvidence } from './evidence.ts';
import { Watch } from './watch.ts';
import { watchedParts } from './watched-parts.ts';

export interface BillingResult {
  readonly passed: boolean;
  readonly lastLine: string;
}

const LONGEST_MONTH_DAYS = 31;
/** So that who owes at the end stands somewhere on the ladder. */
const AFTERWARDS_DAYS = 6;

export async function runBillingCampaign(order: BillingOrder): Promise<BillingResult> {
  const product = await startBillingProduct();
  let passed = false;
  try {
    const watch = new Watch(watchedParts(product));
    const desk = new Desk(product);
    const dice = seededDice(order.seed);
    const havoc = new BillingHavoc(product, watch, dice);
    const course = new Course(product, desk, new BillingClock(product), customersOf(order, dice));
    try {
      await runCourse(order, { product, havoc, course, dice });
    } finally {
      await watch.close();
    }
    const result = await verdict(order, { product, desk, havoc, course });
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
  readonly havoc: BillingHavoc;
  readonly course: Course;
}

async function runCourse(order: BillingOrder, running: Running & { readonly dice: () => number }): Promise<void> {
  const { product, havoc, course, dice } = running;
  const clock = new BillingClock(product);
  const lastDay = order.buyingDays + LONGEST_MONTH_DAYS * (order.periods - 1) + AFTERWARDS_DAYS;
  const [least, most] = order.leapHours;
  let saidOfDay = -1;
  for (let day = await course.day(); day < lastDay; day = await course.day()) {
    await havoc.disturb();
    // Spread over the whole course, and all of them done before its end.
    const dueKills = Math.ceil((order.kills * (day + 1)) / (lastDay - 2));
    const kills = Math.min(dueKills, order.kills) - havoc.counted;
    const blows = kills > 0 ? havoc.strike() : Promise.resolve();
    await clock.leap(least + Math.floor(dice() * (most - least)));
    await Promise.all([blows, course.act()]);
    const slow = await clock.rest();
    if (slow !== null) order.say(`campaign: it was long before all was done: ${slow}`);
    if (Math.floor(day / 10) > saidOfDay) {
      saidOfDay = Math.floor(day / 10);
      order.say(
        `campaign: day ${Math.floor(day)} of ${lastDay}, ${havoc.counted} kills, ${course.members.length} customers`,
      );
    }
  }
  await havoc.heal();
  await clock.rest();
}

async function verdict(order: BillingOrder, running: Running & { readonly desk: Desk }): Promise<BillingResult> {
  const { product, desk, havoc, course } = running;
  const facts = await gatherEvidence(product, desk);
  const findings = judgeBilling(facts);
  for (const one of findings) order.say(billingFindingLine(one));
  const conditions = billingConditions(order, facts, havoc, unaskedDeaths(product), course.exits(facts));
  for (const { name, figure, met } of conditions) order.say(`campaign: ${met ? 'ok  ' : 'VOID'} ${name}: ${figure}`);
  if (order.isShort) order.say('campaign: SHORT, so it does not count');
  const charges = [...facts.captures.values()].reduce((total, { captures }) => total + captures, 0);
  const difference = findings.reduce((total, { differenceNano }) => total + differenceNano, 0n);
  const counts = `${havoc.counted} kills, ${facts.subscriptions.length} subscriptions, ${charges} charges`;
  return {
    passed: findings.length === 0 && conditions.every(({ met }) => met),
    lastLine: `chaos billing: ${counts}, ${facts.cases.length} dunning runs, difference ${difference} nano-USD`,
  };
}

function unaskedDeaths({ gateway, stripe, inbox, temporal, workers }: BillingProduct): string[] {
  const kept = [gateway, ...[stripe, inbox, temporal, ...workers].map(({ process }) => process)];
  return kept.flatMap(({ deaths }) => deaths.map(({ how }) => how));
}
