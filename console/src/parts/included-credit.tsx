// How much of the credit that the plan includes is used, as a bar and in figures.
import type { Grant } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Moment } from './moment.tsx';
import { Money } from './money.tsx';

export function IncludedCredit({ grants }: { readonly grants: readonly Grant[] }) {
  const t = useWords();
  const [included] = grants.filter(({ source, expired }) => source === 'included' && !expired);
  if (included === undefined) return null;
  const { amountNano, availableNano, expiresAt } = included;
  const used = BigInt(amountNano) - BigInt(availableNano);
  return (
    <div className="included">
      <p id="included">
        {t('plan.used')} <Money nano={used.toString()} /> {t('team.of')} <Money nano={amountNano} />
        {expiresAt === null ? null : (
          <span className="quiet">
            {' '}
            · {t('plan.creditEnds')} <Moment at={expiresAt} />
          </span>
        )}
      </p>
      <progress aria-labelledby="included" max={100} value={Number((used * 100n) / BigInt(amountNano))} />
    </div>
  );
}
