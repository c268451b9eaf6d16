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
-- What a charge may be for is left to the program.
ALTER TABLE order_charges DROP CONSTRAINT order_charges_kind_check;
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
