// The cards that are asked for money. They are left, changed and removed on pages of Stripe: no digit of one passes through here.
import { Badge, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { api, told } from '../api/client.ts';
import { type Card, cardsQuery } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { useElsewhere } from './elsewhere.ts';
import { ProblemNote } from './problem-note.tsx';

export function CardsPart({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  const question = useQuery(cardsQuery(orgId));
  const asked = { params: { path: { orgId } }, body: {} };
  const add = useElsewhere(() => told(api.POST('/api/v1/organizations/{orgId}/card-setups', asked)));
  const manage = useElsewhere(() => told(api.POST('/api/v1/organizations/{orgId}/portal', asked)));
  const cards = question.data?.data ?? [];
  return (
    <section className="part" aria-labelledby="cards">
      <h2 id="cards">{t('cards.title')}</h2>
      <p className="quiet">{t('cards.lead')}</p>
      <Asked question={question} height={64}>
        {({ data }) =>
          data.length === 0 ? (
            <p>{t('cards.none')}</p>
          ) : (
            <ul className="sessions">
              {data.map((card) => (
                <CardLine key={card.id} card={card} />
              ))}
            </ul>
          )
        }
      </Asked>
      <ProblemNote thrown={add.error ?? manage.error} />
      <div className="form-end">
        <Button
          variant={cards.length === 0 ? 'filled' : 'default'}
          loading={add.isPending}
          onClick={() => add.mutate(undefined)}
        >
          {t('cards.add')}
        </Button>
        {cards.length === 0 ? null : (
          <Button variant="default" loading={manage.isPending} onClick={() => manage.mutate(undefined)}>
            {t('cards.manage')}
          </Button>
        )}
      </div>
    </section>
  );
}

function CardLine({ card: { brand, last4, expMonth, expYear, isDefault } }: { readonly card: Card }) {
  const t = useWords();
  return (
    <li>
      <p>
        <span className="card-brand">{brand}</span> •••• {last4}{' '}
        {isDefault ? <Badge variant="light">{t('cards.default')}</Badge> : null}
      </p>
      <span className="quiet figure">
        {t('cards.until')} {String(expMonth).padStart(2, '0')}/{expYear}
      </span>
    </li>
  );
}
