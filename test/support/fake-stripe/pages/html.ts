// Pages as plain as they can be: one form, a few buttons. What comes from outside is escaped.

export function html(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)}</title>
<style>body{font:16px/1.5 system-ui;max-width:28rem;margin:4rem auto;padding:0 1rem}button,select{font:inherit;padding:.4rem .8rem}
.note{background:#fff3cd;padding:.5rem .8rem}.error{background:#f8d7da;padding:.5rem .8rem}</style></head>
<body><p class="note">Fake Stripe: no money moves here.</p><h1>${escaped(title)}</h1>${body}</body></html>`;
}

export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
