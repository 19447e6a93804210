// What Stripe does by itself when its time has come.
import type { Task } from '../state/tables.ts';
import type { World } from '../world.ts';
import { followPayment } from './checkout-payments.ts';
import { expireSession } from './checkout-sessions.ts';
import { openDispute, warnOfFraud } from './disputes.ts';
import { settlePayment } from './payments.ts';
import { failRefund, settleRefund } from './refunds.ts';

type Doing = (world: World, subject: string) => void;

const TASKS: Readonly<Record<Task['does'], Doing>> = {
  settle_payment: settle,
  settle_refund: settleRefund,
  fail_refund: failRefund,
  open_dispute: openDispute,
  warn_of_fraud: warnOfFraud,
  expire_session: expire,
};

export function doTask(world: World, { does, subject }: Task): void {
  TASKS[does](world, subject);
}

function settle(world: World, id: string): void {
  const intent = world.store.get('payment_intent', id);
  if (intent?.status === 'processing') followPayment(world, settlePayment(world, intent).intent);
}

function expire(world: World, id: string): void {
  const session = world.store.get('checkout_session', id);
  if (session?.status === 'open') expireSession(world, session);
}
