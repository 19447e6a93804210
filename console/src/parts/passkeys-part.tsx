// Passkeys: what somebody signs in by in place of his password, which there are, and another one.
import { Badge, Button, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type Passkey, passkeysQuery, sessionsQuery, useMe } from '../api/questions.ts';
import { browserIn } from '../browser-name.ts';
import { useWords } from '../messages/language.ts';
import { hasPasskeys, makePasskey, namedAddress } from '../passkey.ts';
import { Asked } from './asked.tsx';
import { Dialog } from './dialog.tsx';
import { Form, useForm } from './form.tsx';
import { Moment } from './moment.tsx';
import { OpenedByNumber } from './opened-by-number.tsx';
import { checkProof, ProofInputs, proofBody, UNPROVED } from './proof-inputs.tsx';
import { ProvedForm } from './proved-form.tsx';

const LONGEST_NAME = 100;

type Open = { readonly what: 'adding' } | { readonly what: 'renaming' | 'removing'; readonly passkey: Passkey };

export function PasskeysPart() {
  const t = useWords();
  const question = useQuery(passkeysQuery);
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  return (
    <section className="part" aria-labelledby="passkeys">
      <h2 id="passkeys">{t('passkeys.title')}</h2>
      <p className="quiet">{t('passkeys.lead')}</p>
      <Asked question={question} height={64}>
        {({ data }) => (
          <ul className="sessions">
            {data.map((passkey) => (
              <PasskeyLine key={passkey.id} passkey={passkey} open={(what) => setOpen({ what, passkey })} />
            ))}
          </ul>
        )}
      </Asked>
      <Add open={() => setOpen({ what: 'adding' })} />
      <Dialog opened={open !== null} close={close} title={t(`passkeys.${open?.what ?? 'adding'}`)}>
        {open === null || open.what === 'adding' ? <Adding done={close} /> : null}
        {open?.what === 'renaming' ? <Renaming passkey={open.passkey} done={close} /> : null}
        {open?.what === 'removing' ? <Removing passkey={open.passkey} done={close} /> : null}
      </Dialog>
    </section>
  );
}

function Add({ open }: { open(): void }) {
  const t = useWords();
  const address = namedAddress();
  if (address !== null) return <OpenedByNumber address={address} />;
  if (!hasPasskeys()) return <p className="quiet">{t('passkeys.none')}</p>;
  return (
    <Button variant="default" onClick={open}>
      {t('passkeys.add')}
    </Button>
  );
}

interface PasskeyLine {
  readonly passkey: Passkey;
  open(what: 'renaming' | 'removing'): void;
}

function PasskeyLine({ passkey: { name, createdAt, usedAt, isCopied }, open }: PasskeyLine) {
  const t = useWords();
  return (
    <li>
      <div>
        <p>
          {name} {isCopied ? <Badge color="red">{t('passkeys.copied')}</Badge> : null}
        </p>
        <p className="quiet">
          {t('passkeys.made')} <Moment at={createdAt} /> · {t('passkeys.used')}{' '}
          {usedAt === null ? t('passkeys.never') : <Moment at={usedAt} />}
        </p>
      </div>
      <div>
        <Button
          variant="subtle"
          size="xs"
          aria-label={t('passkeys.renameOne', { name })}
          onClick={() => open('renaming')}
        >
          {t('passkeys.rename')}
        </Button>
        <Button
          variant="subtle"
          color="red"
          size="xs"
          aria-label={t('passkeys.removeOne', { name })}
          onClick={() => open('removing')}
        >
          {t('passkeys.remove')}
        </Button>
      </div>
    </li>
  );
}

/** That it is really him first, then the device. */
function Adding({ done }: { done(): void }) {
  const t = useWords();
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm({
    initial: { name: browserIn(navigator.userAgent) ?? '', ...UNPROVED },
    check: ({ name, ...proof }) => ({
      name: name.trim() === '' ? t('fields.empty') : null,
      ...checkProof(proof, me, t),
    }),
    async send({ name, ...proof }) {
      const options = await told(api.POST('/api/v1/me/passkeys', { body: proofBody(proof, me) }));
      const made = await makePasskey(options);
      return told(api.POST('/api/v1/me/passkeys/confirm', { body: { name: name.trim(), ...made } }));
    },
    done: async () => {
      await queries.invalidateQueries(passkeysQuery);
      done();
    },
  });
  return (
    <Form form={form} submit={t('passkeys.next')}>
      <p>{t('passkeys.how')}</p>
      <TextInput {...form.input('name')} label={t('passkeys.name')} maxLength={LONGEST_NAME} data-autofocus />
      <ProofInputs input={form.input} />
    </Form>
  );
}

interface Changing {
  readonly passkey: Passkey;
  done(): void;
}

function Renaming({ passkey: { id, name: before }, done }: Changing) {
  const t = useWords();
  const queries = useQueryClient();
  const form = useForm({
    initial: { name: before },
    check: ({ name }) => ({ name: name.trim() === '' ? t('fields.empty') : null }),
    send: ({ name }) =>
      told(api.PATCH('/api/v1/me/passkeys/{id}', { params: { path: { id } }, body: { name: name.trim() } })),
    done: async () => {
      await queries.invalidateQueries(passkeysQuery);
      done();
    },
  });
  return (
    <Form form={form} submit={t('passkeys.save')}>
      <TextInput {...form.input('name')} label={t('passkeys.name')} maxLength={LONGEST_NAME} data-autofocus />
    </Form>
  );
}

function Removing({ passkey: { id, name }, done }: Changing) {
  const t = useWords();
  const queries = useQueryClient();
  return (
    <ProvedForm
      submit={t('passkeys.remove')}
      isGrave
      send={(body) => told(api.POST('/api/v1/me/passkeys/{id}/remove', { params: { path: { id } }, body }))}
      done={async () => {
        await Promise.all([queries.invalidateQueries(passkeysQuery), queries.invalidateQueries(sessionsQuery)]);
        done();
      }}
    >
      <p>{t('passkeys.removeMore', { name })}</p>
    </ProvedForm>
  );
}
