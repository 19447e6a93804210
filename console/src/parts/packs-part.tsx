// Credit that is bought once: what each pack costs and brings. It is paid for on a page of Stripe.
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { type Pack, packsQuery } from '../api/organization-questions.ts';
import { balanceQuery } from '../api/questions.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { exactMoney, nanoOfCents } from '../money.ts';
import { Asked } from './asked.tsx';
import { useElsewhere } from './elsewhere.ts';
import { Money } from './money.tsx';
import { ProblemNote } from './problem-note.tsx';

export function PacksPart({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useQuery(packsQuery);
  const balance = useQuery(balanceQuery(orgId));
  const buy = useElsewhere((pack: Pack['id']) =>
    told(api.POST('/api/v1/organizations/{orgId}/checkouts', { params: { path: { orgId } }, body: { pack } })),
  );
  return (
    <section className="part" aria-labelledby="packs">
      <h2 id="packs">{t('packs.title')}</h2>
      <p className="quiet">{t('packs.lead')}</p>
      <Asked question={balance} height={24}>
        {({ balanceNano }) => (
          <p>
            {t('packs.left')} <Money nano={balanceNano} />
          </p>
        )}
      </Asked>
      <ProblemNote thrown={buy.error} />
      <Asked question={question} height={140}>
        {({ data }) => (
          <ul className="offers">
            {data.map((pack) => (
              <Offer
                key={pack.id}
                pack={pack}
                isOpening={buy.isPending && buy.variables === pack.id}
                buy={() => buy.mutate(pack.id)}
              />
            ))}
          </ul>
        )}
      </Asked>
    </section>
  );
}

function Offer({ pack, isOpening, buy }: { readonly pack: Pack; readonly isOpening: boolean; buy(): void }) {
  const t = useWords();
  const shown = (cents: number) => exactMoney(nanoOfCents(cents), spokenTag());
  const { paidCents, bonusCents } = pack;
  const credit = shown(paidCents + bonusCents);
  return (
    <li>
      <span className="choice-price">{credit}</span>
      <span className="quiet">
        {bonusCents === 0 ? t('packs.plain') : t('packs.bonus', { bonus: shown(bonusCents) })}
      </span>
      <Button
        variant="light"
        loading={isOpening}
        onClick={buy}
        aria-label={t('packs.buyOne', { credit, price: shown(paidCents) })}
      >
        {t('packs.buy', { price: shown(paidCents) })}
      </Button>
    </li>
  );
}
