// Whom an enterprise lets say who its people are. Its owner names the provider, comes in through it himself, and only then may ask it of all others.
import { Alert, Badge, Button, NativeSelect, PasswordInput, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type SingleSignOn, singleSignOnQuery } from '../api/organization-questions.ts';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { CopyButton } from './copy-button.tsx';
import { Dialog } from './dialog.tsx';
import { Fact } from './fact.tsx';
import { Form, useForm } from './form.tsx';
import { Connecting } from './identities-part.tsx';
import { checkProof, ProofInputs, proofBody, UNPROVED } from './proof-inputs.tsx';
import { ProvedForm } from './proved-form.tsx';

type Change = 'naming' | 'changing' | 'testing' | 'enforcing' | 'freeing' | 'removing';

interface OfOrganization {
  readonly orgId: string;
  readonly isOwner: boolean;
}

export function SingleSignOnPart({ orgId, isOwner }: OfOrganization) {
  const t = useWords();
  return (
    <section className="part" aria-labelledby="single-sign-on">
      <h2 id="single-sign-on">{t('sso.title')}</h2>
      <p className="quiet">{t('sso.lead')}</p>
      <Asked question={useQuery(singleSignOnQuery(orgId))} height={160}>
        {(settings) => (
          <>
            <Facts settings={settings} />
            {isOwner ? <Acts settings={settings} /> : null}
          </>
        )}
      </Asked>
    </section>
  );
}

function Facts({ settings: { issuer, clientId, jitRole, enforced, testedAt, redirectUri, mailDomains } }: Settings) {
  const t = useWords();
  return (
    <>
      {mailDomains.length === 0 ? (
        <Alert color="yellow" role="note" className="note">
          {t('sso.noDomain')}
        </Alert>
      ) : null}
      <dl className="facts">
        <Fact name={t('sso.domains')}>{mailDomains.map(({ domain }) => domain).join(', ') || t('sso.none')}</Fact>
        <Fact name={t('sso.redirectUri')}>
          <code className="model-name">{redirectUri}</code> <CopyButton text={redirectUri} label={t('sso.copy')} />
        </Fact>
        <Fact name={t('sso.issuer')}>{issuer ?? t('sso.none')}</Fact>
        {issuer === null ? null : (
          <>
            <Fact name={t('sso.clientId')}>{clientId}</Fact>
            <Fact name={t('sso.newcomers')}>{t(`sso.jit.${jitRole ?? 'none'}`)}</Fact>
            <Fact name={t('sso.standing')}>
              <Badge variant="light" color={enforced ? 'teal' : 'gray'}>
                {enforced ? t('sso.enforced') : testedAt === null ? t('sso.untested') : t('sso.tested')}
              </Badge>
            </Fact>
          </>
        )}
      </dl>
    </>
  );
}

interface Settings {
  readonly settings: SingleSignOn;
}

function Acts({ settings }: Settings) {
  const t = useWords();
  const [change, setChange] = useState<Change | null>(null);
  const close = () => setChange(null);
  return (
    <>
      <div className="form-end">
        {actsFor(settings).map((one) => (
          <Button key={one} variant="default" size="xs" onClick={() => setChange(one)}>
            {t(`sso.act.${one}`)}
          </Button>
        ))}
      </div>
      <Dialog opened={change !== null} close={close} title={t(`sso.act.${change ?? 'naming'}`)}>
        {change === 'naming' || change === 'changing' ? <Naming settings={settings} done={close} /> : null}
        {change === 'testing' ? <Testing settings={settings} /> : null}
        {change === 'enforcing' || change === 'freeing' || change === 'removing' ? (
          <Switching settings={settings} change={change} done={close} />
        ) : null}
      </Dialog>
    </>
  );
}

function actsFor({ issuer, enforced, testedAt, mailDomains }: SingleSignOn): readonly Change[] {
  if (issuer === null) return ['naming'];
  const mayTest = mailDomains.length > 0;
  const mayEnforce = mayTest && testedAt !== null;
  return [
    'changing',
    ...(mayTest ? (['testing'] as const) : []),
    ...(enforced ? (['freeing'] as const) : mayEnforce ? (['enforcing'] as const) : []),
    'removing',
  ];
}

type Body = Parameters<typeof sendChange>[1];

