// The fields that routes have in common, as zod schemas: what comes in is checked by them, what goes out passes through
// them, and the OpenAPI document is made of them. Money is a decimal string of nano-USD in JSON and a Nano inside.
import { z } from 'zod';
import { METERS } from '../../domain/meters.ts';
import { type Nano, nano } from '../../domain/nano.ts';
import { AddressList } from '../../services/api-keys/address-list.ts';

// $1,000,000,000: a sum of a few of these still fits the 8 bytes that PostgreSQL gives to money.
const MOST_NANO = 10n ** 18n;

const asNano = z.custom<Nano>((value) => typeof value === 'bigint');

/** Money that we tell, of either sign. */
export const money = z
  .codec(z.string().regex(/^-?\d{1,19}$/), asNano, {
    decode: (text) => nano(text),
    encode: (amount) => amount.toString(),
  })
  .meta({ description: 'nano-USD (1e-9 USD) as a decimal string', example: '25000000000' });

/** Money that we are told. A JSON number is refused: it loses digits on the way. */
const amount = z
  .codec(
    z
      .string('send money as a decimal string of nano-USD: "25000000000" is $25')
      .regex(/^(0|[1-9]\d{0,18})$/, 'send whole nano-USD in digits only: "25000000000" is $25'),
    asNano,
    { decode: (text) => nano(text), encode: (value) => value.toString() },
  )
  .refine((value) => value <= MOST_NANO, 'at most "1000000000000000000" ($1,000,000,000)')
  .meta({ description: 'nano-USD (1e-9 USD) as a decimal string', example: '25000000000' });

export const positiveAmount = amount.refine((value) => value > 0n, 'must be more than "0"');

export const instant = z
  .codec(z.iso.datetime({ offset: true, error: 'send an instant as in "2026-11-23T10:00:00Z"' }), z.date(), {
    decode: (text) => new Date(text),
    encode: (date) => date.toISOString(),
  })
  .meta({ example: '2026-11-23T10:00:00Z' });

export const uuid = z.uuid();

/** One line of text for people: no control characters, which PostgreSQL (U+0000) and terminals take badly. */
export const line = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^\P{Cc}*$/u, 'must hold no control characters');

/** What an organization may do while it owes. */
export const overdueStage = z.enum(['none', 'limited', 'stopped']);

export const name = line(200);
export const reason = line(500).meta({ description: 'Recorded in the audit log' });

/** Trimmed and in lower case. ASCII only, so that no two that look alike are two persons. */
export const mailAddress = z
  .string()
  .trim()
  .max(254)
  .regex(z.regexes.email, 'write a mail address as in "ada@example.com"')
  .toLowerCase()
  .meta({ example: 'ada@example.com' });

export const locale = z.enum(['en', 'zh']).meta({ description: 'In which language mails are written' });

export const modelId = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[\w.:/@+-]+$/, 'letters, digits and . : / @ + - _ only')
  .meta({ example: 'gpt-5.6-luna' });

/** A name, never an offset: PostgreSQL reads the sign of "+02" the other way round. */
export const timeZone = line(60).refine(
  isTimeZone,
  'write a time zone of the IANA list, as in "Europe/Berlin" or "UTC"',
);

function isTimeZone(text: string): boolean {
  try {
    return /^[A-Za-z]/.test(text) && new Intl.DateTimeFormat('en', { timeZone: text }) !== null;
  } catch {
    return false;
  }
}

export const version = z.int().positive().meta({ description: 'Also in the ETag; send it back in If-Match' });

export const rate = z.int().min(1).max(1_000_000_000);

const noDuplicates = (items: readonly unknown[]) => new Set(items).size === items.length;

export const distinct = <S extends z.ZodType>(item: S, most: number) =>
  z.array(item).min(1).max(most).refine(noDuplicates, 'names something twice').readonly();

const period = z.enum(['total', 'day', 'week', 'month']);
const onePerPeriod = (caps: readonly { readonly period: string }[]) => noDuplicates(caps.map((cap) => cap.period));

export const caps = z
  .array(z.strictObject({ period, amountNano: amount }))
  .refine(onePerPeriod, 'has two caps for one period')
  .meta({ description: 'Periods begin in the organization’s time zone, weeks on Monday' });

export const addressRange = z
  .string()
  .max(60)
  .refine(isAddressRange, 'write an address or a CIDR range, as in "203.0.113.7" or "10.0.0.0/8"');

function isAddressRange(text: string): boolean {
  try {
    return new AddressList([text]) !== null;
  } catch {
    return false;
  }
}

export const addressRanges = distinct(addressRange, 500);
export const shownAddresses = z.array(z.string()).readonly().nullable();

// A price of $1,000,000 per million tokens: far beyond any list, far below what arithmetic bears.
const unitPrice = z.int().min(0).max(1_000_000_000_000);
const tier = z.strictObject({
  aboveInputTokens: z.int().min(0).max(1_000_000_000).default(0),
  microUsdPerMillion: z
    .partialRecord(z.enum(METERS), unitPrice)
    .meta({ description: 'Whole micro-USD per 1,000,000 tokens: 2500000 is $2.50' }),
});
const startsAtZeroAndAscends = (tiers: readonly { readonly aboveInputTokens: number }[]) =>
  tiers.every(({ aboveInputTokens }, at) => aboveInputTokens > (tiers[at - 1]?.aboveInputTokens ?? -1)) &&
  tiers[0]?.aboveInputTokens === 0;

export const price = z
  .strictObject({
    tiers: z
      .array(tier)
      .min(1)
      .max(20)
      .refine(startsAtZeroAndAscends, 'the first tier starts above 0 input tokens and the others ascend')
      .readonly(),
    perCallNano: z.int().min(0).max(1_000_000_000_000).default(0),
  })
  .meta({ id: 'Price' });

/** Of a stored row: JSON that is not ours to change on its way out. */
export const anything = z.unknown();

export const tokens = z.partialRecord(z.enum(METERS), z.number()).meta({
  id: 'Tokens',
  description: 'Disjoint: a cached input token is not in input, a reasoning token not in output',
});

/** As answers have them. */
export const shownCaps = z
  .array(z.object({ period: z.enum(['total', 'day', 'week', 'month']), amountNano: money }))
  .readonly();
