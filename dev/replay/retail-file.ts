import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { readRow, RETAIL_COLUMNS, type RetailRow } from './retail-row.js';

/** The file as a whole cannot be read; a row that makes no sense is no such case. */
export class RetailFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RetailFileError';
  }
}

interface CsvRecord {
  readonly fields: readonly string[];
  readonly line: number;
}

/**
 * The rows of a CSV file, plain or gzip (told by its first bytes), in file order and in constant memory.
 * Columns may stand in any order; a missing one, or text that is no CSV, is a {@link RetailFileError}.
 */
export async function* readRetailFile(path: string): AsyncGenerator<RetailRow> {
  let order: number[] | undefined;
  for await (const { fields, line } of records(path)) {
    if (!order) {
      order = columnOrder(fields, path);
      continue;
    }
    yield readRow(fields.length === order.length ? order.map((column) => fields[column]!) : fields, line);
  }
  if (!order) throw new RetailFileError(`${path} is empty: a header line with ${RETAIL_COLUMNS.join(',')} was expected`);
}

async function* records(path: string): AsyncGenerator<CsvRecord> {
  const gzip = await isGzip(path);
  let lastLine = 0;
  const parser = parse({
    bom: true,
    relax_column_count: true,
    // A stray quote inside a field that is not quoted is part of the text.
    relax_quotes: true,
    skip_empty_lines: true,
    // A quote that is never closed would otherwise take in the rest of the file before anyone notices.
    max_record_size: 64 * 1024,
    on_record: (fields, { lines }) => {
      const record: CsvRecord = { fields, line: lastLine + 1 };
      lastLine = lines;
      // The parser's types know only records with columns for this; it hands on whatever we return.
      return record as unknown as string[];
    },
  });
  const source = createReadStream(path, { highWaterMark: 256 * 1024 });
  const done = (error: unknown): void => {
    // The parser is destroyed with the same error and the loop below throws it.
    if (error) parser.destroy(error as Error);
  };
  if (gzip) pipeline(source, createGunzip(), parser, done);
  else pipeline(source, parser, done);
  try {
    for await (const record of parser) yield record as CsvRecord;
  } catch (error) {
    if (error instanceof CsvError) throw new RetailFileError(`${path}, after line ${lastLine}: ${error.message}`, { cause: error });
    throw new RetailFileError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

async function isGzip(path: string): Promise<boolean> {
  let file;
  try {
    file = await open(path);
  } catch (error) {
    throw new RetailFileError(`${path} cannot be opened: ${(error as Error).message}`, { cause: error });
  }
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function columnOrder(header: readonly string[], path: string): number[] {
  const names = header.map((name) => name.trim());
  const missing = RETAIL_COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) throw new RetailFileError(`${path} has no column ${missing.join(', ')} in its first line`);
  return RETAIL_COLUMNS.map((column) => names.indexOf(column));
}
