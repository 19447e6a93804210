// The one page on which a person signs in to read what Temporal keeps encrypted. It has no script and takes nothing from outside
// into its markup but texts of ours.

export function signInPage(problem: string | null): string {
  return page(
    'Read workflows',
    `<p>Inputs, results and details of workflows are encrypted. Sign in to have them decoded in Temporal's UI
for eight hours. What you read is logged under your name.</p>
${problem === null ? '' : `<p role="alert"><strong>${problem}</strong></p>`}
<form method="post" action="/codec/sign-in">
<label>Your name <input name="name" required maxlength="100" autocomplete="name"></label>
<label>Admin token <input name="adminToken" type="password" required autocomplete="current-password"></label>
<button>Sign in</button>
</form>`,
  );
}

export const SIGNED_IN = page(
  'You are signed in',
  `<p>Once per browser, in Temporal's UI: open the codec settings (the glasses at the top right), choose
<strong>Use my browser setting</strong>, enter the address of the sign-in page (it ends in <code>/codec</code>), and switch on
<strong>Include cross-origin credentials</strong>. Then load the workflow again.</p>`,
);

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} - Tollgate</title>
<style>body{font:16px/1.5 system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem}label{display:block;margin:1rem 0}
input{display:block;width:100%;padding:.4rem;font:inherit}button{padding:.4rem 1rem;font:inherit}[role=alert]{color:#a00}</style></head>
<body><h1>${title}</h1>
${body}
</body></html>
`;
}
