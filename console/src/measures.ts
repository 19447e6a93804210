// Sizes and spans of time as people speak of them: two digits that say how much, and no more.

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;
const STEP = 1_000;

export function spokenSize(bytes: number, tag: string): string {
  const at = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), SIZES.length - 1);
  const unit = SIZES[at] ?? 'byte';
  return inUnits(bytes / STEP ** at, { unit, unitDisplay: 'short' }, tag);
}

const SPANS = [
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const;

export function spokenSpan(ms: number, tag: string): string {
  const [unit, size] = SPANS.find(([, least]) => ms >= least) ?? SPANS[2];
  return inUnits(ms / size, { unit, unitDisplay: 'short' }, tag);
}

function inUnits(count: number, unit: Intl.NumberFormatOptions, tag: string): string {
  const maximumFractionDigits = count < 10 ? 1 : 0;
  return new Intl.NumberFormat(tag, { style: 'unit', ...unit, maximumFractionDigits }).format(count);
}
