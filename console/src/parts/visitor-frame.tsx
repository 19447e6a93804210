// What surrounds the pages of whoever is not signed in: whose they are, in which language, and nothing that leads away.
import { Outlet } from '@tanstack/react-router';
import { useWords } from '../messages/language.ts';
import { GateIcon } from './icons.tsx';
import { LanguageSwitch } from './language-switch.tsx';

export function VisitorFrame() {
  const t = useWords();
  return (
    <div className="visitor">
      <header className="visitor-head">
        <span className="brand">
          <GateIcon size={20} />
          Tollgate
        </span>
        <LanguageSwitch />
      </header>
      <main className="visitor-page">
        <Outlet />
      </main>
      <footer className="visitor-foot">{t('frame.promise')}</footer>
    </div>
  );
}
