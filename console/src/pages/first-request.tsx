// From nothing to the first request: a key, a command to run, and a light that turns green once the request has been seen. A reload in between loses
// the key's secret, which is shown once, and not what is waited for. What keeps a request from arriving is said as well.
import { Alert, Button, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { api, told } from '../api/client.ts';
import {
  balanceQuery,
  grantsQuery,
  keysKey,
  type NewApiKey,
  type RequestLine,
  requestsQuery,
  useMe,
} from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { BuyCredit } from '../parts/buy-credit.tsx';
import { FirstCommand } from '../parts/first-command.tsx';
import { Form, useForm } from '../parts/form.tsx';
import { CheckIcon } from '../parts/icons.tsx';
import { Money } from '../parts/money.tsx';
import { PageHeading } from '../parts/page-heading.tsx';
import { Outcome } from '../parts/request-table.tsx';
import { ShownOnce } from '../parts/shown-once.tsx';
import { whose } from '../rights.ts';

const LOOK_AGAIN_MS = 1_500;

export function FirstRequest() {
  const t = useWords();
  const { orgId } = useParams({ from: '/signed-in/o/$orgId/start' });
  const [made, setMade] = useState(() => keptKey(orgId));
  const make = (apiKey: FirstKey | null) => {
    keepKey(orgId, apiKey?.id ?? null);
    setMade(apiKey);
  };
  const request = useArrival(orgId, made?.id ?? null);
  const step = made === null ? 1 : 2;
  return (
    <>
      <PageHeading title={t('start.title')} lead={t('start.lead')} />
      <NoCredit orgId={orgId} isAwaited={request === undefined} />
      <ol className="steps">
        <Step title={t('start.makeKey')} isDone={step > 1} isNow={step === 1}>
          {made === null ? <NameKey orgId={orgId} made={make} /> : <Secret made={made} again={() => make(null)} />}
        </Step>
        <Step title={t('start.send')} isDone={request !== undefined} isNow={step === 2}>
          {made === null || made.credential === null ? (
            <p className="quiet">{made === null ? t('start.sendLater') : t('start.sendCopied')}</p>
          ) : (
            <FirstCommand secret={made.credential} />
          )}
        </Step>
        <Arrival orgId={orgId} isAwaited={step === 2} request={request} />
      </ol>
    </>
  );
}

type FirstKey = Pick<NewApiKey, 'id' | 'credential'>;

const KEPT = 'tollgate-first-key:';

/** That it was made, without what is shown once. */
function keptKey(orgId: string): FirstKey | null {
  const id = sessionStorage.getItem(KEPT + orgId);
  return id === null ? null : { id, credential: null };
}

function keepKey(orgId: string, id: string | null): void {
  if (id === null) sessionStorage.removeItem(KEPT + orgId);
  else sessionStorage.setItem(KEPT + orgId, id);
}

function Secret({ made, again }: { readonly made: FirstKey; again(): void }) {
  const t = useWords();
  if (made.credential !== null) return <ShownOnce secret={made.credential} />;
  return (
    <>
      <p className="quiet">{t('start.shownBefore')}</p>
      <Button variant="default" onClick={again}>
        {t('start.another')}
      </Button>
    </>
  );
}

/** Of which every request is refused, and no row is left: said before it is sent, and for as long as it is so. */
function NoCredit({ orgId, isAwaited }: { readonly orgId: string; readonly isAwaited: boolean }) {
  const t = useWords();
  const grants = useQuery(grantsQuery(orgId));
  const balance = useQuery({ ...balanceQuery(orgId), refetchInterval: isAwaited ? LOOK_AGAIN_MS : false });
  if (balance.data === undefined || BigInt(balance.data.balanceNano) > 0n) return null;
  const isNew = grants.data?.data.length === 0;
  return (
    <Alert color="yellow" title={isNew ? t('grants.neverAny') : t('grants.none')} className="note">
      <div className="problem">
        <p>{isNew ? t('grants.neverAnyMore') : t('grants.noneMore')}</p>
        <BuyCredit orgId={orgId} />
      </div>
    </Alert>
  );
}

interface Step {
  readonly title: string;
  readonly isDone: boolean;
  readonly isNow: boolean;
  readonly children: ReactNode;
}

function Step({ title, isDone, isNow, children }: Step) {
  return (
    <li className="step" data-done={isDone} aria-current={isNow ? 'step' : undefined}>
      <span className="step-sign">{isDone ? <CheckIcon /> : null}</span>
      <div className="step-body">
        <h2>{title}</h2>
        {children}
      </div>
    </li>
  );
}

function NameKey({ orgId, made }: { readonly orgId: string; made(apiKey: NewApiKey): void }) {
  const t = useWords();
  const me = useMe();
  const queries = useQueryClient();
  const [attemptId] = useState(() => crypto.randomUUID());
  const form = useForm({
    initial: { name: t('start.keyName') },
    check: ({ name }) => ({ name: name.trim() === '' ? t('fields.keyName') : null }),
    send: ({ name }) => {
      const params = { header: { 'Idempotency-Key': attemptId } };
      return told(api.POST('/api/v1/api-keys', { params, body: { ...whose(me, orgId), name: name.trim() } }));
    },
    done: async (apiKey) => {
      made(apiKey);
      await queries.invalidateQueries({ queryKey: keysKey(orgId) });
    },
  });
  return (
    <Form form={form} submit={t('keys.make')}>
      <TextInput {...form.input('name')} label={t('keys.name')} maxLength={200} autoComplete="off" />
    </Form>
  );
}

/** The first request with the key that was made here: there may have been others before. Undefined: it has not been seen yet. */
function useArrival(orgId: string, apiKeyId: string | null): RequestLine | undefined {
  const isOfKey = (request: RequestLine) => request.apiKeyId === apiKeyId;
  const { data } = useQuery({
    ...requestsQuery(orgId),
    enabled: apiKeyId !== null,
    refetchInterval: ({ state }) => (state.data?.data.some(isOfKey) ? false : LOOK_AGAIN_MS),
  });
  const request = data?.data.find(isOfKey);
  useNewsOf(orgId, request?.id);
  return request;
}

/** What was read before it, as how much can be spent, is good no more. */
function useNewsOf(orgId: string, requestId: string | undefined): void {
  const queries = useQueryClient();
  useEffect(() => {
    if (requestId !== undefined) void queries.invalidateQueries({ queryKey: ['organization', orgId] });
  }, [queries, orgId, requestId]);
}

interface Arrival {
  readonly orgId: string;
  readonly isAwaited: boolean;
  readonly request: RequestLine | undefined;
}

function Arrival({ orgId, isAwaited, request }: Arrival) {
  const t = useWords();
  const isSeen = request !== undefined;
  return (
    <Step title={isSeen ? t('start.seen') : t('start.wait')} isDone={isSeen} isNow={false}>
      <div role="status" className="arrival" data-seen={isSeen} data-waiting={isAwaited && !isSeen}>
        {isSeen ? (
          <>
            {request.outcome === 'complete' ? null : <Outcome outcome={request.outcome} />}{' '}
            {request.outcome === 'complete'
              ? t('start.seenMore', { model: request.model })
              : t('start.seenOtherwise', { model: request.model })}{' '}
            <Money nano={request.chargeNano} />
          </>
        ) : (
          <span className="quiet">{isAwaited ? t('start.waiting') : t('start.waitLater')}</span>
        )}
      </div>
      {isSeen ? (
        <Button renderRoot={(props) => <Link to="/o/$orgId" params={{ orgId }} {...props} />}>
          {t('start.onward')}
        </Button>
      ) : null}
    </Step>
  );
}
