DROP TABLE order_totals;
ALTER TABLE order_charges DROP COLUMN removed;
ALTER TABLE order_charges DROP COLUMN taxes;
ALTER TABLE order_charges DROP COLUMN discounts;
ALTER TABLE order_charges DROP COLUMN presentment_amount_scaled;
ALTER TABLE order_charges DROP COLUMN amount_scaled;
ALTER TABLE order_charges DROP COLUMN presentment_discount_minor;
ALTER TABLE order_charges DROP COLUMN presentment_amount_minor;
ALTER TABLE order_charges DROP COLUMN code;
-- The version before knows no such charge.
DELETE FROM order_charges WHERE kind NOT IN ('shipping', 'tip', 'duty', 'fee', 'rounding');
CREATE TABLE order_charges_new (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    kind TEXT NOT NULL CHECK (kind IN ('shipping', 'tip', 'duty', 'fee', 'rounding')),
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
ALTER TABLE order_discounts DROP COLUMN value_kind;
ALTER TABLE order_discounts DROP COLUMN value;
ALTER TABLE order_discounts DROP COLUMN target;
ALTER TABLE order_discounts DROP COLUMN presentment_minor;
ALTER TABLE order_taxes DROP COLUMN channel_liable;
ALTER TABLE order_taxes DROP COLUMN presentment_minor;
ALTER TABLE order_lines DROP COLUMN bundle_quantity;
ALTER TABLE order_lines DROP COLUMN bundle_title;
ALTER TABLE order_lines DROP COLUMN bundle_external_id;
ALTER TABLE order_lines DROP COLUMN duties;
ALTER TABLE order_lines DROP COLUMN taxes;
ALTER TABLE order_lines DROP COLUMN discounts;
ALTER TABLE order_lines DROP COLUMN presentment_total_minor;
ALTER TABLE order_lines DROP COLUMN presentment_tax_minor;
ALTER TABLE order_lines DROP COLUMN presentment_discount_minor;
ALTER TABLE order_lines DROP COLUMN presentment_unit_price_scaled;
ALTER TABLE order_lines DROP COLUMN taxable;
ALTER TABLE order_lines DROP COLUMN grams;
ALTER TABLE order_lines DROP COLUMN vendor;
