/** DuckDB, which reads and writes tables. It is large, so it may be left out when installing. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { BagpiperError, messageOf } from '../../errors.js';

/**
 * Opens a database in memory.
 * @param what needs it, as in "CSV and Parquet tables": for the message where it is missing
 * @throws BagpiperError when it is not installed
 */
export async function openDuckDB(what: string): Promise<{ connection: DuckDBConnection; close: () => void }> {
  const duckdb = await import('@duckdb/node-api').catch((error: unknown) => {
    throw new BagpiperError(
      `${what} need DuckDB, which is not installed or does not run here (${messageOf(error).slice(0, 120)}): run "npm install @duckdb/node-api".`,
    );
  });
  const database = await duckdb.DuckDBInstance.create(':memory:');
  try {
    const connection = await database.connect();
    const close = (): void => {
      connection.closeSync();
      database.closeSync();
    };
    return { connection, close };
  } catch (error) {
    database.closeSync();
    throw error;
  }
}

/** Lends a connection to a database in memory. @throws BagpiperError as {@link openDuckDB} */
export async function withDuckDB<T>(what: string, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
  const { connection, close } = await openDuckDB(what);
  try {
    return await work(connection);
  } finally {
    close();
  }
}
