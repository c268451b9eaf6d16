-- What an order says beside people and money: where it was sold, to which company, on which terms.
CREATE TABLE order_details (
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
