// What we keep of somebody, for himself.
import { Button } from '@mantine/core';
import { useWords } from '../messages/language.ts';

export function DataPart() {
  const t = useWords();
  return (
    <section className="part" aria-labelledby="data">
      <h2 id="data">{t('data.title')}</h2>
      <p className="quiet">{t('data.lead')}</p>
      <Button variant="default" component="a" href="/api/v1/me/data" download>
        {t('data.download')}
      </Button>
    </section>
  );
}
