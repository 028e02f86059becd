import { TOP } from './overview.answers.js';

/** A select expression: the best of `per_sku` (sku, units, revenue) by a figure, ties by SKU, with their descriptions, as JSON. */
export const topProducts = (figure: 'revenue' | 'units') => `
  (SELECT coalesce(json_agg(json_build_object('sku', t.sku, 'description', p.description, 'units', t.units, 'revenuePence', t.revenue)
     ORDER BY t.${figure} DESC, t.sku), '[]')
   FROM (SELECT * FROM per_sku ORDER BY ${figure} DESC, sku LIMIT ${TOP}) t LEFT JOIN read.products p USING (sku))`;