function sendChange(
  { orgId, version }: SingleSignOn,
  body: {
    readonly issuer?: string | null;
    readonly clientId?: string;
    readonly clientSecret?: string;
    readonly jitRole?: 'developer' | 'viewer' | null;
    readonly enforced?: boolean;
    readonly password?: string;
    readonly code?: string;
  },
) {
  const params = { path: { orgId }, header: { 'If-Match': `"${version}"` } };
  return told(api.PATCH('/api/v1/organizations/{orgId}/single-sign-on', { params, body }));
}

interface Changing extends Settings {
  done(): void;
}

const JIT_ROLES = ['none', 'viewer', 'developer'] as const;

function Naming({ settings, done }: Changing) {
  const t = useWords();
  const me = useMe();
  const queries = useQueryClient();
  const form = useForm({
    initial: {
      ...{ issuer: settings.issuer ?? '', clientId: settings.clientId ?? '', clientSecret: '' },
      jitRole: (settings.jitRole ?? 'none') as string,
      ...UNPROVED,
    },
    check: ({ issuer, clientId, clientSecret, ...proof }) => ({
      issuer: URL.canParse(issuer.trim()) ? null : t('sso.wrong.issuer'),
      clientId: clientId.trim() === '' ? t('fields.empty') : null,
      clientSecret: clientSecret === '' && isAnother(settings, issuer, clientId) ? t('sso.wrong.clientSecret') : null,
      ...checkProof(proof, me, t),
    }),
    send: ({ issuer, clientId, clientSecret, jitRole, ...proof }) =>
      sendChange(settings, {
        ...(isAnother(settings, issuer, clientId) ? { issuer: issuer.trim(), clientId: clientId.trim() } : {}),
        ...(clientSecret === '' ? {} : { clientSecret }),
        jitRole: jitRole === 'developer' || jitRole === 'viewer' ? jitRole : null,
        ...proofBody(proof, me),
      }),
    done: async () => {
      await queries.invalidateQueries(singleSignOnQuery(settings.orgId));
      done();
    },
  });
  return (
    <Form form={form} submit={t('profile.save')}>
      <TextInput
        {...form.input('issuer')}
        label={t('sso.issuer')}
        description={t('sso.issuerMore')}
        type="url"
        autoComplete="off"
        data-autofocus
      />
      <TextInput {...form.input('clientId')} label={t('sso.clientId')} autoComplete="off" />
      <PasswordInput
        {...form.input('clientSecret')}
        label={t('sso.clientSecret')}
        description={settings.issuer === null ? undefined : t('sso.clientSecretMore')}
        autoComplete="off"
        visibilityToggleButtonProps={{ 'aria-label': t('sso.showSecret') }}
      />
      <NativeSelect
        {...form.input('jitRole')}
        label={t('sso.newcomers')}
        description={t('sso.newcomersMore')}
        data={JIT_ROLES.map((value) => ({ value, label: t(`sso.jit.${value}`) }))}
      />
      <ProofInputs input={form.input} />
    </Form>
  );
}

function isAnother(settings: SingleSignOn, issuer: string, clientId: string): boolean {
  return issuer.trim() !== settings.issuer || clientId.trim() !== settings.clientId;
}

/** By coming in through it. */
function Testing({ settings: { orgId } }: Settings) {
  const { memberships } = useMe();
  const orgName = memberships.find((one) => one.orgId === orgId)?.orgName ?? '';
  return <Connecting orgId={orgId} orgName={orgName} next={`/o/${orgId}/team`} />;
}

const SAID: { readonly [C in 'enforcing' | 'freeing' | 'removing']: Body } = {
  enforcing: { enforced: true },
  freeing: { enforced: false },
  removing: { issuer: null },
};

function Switching({ settings, change, done }: Changing & { readonly change: keyof typeof SAID }) {
  const t = useWords();
  const queries = useQueryClient();
  return (
    <ProvedForm
      submit={t(`sso.act.${change}`)}
      isGrave={change !== 'freeing'}
      send={(proof) => sendChange(settings, { ...SAID[change], ...proof })}
      done={async () => {
        await queries.invalidateQueries(singleSignOnQuery(settings.orgId));
        done();
      }}
    >
      <p>{t(`sso.effect.${change}`)}</p>
    </ProvedForm>
  );
}
