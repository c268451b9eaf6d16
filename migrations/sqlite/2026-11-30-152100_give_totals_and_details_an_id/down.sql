CREATE TABLE order_details_new (
    order_id BIGINT PRIMARY KEY NOT NULL REFERENCES orders (id),
    sold_through TEXT,
    location_external_id TEXT,
    confirmation_number TEXT,
    po_number TEXT,
    locale TEXT,
    merchant_of_record TEXT,
    company_external_id TEXT,
    company_name TEXT,
    company_location_external_id TEXT,
    company_location_name TEXT,
    company_contact_external_id TEXT,
    terms_kind TEXT,
    terms_days BIGINT,
    terms_due_at BIGINT,
    duties_included BOOLEAN,
    tax_exempt BOOLEAN
);
INSERT INTO order_details_new (
    order_id, sold_through, location_external_id, confirmation_number, po_number, locale,
    merchant_of_record, company_external_id, company_name, company_location_external_id,
    company_location_name, company_contact_external_id, terms_kind, terms_days, terms_due_at,
    duties_included, tax_exempt
)
SELECT
    order_id, sold_through, location_external_id, confirmation_number, po_number, locale,
    merchant_of_record, company_external_id, company_name, company_location_external_id,
    company_location_name, company_contact_external_id, terms_kind, terms_days, terms_due_at,
    duties_included, tax_exempt
FROM order_details ORDER BY order_id;
DROP TABLE order_details;
ALTER TABLE order_details_new RENAME TO order_details;
CREATE TABLE order_totals_new (
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
INSERT INTO order_totals_new (
    order_id, side, basis, subtotal_minor, discount_minor, shipping_minor, duties_minor, fees_minor,
    tax_minor, total_minor, added_minor, added_tax_minor, verdict
)
SELECT
    order_id, side, basis, subtotal_minor, discount_minor, shipping_minor, duties_minor, fees_minor,
    tax_minor, total_minor, added_minor, added_tax_minor, verdict
FROM order_totals ORDER BY order_id, side DESC, basis DESC;
DROP TABLE order_totals;
ALTER TABLE order_totals_new RENAME TO order_totals;
