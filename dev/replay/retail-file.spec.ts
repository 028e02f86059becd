/** Proves that plain and gzip files read the same, that line numbers are those of an editor, and that broken files are told plainly. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readRetailFile, RetailFileError } from './retail-file.js';
import type { RetailRow } from './retail-row.js';

const SMALL = join(import.meta.dirname, '../../test/fixtures/small-retail.csv');
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'retail-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: string | Buffer): Promise<RetailRow[]> {
  const path = join(folder, 'file');
  await writeFile(path, content);
  return rowsOf(path);
}

async function rowsOf(path: string): Promise<RetailRow[]> {
  const rows: RetailRow[] = [];
  for await (const row of readRetailFile(path)) rows.push(row);
  return rows;
}

it('reads a gzip file like a plain one, whatever it is called', async () => {
  const plain = await rowsOf(SMALL);
  expect(plain).toHaveLength(33);
  expect(await read(gzipSync(await readFile(SMALL)))).toEqual(plain);
});

it('counts lines as an editor does, also after a quoted line break, and trusts quotes and commas inside quotes', async () => {
  const rows = await read(
    `\ufeff${HEADER}\r\n1,20001,"a ""b"", c\nd",1,2024-03-04 09:00:00,1.0,,France\r\n2,20001,5" disc,1,2024-03-04 09:00:00,1.0,,France\r\n`,
  );
  expect(rows.map(({ line, description, problem }) => [line, description, problem])).toEqual([
    [2, 'a "b", c\nd', null],
    [4, '5" disc', null],
  ]);
});

it('takes columns in any order', async () => {
  const [row] = await read(
    'Country,InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID\nFrance,1,20001,x,1,2024-03-04 09:00:00,1.0,\n',
  );
  expect(row).toMatchObject({ invoice: '1', country: 'France', problem: null });
});

it.each([
  ['an empty file', '', /is empty/],
  ['a missing column', HEADER.replace('UnitPrice', 'Price'), /no column UnitPrice/],
  ['a quote that is never closed', `${HEADER}\n1,20001,"x,1,2024-03-04 09:00:00,1.0,,France\n`, /after line 1/],
  ['a damaged gzip file', gzipSync(`${HEADER}\n`.repeat(1000)).subarray(0, 40), /file: /],
])('%s is refused as a whole', async (_what, content, message) => {
  await expect(read(content)).rejects.toThrow(RetailFileError);
  await expect(read(content)).rejects.toThrow(message);
});

it('a file that is not there is refused', async () => {
  await expect(rowsOf(join(folder, 'none'))).rejects.toThrow(/cannot be opened/);
});
