/** An order of two lines, 3 × 2.55 and 1 × 10.00. */
export const anOrder = (changes: object = {}) => ({
  reference: '536365',
  customer: { id: '17850', name: 'Ada Lovelace', email: 'ada@example.org', country: 'United Kingdom' },
  currency: 'GBP',
  lines: [
    { sku: '85123a', description: 'WHITE HANGING HEART T-LIGHT HOLDER', quantity: 3, unitPrice: 255 },
    { sku: '71053', quantity: 1, unitPrice: 1000 },
  ],
  paymentToken: 'tok_ok',
  placedAt: '2010-12-01T08:26:00Z',
  ...changes,
});
