// Cards by the id of their payment method. pm_card_... (or tok_...) are Stripe's own test cards and do what docs.stripe.com/testing
// says of them. pm_fake_... are ours, for what Stripe's cannot do: pm_fake_declines_<code>, with _<n>_times to approve after that.
// ~label behind any of them is another card of the same kind, with a fingerprint of its own.
import { createHash } from 'node:crypto';
import { DECLINES, type DeclineCode, isDeclineCode } from './declines.ts';

export interface TestCard {
  readonly brand: string;
  readonly number: string;
  readonly declines?: DeclineCode;
  /** Approved from then on; left out: never. */
  readonly declinesTimes?: number;
  /** Stripe's own declining cards are refused already when they are to be saved. */
  readonly cannotBeSaved?: boolean;
  readonly authenticates?: 'always' | 'unless_set_up';
  readonly settles?: 'approved' | 'declined';
  readonly afterwards?: 'open_dispute' | 'warn_of_fraud';
  readonly refunds?: 'pending' | 'failing' | 'requires_action';
}

const visa = (number: string, more: Partial<TestCard> = {}): TestCard => ({ brand: 'visa', number, ...more });
const refused = (number: string, declines: DeclineCode): TestCard => visa(number, { declines, cannotBeSaved: true });

const STRIPES: Readonly<Record<string, TestCard>> = {
  visa: visa('4242424242424242'),
  visa_debit: visa('4000056655665556'),
  mastercard: { brand: 'mastercard', number: '5555555555554444' },
  amex: { brand: 'amex', number: '378282246310005' },
  chargeDeclined: refused('4000000000000002', 'generic_decline'),
  chargeDeclinedInsufficientFunds: refused('4000000000009995', 'insufficient_funds'),
  chargeDeclinedLostCard: refused('4000000000009987', 'lost_card'),
  chargeDeclinedStolenCard: refused('4000000000009979', 'stolen_card'),
  chargeDeclinedExpiredCard: refused('4000000000000069', 'expired_card'),
  chargeDeclinedIncorrectCvc: refused('4000000000000127', 'incorrect_cvc'),
  chargeDeclinedProcessingError: refused('4000000000000119', 'processing_error'),
  chargeDeclinedFraudulent: refused('4100000000000019', 'fraudulent'),
  chargeDeclinedVelocityLimitExceeded: refused('4000000000006975', 'card_velocity_exceeded'),
  chargeCustomerFail: visa('4000000000000341', { declines: 'generic_decline' }),
  authenticationRequired: visa('4000002760003184', { authenticates: 'always' }),
  authenticationRequiredOnSetup: visa('4000002500003155', { authenticates: 'unless_set_up' }),
  authenticationRequiredChargeDeclinedInsufficientFunds: visa('4000008260003178', {
    authenticates: 'always',
    declines: 'insufficient_funds',
  }),
  createDispute: visa('4000000000000259', { afterwards: 'open_dispute' }),
  createIssuerFraudRecord: visa('4000000000005423', { afterwards: 'warn_of_fraud' }),
  pendingRefund: visa('4000000000007726', { refunds: 'pending' }),
  refundFail: visa('4000000000005126', { refunds: 'failing' }),
};

const OURS: Readonly<Record<string, Partial<TestCard>>> = {
  processing: { settles: 'approved' },
  processing_fails: { settles: 'declined', declines: 'generic_decline' },
  refund_requires_action: { refunds: 'requires_action' },
};

/** Null: that is no test id, or a misspelled one. */
export function testCard(id: string): TestCard | null {
  const [named = '', label = ''] = id.split('~');
  const kind = named.replace(/^(pm_card|tok|pm_fake)_/, '');
  if (kind === named) return null;
  const card = named.startsWith('pm_fake_') ? ourCard(kind) : stripesCard(kind);
  return card === null || label === '' ? card : { ...card, number: numberFor(id) };
}

/** Stripe spells some of them with the brand in front. */
function stripesCard(kind: string): TestCard | null {
  const name = Object.hasOwn(STRIPES, kind) ? kind : kind.replace(/^visa_/, '');
  return Object.hasOwn(STRIPES, name) ? (STRIPES[name] ?? null) : null;
}

function ourCard(kind: string): TestCard | null {
  if (Object.hasOwn(OURS, kind)) return visa(numberFor(kind), OURS[kind]);
  const { code = '', times } = /^declines_(?<code>[a-z_]+?)(_(?<times>\d+)_times)?$/.exec(kind)?.groups ?? {};
  if (!isDeclineCode(code)) return null;
  return visa(numberFor(kind), { declines: code, ...(times === undefined ? {} : { declinesTimes: Number(times) }) });
}

function numberFor(text: string): string {
  const digits = BigInt(`0x${createHash('sha256').update(text).digest('hex').slice(0, 12)}`) % 10_000_000_000n;
  return `400099${digits.toString().padStart(10, '0')}`;
}

export function fingerprintOf(card: TestCard): string {
  return createHash('sha256').update(card.number).digest('base64url').replaceAll(/[-_]/g, '0').slice(0, 16);
}

export interface PaymentSituation {
  /** How often the card was asked before. */
  readonly attempts: number;
  readonly setUp: boolean;
  readonly authenticated: boolean;
}

export type CardAnswer =
  | { readonly is: 'approved' | 'processing' | 'authentication_required' }
  | { readonly is: 'declined'; readonly code: DeclineCode };

export function cardAnswer(card: TestCard, { attempts, setUp, authenticated }: PaymentSituation): CardAnswer {
  const asksFirst = card.authenticates === 'always' || (card.authenticates === 'unless_set_up' && !setUp);
  if (asksFirst && !authenticated) return { is: 'authentication_required' };
  if (card.settles !== undefined) return { is: 'processing' };
  if (card.declines === undefined || attempts >= (card.declinesTimes ?? Number.POSITIVE_INFINITY)) {
    return { is: 'approved' };
  }
  return { is: 'declined', code: card.declines };
}

/** For the pages on which a person pays. */
export const OFFERED_TO_PEOPLE = [
  'pm_card_visa',
  'pm_card_mastercard',
  'pm_card_authenticationRequired',
  'pm_fake_processing',
  'pm_card_createDispute',
  ...Object.keys(DECLINES).map((code) => `pm_fake_declines_${code}`),
] as const;
