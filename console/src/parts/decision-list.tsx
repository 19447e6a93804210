// What was decided on an application, by whom and when; and that it was decided by somebody else while one was still thinking.
import type { ApplicationFile } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';
import { TermsFacts } from './application-facts.tsx';
import type { Decided } from './decision-dialog.tsx';
import { Moment } from './moment.tsx';
import { useNames } from './names.ts';

/** Terms that stand above already are not told twice. */
export function DecisionList({ file: { decisions, revision: newest } }: { readonly file: ApplicationFile }) {
  const t = useWords();
  const nameOf = useNames();
  if (decisions.length === 0) return null;
  return (
    <section className="part" aria-labelledby="decisions">
      <h2 id="decisions">{t('file.decisions')}</h2>
      <ol className="thread">
        {decisions.map(({ id, kind, actor, at, reason, terms, revision }) => (
          <li key={id}>
            <p>
              {t(`file.past.${kind}`, { name: nameOf(actor) })} · <Moment at={at} />
            </p>
            {reason === null ? null : <p className="said quiet">{reason}</p>}
            {terms === null || revision === newest ? null : <TermsFacts terms={terms} />}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Null: whatever was tried came in time. */
export function useMeanwhile({ decisions, revision }: ApplicationFile, tried: Decided | null): string | null {
  const t = useWords();
  const nameOf = useNames();
  if (tried === null) return null;
  const other = decisions.find((made) => made.revision === tried.revision && made.level === tried.level);
  if (other !== undefined) return t(`file.meanwhile.${other.kind}`, { name: nameOf(other.actor) });
  return revision === tried.revision ? t('file.meanwhile.over') : t('file.meanwhile.again');
}
