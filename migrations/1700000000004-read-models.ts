import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The read side. A projection owns its tables alone, so that it can be rebuilt and swapped alone; no foreign keys, because two
 * projections are never at the same event. Rows that are updated over and over keep room on their page (fillfactor), so that
 * updates stay HOT; small tables that change with every batch carry no index beyond their key. Keys compare bytewise (COLLATE "C"):
 * faster, and cursors over them go the same way on every machine.
 */
export class ReadModels1700000000004 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA IF NOT EXISTS read;

      CREATE TABLE read.projection_positions (
        projection text COLLATE "C" NOT NULL,
        stream_id text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        PRIMARY KEY (projection, stream_id)
      ) WITH (fillfactor = 70);

      CREATE TABLE read.orders (
        order_id text COLLATE "C" PRIMARY KEY,
        reference text,
        status text COLLATE "C" NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        guest boolean NOT NULL,
        country text,
        currency text COLLATE "C" NOT NULL,
        total bigint NOT NULL,
        line_count integer NOT NULL,
        units bigint NOT NULL,
        placed_at timestamptz(3) NOT NULL,
        placed_recorded_at timestamptz(3) NOT NULL,
        confirmed_at timestamptz(3),
        confirmed_recorded_at timestamptz(3),
        rejected_at timestamptz(3),
        rejected_recorded_at timestamptz(3),
        cancelled_at timestamptz(3),
        cancelled_recorded_at timestamptz(3),
        refusal_code text,
        refusal_detail text,
        shortages jsonb,
        cancel_reason text,
        cancelled_from text,
        version integer NOT NULL
      );
      CREATE INDEX orders_placed ON read.orders (placed_at, order_id);
      CREATE INDEX orders_status_placed ON read.orders (status, placed_at, order_id);
      CREATE INDEX orders_customer_placed ON read.orders (customer_id, placed_at, order_id);

      CREATE TABLE read.order_lines (
        order_id text COLLATE "C" NOT NULL,
        line_no integer NOT NULL,
        sku text COLLATE "C" NOT NULL,
        description text,
        quantity bigint NOT NULL,
        unit_price bigint NOT NULL,
        PRIMARY KEY (order_id, line_no)
      );
      CREATE INDEX order_lines_sku ON read.order_lines (sku, order_id);

      CREATE TABLE read.order_history (
        order_id text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        status text COLLATE "C" NOT NULL,
        detail text,
        actor text NOT NULL,
        event_id uuid NOT NULL,
        occurred_at timestamptz(3) NOT NULL,
        recorded_at timestamptz(3) NOT NULL,
        PRIMARY KEY (order_id, version)
      );

      CREATE TABLE read.stock_levels (
        sku text COLLATE "C" PRIMARY KEY,
        on_hand bigint GENERATED ALWAYS AS (received + adjusted + returned - shipped) STORED,
        reserved bigint NOT NULL,
        available bigint GENERATED ALWAYS AS (received + adjusted + returned - shipped - reserved) STORED,
        received bigint NOT NULL,
        adjusted bigint NOT NULL,
        shipped bigint NOT NULL,
        returned bigint NOT NULL,
        refusals bigint NOT NULL,
        reorder_level bigint GENERATED ALWAYS AS ((received + 9) / 10) STORED,
        updated_at timestamptz(3) NOT NULL,
        version integer NOT NULL
      ) WITH (fillfactor = 50);

      CREATE TABLE read.customers (
        customer_id text COLLATE "C" PRIMARY KEY,
        guest boolean NOT NULL,
        name text,
        email text,
        country text,
        orders bigint NOT NULL,
        confirmed_orders bigint NOT NULL,
        rejected_orders bigint NOT NULL,
        cancelled_orders bigint NOT NULL,
        first_order_at timestamptz(3),
        last_order_at timestamptz(3),
        last_order_id text COLLATE "C"
      ) WITH (fillfactor = 70);

      CREATE TABLE read.customer_spend (
        customer_id text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        confirmed_orders bigint NOT NULL,
        spend bigint NOT NULL,
        PRIMARY KEY (customer_id, currency)
      ) WITH (fillfactor = 70);

      CREATE TABLE read.customer_orders (
        order_id text COLLATE "C" PRIMARY KEY,
        customer_id text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        total bigint NOT NULL,
        status text COLLATE "C" NOT NULL
      ) WITH (fillfactor = 80);

      CREATE TABLE read.products (
        sku text COLLATE "C" PRIMARY KEY,
        description text,
        described_at timestamptz(3),
        described_by_order text COLLATE "C",
        described_by_line integer
      ) WITH (fillfactor = 50);

      CREATE TABLE read.product_sales (
        sku text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        orders bigint NOT NULL,
        units bigint NOT NULL,
        revenue bigint NOT NULL,
        PRIMARY KEY (sku, currency)
      ) WITH (fillfactor = 50);

      CREATE TABLE read.product_orders (
        order_id text COLLATE "C" PRIMARY KEY,
        currency text COLLATE "C" NOT NULL,
        status text COLLATE "C" NOT NULL,
        items jsonb NOT NULL
      ) WITH (fillfactor = 80);

      CREATE TABLE read.overview_hours (
        hour timestamptz(3) NOT NULL,
        currency text COLLATE "C" NOT NULL,
        status text COLLATE "C" NOT NULL,
        orders bigint NOT NULL,
        lines bigint NOT NULL,
        units bigint NOT NULL,
        total bigint NOT NULL,
        PRIMARY KEY (hour, currency, status)
      ) WITH (fillfactor = 50);

      CREATE TABLE read.overview_orders (
        order_id text COLLATE "C" PRIMARY KEY,
        status text COLLATE "C" NOT NULL,
        currency text COLLATE "C" NOT NULL,
        customer_id text COLLATE "C" NOT NULL,
        guest boolean NOT NULL,
        placed_at timestamptz(3) NOT NULL,
        placed_recorded_at timestamptz(3) NOT NULL,
        lines integer NOT NULL,
        units bigint NOT NULL,
        total bigint NOT NULL,
        confirmation_ms bigint
      ) WITH (fillfactor = 80);
      CREATE INDEX overview_orders_placed ON read.overview_orders (placed_at);

      CREATE TABLE read.fulfilments (
        order_id text COLLATE "C" PRIMARY KEY,
        status text COLLATE "C" NOT NULL,
        step text,
        step_state text,
        attempts integer NOT NULL,
        amount bigint NOT NULL,
        currency text COLLATE "C" NOT NULL,
        items integer NOT NULL,
        refusal_code text,
        refusal_detail text,
        parked_code text,
        parked_detail text,
        parked_at timestamptz(3),
        cancel_reason text,
        started_at timestamptz(3) NOT NULL,
        ended_at timestamptz(3),
        updated_at timestamptz(3) NOT NULL,
        version integer NOT NULL
      ) WITH (fillfactor = 60);
      CREATE INDEX fulfilments_status_started ON read.fulfilments (status, started_at, order_id);
    `);
  }

  async down(): Promise<void> {
    throw new Error('Migrations are forward-only: restore a backup, or write a migration that goes forward.');
  }
}
