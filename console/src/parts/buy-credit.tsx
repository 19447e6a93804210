// The way to more credit, for whoever may buy it; all others are told whom to ask.
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useMe } from '../api/questions.ts';
import { useWords } from '../messages/language.ts';
import { maySpend, roleIn } from '../rights.ts';

export function BuyCredit({ orgId }: { readonly orgId: string }) {
  const t = useWords();
  if (!maySpend(roleIn(useMe(), orgId))) return <p className="quiet">{t('grants.ask')}</p>;
  return (
    <Button renderRoot={(props) => <Link to="/o/$orgId/billing" params={{ orgId }} hash="packs" {...props} />}>
      {t('grants.buy')}
    </Button>
  );
}
