// The pages of a customer as its owner sees them, for somebody of our staff who has said why he looks. Whatever would change something is off, and the
// API refuses it besides: each of its calls says that somebody looks (api/client.ts).
import { Button, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { api, told } from '../api/client.ts';
import { organizationQuery } from '../api/organization-questions.ts';
import { Problem } from '../api/problem.ts';
import { useWords } from '../messages/language.ts';
import { NothingHere } from '../pages/trouble.tsx';
import { beginView, endView, viewEndsAt } from '../viewed-organization.ts';
import { Asked } from './asked.tsx';
import { Form, useForm } from './form.tsx';
import { EyeIcon } from './icons.tsx';
import { PageHeading } from './page-heading.tsx';

interface OfOrganization {
  readonly orgId: string;
}

/** children: the pages. */
export function Viewing({ orgId, children }: OfOrganization & { readonly children: ReactNode }) {
  const question = useQuery(organizationQuery(orgId));
  const [endsAt, setEndsAt] = useState(() => viewEndsAt(orgId));
  useEffect(() => {
    if (endsAt === null) return;
    const timer = setTimeout(() => setEndsAt(null), endsAt - Date.now());
    return () => clearTimeout(timer);
  }, [endsAt]);
  useEffect(() => {
    document.addEventListener('click', stayHere, true);
    return () => document.removeEventListener('click', stayHere, true);
  }, []);
  if (question.error instanceof Problem && question.error.status === 404) return <NothingHere />;
  return (
    <Asked question={question} height={200}>
      {({ name }) =>
        endsAt === null ? (
          <WhyLook orgId={orgId} name={name} begun={() => setEndsAt(viewEndsAt(orgId))} />
        ) : (
          <>
            <Banner orgId={orgId} name={name} />
            <fieldset disabled aria-labelledby="viewing" className="viewed">
              {children}
            </fieldset>
          </>
        )
      }
    </Asked>
  );
}

/** Of what is shown: where a link leads out of the console a card could be asked. */
function stayHere(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>('.viewed a') : null;
  const isOfConsole = link?.origin === location.origin && link.pathname.startsWith(import.meta.env.BASE_URL);
  if (link !== null && !isOfConsole) event.preventDefault();
}

function Banner({ orgId, name }: OfOrganization & { readonly name: string }) {
  const t = useWords();
  const navigate = useNavigate();
  const leave = () => {
    endView(orgId);
    void navigate({ to: '/staff/customers/$customerId', params: { customerId: orgId } });
  };
  return (
    <div className="viewing">
      <EyeIcon />
      <p id="viewing">{t('viewing.banner', { name })}</p>
      <Button size="xs" variant="white" color="dark" onClick={leave}>
        {t('viewing.leave')}
      </Button>
    </div>
  );
}

interface WhyLook extends OfOrganization {
  readonly name: string;
  begun(): void;
}

function WhyLook({ orgId, name, begun }: WhyLook) {
  const t = useWords();
  const form = useForm({
    initial: { reason: '' },
    check: ({ reason }) => ({ reason: reason.trim() === '' ? t('fields.reason') : null }),
    send: ({ reason }) =>
      told(
        api.POST('/api/v1/organizations/{orgId}/views', {
          params: { path: { orgId } },
          body: { reason: reason.trim() },
        }),
      ),
    done: ({ validUntil }) => {
      beginView(orgId, validUntil);
      begun();
    },
  });
  return (
    <>
      <PageHeading title={t('viewing.title', { name })} lead={t('viewing.lead')} />
      <div className="part">
        <Form
          form={form}
          submit={t('viewing.begin')}
          beside={
            <Button
              variant="default"
              renderRoot={(props) => (
                <Link to="/staff/customers/$customerId" params={{ customerId: orgId }} {...props} />
              )}
            >
              {t('keys.cancel')}
            </Button>
          }
        >
          <Textarea {...form.input('reason')} label={t('keys.reason')} maxLength={500} rows={2} />
        </Form>
      </div>
    </>
  );
}
