// What the API was asked, or answered, as it stands: for things of many kinds, read by people who know its names. Money is shown as
// money, and what is not is not shown.
import { spokenTag } from '../messages/language.ts';
import { exactMoney, nanoOfCents } from '../money.ts';

export function RawFacts({ of }: { readonly of: Readonly<Record<string, unknown>> }) {
  return (
    <dl className="facts raw">
      {Object.entries(of)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="said">{textOf(name, value)}</dd>
          </div>
        ))}
    </dl>
  );
}

function textOf(name: string, value: unknown): string {
  if (name.endsWith('Nano') && typeof value === 'string' && /^-?\d{1,19}$/.test(value))
    return exactMoney(value, spokenTag());
  if (name.endsWith('Cents') && Number.isInteger(value)) return exactMoney(nanoOfCents(Number(value)), spokenTag());
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}
