// To whom invoices are made out, and what decides the tax on them.
import { NativeSelect, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api, told } from '../api/client.ts';
import { type BillingDetails, billingDetailsQuery } from '../api/organization-questions.ts';
import { countriesIn } from '../countries.ts';
import { isMailAddress } from '../entered.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { Asked } from './asked.tsx';
import { Form, useForm } from './form.tsx';
import { Saved } from './profile-part.tsx';

interface BillingDetailsPart {
  readonly orgId: string;
  readonly pays: boolean;
}

export function BillingDetailsPart({ orgId, pays }: BillingDetailsPart) {
  const t = useWords();
  const question = useQuery(billingDetailsQuery(orgId));
  return (
    <section className="part" aria-labelledby="details">
      <h2 id="details">{t('details.title')}</h2>
      <p className="quiet">{t('details.lead')}</p>
      <Asked question={question} height={420}>
        {(details) => (pays ? <DetailsForm orgId={orgId} details={details} /> : <Told details={details} />)}
      </Asked>
    </section>
  );
}

function Told({ details: { legalName, address, taxId, billingEmail } }: { readonly details: BillingDetails }) {
  const { line1, line2, postalCode, city, region, country } = address ?? {};
  const lines = [legalName, line1, line2, [postalCode, city].filter(Boolean).join(' '), region, country];
  return (
    <address>
      {[...lines, taxId, billingEmail].filter(Boolean).map((text) => (
        <div key={text}>{text}</div>
      ))}
    </address>
  );
}

const ADDRESS = ['line1', 'line2', 'postalCode', 'city', 'region'] as const;
const LONGEST = { line1: 200, line2: 200, postalCode: 20, city: 100, region: 100 } as const;
const NEEDED = ['line1', 'city', 'country'] as const;

function DetailsForm({ orgId, details }: { readonly orgId: string; readonly details: BillingDetails }) {
  const t = useWords();
  const form = useDetails(orgId, details);
  const countries = [{ value: '', label: t('details.noCountry') }, ...countriesIn(spokenTag())];
  return (
    <Form form={form} submit={t('profile.save')} beside={<Saved isSaved={form.isDone} />}>
      <TextInput
        {...form.input('legalName')}
        label={t('details.legalName')}
        autoComplete="organization"
        maxLength={200}
      />
      <div className="pairs">
        {ADDRESS.map((field) => (
          <TextInput key={field} {...form.input(field)} label={t(`details.${field}`)} maxLength={LONGEST[field]} />
        ))}
        <NativeSelect {...form.input('country')} label={t('details.country')} data={countries} />
        <TextInput {...form.input('taxId')} label={t('details.taxId')} maxLength={50} />
        <TextInput {...form.input('poNumber')} label={t('details.poNumber')} maxLength={100} />
      </div>
      <TextInput
        {...form.input('billingEmail')}
        label={t('details.billingEmail')}
        description={t('details.billingEmailMore')}
        type="email"
        maxLength={254}
      />
    </Form>
  );
}

function useDetails(orgId: string, { address, ...details }: BillingDetails) {
  const t = useWords();
  const queries = useQueryClient();
  // What he has seen, not what somebody wrote meanwhile.
  const [version, setVersion] = useState(details.version);
  return useForm({
    initial: {
      ...{ legalName: details.legalName ?? '', taxId: details.taxId ?? '', poNumber: details.poNumber ?? '' },
      ...{ billingEmail: details.billingEmail ?? '', line1: address?.line1 ?? '', line2: address?.line2 ?? '' },
      ...{ postalCode: address?.postalCode ?? '', city: address?.city ?? '', region: address?.region ?? '' },
      country: address?.country ?? '',
    },
    keptAs: `billing-details:${orgId}:${version}`,
    check: (entered) => {
      const hasAddress = [...ADDRESS, 'country' as const].some((field) => entered[field].trim() !== '');
      const lacking = hasAddress ? NEEDED.filter((field) => entered[field].trim() === '') : [];
      const isWrongMail = entered.billingEmail.trim() !== '' && !isMailAddress(entered.billingEmail);
      return {
        ...Object.fromEntries(lacking.map((field) => [field, t('fields.empty')])),
        ...(isWrongMail ? { billingEmail: t('fields.email') } : {}),
      };
    },
    send: (entered) => {
      const said = (field: keyof typeof entered) => entered[field].trim() || null;
      const [line1, city, country] = [said('line1'), said('city'), said('country')];
      const [line2, postalCode, region] = [said('line2'), said('postalCode'), said('region')];
      const body = {
        ...{ legalName: said('legalName'), taxId: said('taxId'), poNumber: said('poNumber') },
        billingEmail: said('billingEmail'),
        address:
          line1 === null || city === null || country === null
            ? null
            : { line1, line2, city, postalCode, region, country },
      };
      const params = { path: { orgId }, header: { 'If-Match': `"${version}"` } };
      return told(api.PATCH('/api/v1/organizations/{orgId}/billing-details', { params, body }));
    },
    done: (saved) => {
      setVersion(saved.version);
      return queries.invalidateQueries(billingDetailsQuery(orgId));
    },
  });
}
