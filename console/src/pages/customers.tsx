// The way to a customer, by whatever somebody on the phone can name.
import { Anchor, Badge, Button, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { type FoundCustomer, findQuery } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from '../parts/asked.tsx';
import { NothingYet } from '../parts/nothing-yet.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { Restriction } from '../parts/restriction.tsx';

const SHORTEST = 2;

export function Customers() {
  const t = useWords();
  const { find = '' } = useSearch({ from: '/signed-in/staff/customers' });
  return (
    <>
      <PageHeading title={t('customers.title')} lead={t('customers.lead')} />
      <Find key={find} found={find} />
      {find.length < SHORTEST ? null : <Found find={find} />}
    </>
  );
}

function Find({ found }: { readonly found: string }) {
  const t = useWords();
  const navigate = useNavigate();
  const [text, setText] = useState(found);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const toField = (event: KeyboardEvent) => {
      const isWriting = event.target instanceof HTMLElement && event.target.closest('input, textarea, select');
      if (event.key !== '/' || isWriting || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.select();
    };
    document.addEventListener('keydown', toField);
    return () => document.removeEventListener('keydown', toField);
  }, []);
  const look = (event: FormEvent) => {
    event.preventDefault();
    void navigate({ to: '/staff/customers', search: withoutSecret(text.trim()) });
  };
  return (
    <form onSubmit={look} className="find">
      <TextInput
        ref={field}
        value={text}
        onChange={({ currentTarget }) => setText(currentTarget.value)}
        label={t('customers.find')}
        description={t('customers.findMore')}
        maxLength={254}
        autoComplete="off"
        spellCheck={false}
        autoFocus={found === ''}
      />
      <Button type="submit">{t('customers.look')}</Button>
    </form>
  );
}

/** Of a key that somebody pasted whole, what everybody may see: the rest goes into no address and to no server. */
function withoutSecret(text: string): { find?: string } {
  const find = /^sk-tg-\w{4}/.exec(text)?.[0] ?? text;
  return find === '' ? {} : { find };
}

function Found({ find }: { readonly find: string }) {
  const t = useWords();
  return (
    <div className="part">
      <Asked question={useQuery(findQuery(find))} height={120}>
        {({ data, hasMore }) =>
          data.length === 0 ? (
            <NothingYet title={t('customers.none')}>{t('customers.noneMore')}</NothingYet>
          ) : (
            <>
              <ul className="found" aria-label={t('customers.found')}>
                {data.map((hit) => (
                  <Hit key={`${hit.orgId} ${hit.foundBy} ${hit.what}`} hit={hit} />
                ))}
              </ul>
              {hasMore ? <p className="quiet">{t('customers.more')}</p> : null}
            </>
          )
        }
      </Asked>
    </div>
  );
}

function Hit({ hit }: { readonly hit: FoundCustomer }) {
  const t = useWords();
  return (
    <li>
      <Anchor
        renderRoot={(props) => <Link to="/staff/customers/$customerId" params={{ customerId: hit.orgId }} {...props} />}
      >
        {hit.orgName}
      </Anchor>
      {hit.plan === null ? null : (
        <Badge variant="light" color="gray">
          {t(`planName.${hit.plan}`)}
        </Badge>
      )}
      <Restriction organization={hit} />
      <span className="quiet found-by">
        {t(`customers.by.${hit.foundBy}`)} {hit.what}
      </span>
    </li>
  );
}
