// Invoices of usage as the hourly tick asks for them. `issueDue` is issueDueInvoices of services/postpaid/usage-invoices.ts on the worker's
// pool: repeated, it goes on with the organizations that are left.
export interface InvoiceActivities {
  issueDueInvoices(): Promise<readonly string[]>;
}

export function createInvoiceActivities(issueDue: () => Promise<readonly string[]>): InvoiceActivities {
  return { issueDueInvoices: issueDue };
}
