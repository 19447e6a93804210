// Money comes and goes as decimal strings of nano-USD and is never a float: Intl formats decimal strings exactly as they stand.
const NANO_DIGITS = 9;
const WHOLE_NANO = /^-?\d{1,19}$/;
const DOLLARS = /^(\d{1,9})(?:\.(\d{1,9}))?$/;

type Decimal = Intl.StringNumericLiteral;

function decimalOf(nano: string): Decimal {
  if (!WHOLE_NANO.test(nano)) throw new RangeError(`not whole nano-USD: ${nano}`);
  const isNegative = nano.startsWith('-');
  const digits = nano.replace('-', '').padStart(NANO_DIGITS + 1, '0');
  return `${isNegative ? '-' : ''}${digits.slice(0, -NANO_DIGITS)}.${digits.slice(-NANO_DIGITS)}` as Decimal;
}

function inDollars(nano: string, tag: string, digits: Intl.NumberFormatOptions): string {
  const dollars = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' } as const;
  return new Intl.NumberFormat(tag, { ...dollars, ...digits }).format(decimalOf(nano));
}

/** To the last nano that is not zero. */
export function exactMoney(nano: string, tag: string): string {
  return inDollars(nano, tag, { minimumFractionDigits: 2, maximumFractionDigits: NANO_DIGITS });
}

/** What is left is cut to cents, never rounded up: nobody can spend more than he is shown. Below a cent, its first two digits. */
export function shownMoney(nano: string, tag: string): string {
  const digits = nano.replace('-', '').replace(/^0+/, '').length;
  const fraction = digits > 7 ? 2 : Math.min(NANO_DIGITS, Math.max(2, NANO_DIGITS - digits + 2));
  const cut = { roundingMode: 'trunc', minimumFractionDigits: 2, maximumFractionDigits: fraction } as const;
  return inDollars(nano, tag, cut);
}

/** "12.50" -> "12500000000". Null: not an amount in dollars, or nothing at all. */
export function nanoOf(dollars: string): string | null {
  const [, whole, fraction = ''] = DOLLARS.exec(dollars.trim().replace(/^\$/, '')) ?? [];
  if (whole === undefined) return null;
  return `${whole}${fraction.padEnd(NANO_DIGITS, '0')}`.replace(/^0+(?=\d)/, '');
}

/** Prices and payments are whole cents. */
export function nanoOfCents(cents: number): string {
  return (BigInt(cents) * 10_000_000n).toString();
}

/** "12500000000" -> "12.50", as it is entered. Null: nothing. */
export function dollarsOf(nano: string | null): string {
  if (nano === null) return '';
  const [whole = '', fraction = ''] = decimalOf(nano).split('.');
  return `${whole}.${fraction.replace(/0{1,7}$/, '')}`;
}

/** "12.50" -> 1250. Null: not an amount in dollars, or not in whole cents. */
export function centsOf(dollars: string): number | null {
  const nano = nanoOf(dollars);
  if (nano === null || BigInt(nano) % 10_000_000n !== 0n) return null;
  return Number(BigInt(nano) / 10_000_000n);
}

/** 842106 -> "84.2106%": of list price. */
export function shownShare(ppm: number, tag: string): string {
  return new Intl.NumberFormat(tag, { style: 'percent', maximumFractionDigits: 4 }).format(ppm / 1_000_000);
}
