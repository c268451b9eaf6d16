ALTER TABLE order_lines ADD COLUMN vendor TEXT;
ALTER TABLE order_lines ADD COLUMN grams BIGINT;
ALTER TABLE order_lines ADD COLUMN taxable BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE order_lines ADD COLUMN presentment_unit_price_scaled BIGINT;
ALTER TABLE order_lines ADD COLUMN presentment_discount_minor BIGINT;
ALTER TABLE order_lines ADD COLUMN presentment_tax_minor BIGINT;
ALTER TABLE order_lines ADD COLUMN presentment_total_minor BIGINT;
-- JSON, amounts as exact decimal text: read with their line alone.
ALTER TABLE order_lines ADD COLUMN discounts TEXT;
ALTER TABLE order_lines ADD COLUMN taxes TEXT;
ALTER TABLE order_lines ADD COLUMN duties TEXT;
ALTER TABLE order_lines ADD COLUMN bundle_external_id TEXT;
ALTER TABLE order_lines ADD COLUMN bundle_title TEXT;
ALTER TABLE order_lines ADD COLUMN bundle_quantity BIGINT;
ALTER TABLE order_taxes ADD COLUMN presentment_minor BIGINT;
ALTER TABLE order_taxes ADD COLUMN channel_liable BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE order_discounts ADD COLUMN presentment_minor BIGINT;
ALTER TABLE order_discounts ADD COLUMN target TEXT;
ALTER TABLE order_discounts ADD COLUMN value TEXT;
ALTER TABLE order_discounts ADD COLUMN value_kind TEXT;
-- SQLite changes no CHECK: the table is made anew, and what a charge may be for is left to the program.
CREATE TABLE order_charges_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    kind TEXT NOT NULL,
    external_id TEXT,
    title TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    discount_minor BIGINT NOT NULL DEFAULT 0
);
INSERT INTO order_charges_new (id, order_id, kind, external_id, title, amount_minor, discount_minor)
    SELECT id, order_id, kind, external_id, title, amount_minor, discount_minor FROM order_charges;
DROP TABLE order_charges;
ALTER TABLE order_charges_new RENAME TO order_charges;
CREATE INDEX order_charges_order ON order_charges (order_id);
ALTER TABLE order_charges ADD COLUMN code TEXT;
ALTER TABLE order_charges ADD COLUMN presentment_amount_minor BIGINT;
ALTER TABLE order_charges ADD COLUMN presentment_discount_minor BIGINT;
-- Millionths of the currency's unit: as fine as they were told.
ALTER TABLE order_charges ADD COLUMN amount_scaled BIGINT;
ALTER TABLE order_charges ADD COLUMN presentment_amount_scaled BIGINT;
ALTER TABLE order_charges ADD COLUMN discounts TEXT;
ALTER TABLE order_charges ADD COLUMN taxes TEXT;
ALTER TABLE order_charges ADD COLUMN removed BOOLEAN NOT NULL DEFAULT FALSE;
-- The channel's totals in its own and in the customer's currency, as ordered and now, each with what its parts add up to.
CREATE TABLE order_totals (
    order_id BIGINT NOT NULL REFERENCES orders (id),
    side TEXT NOT NULL CONSTRAINT order_totals_side CHECK (side IN ('shop', 'presentment')),
    basis TEXT NOT NULL CONSTRAINT order_totals_basis CHECK (basis IN ('ordered', 'now')),
    subtotal_minor BIGINT,
    discount_minor BIGINT,
    shipping_minor BIGINT,
    duties_minor BIGINT,
    fees_minor BIGINT,
    tax_minor BIGINT,
    total_minor BIGINT,
    added_minor BIGINT,
    added_tax_minor BIGINT,
    verdict TEXT NOT NULL,
    CONSTRAINT order_totals_pkey PRIMARY KEY (order_id, side, basis)
);
