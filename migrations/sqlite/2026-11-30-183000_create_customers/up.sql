-- What a channel tells of a person beside the name: consent, tags, a note; whence they came; whom they are one with.
ALTER TABLE accounts ADD COLUMN kind TEXT NOT NULL DEFAULT 'person';
ALTER TABLE contacts ADD COLUMN channel_id BIGINT;
ALTER TABLE contacts ADD COLUMN note TEXT;
ALTER TABLE contacts ADD COLUMN tags TEXT;
ALTER TABLE contacts ADD COLUMN locale TEXT;
ALTER TABLE contacts ADD COLUMN email_consent TEXT;
ALTER TABLE contacts ADD COLUMN email_consent_level TEXT;
ALTER TABLE contacts ADD COLUMN email_consent_at BIGINT;
ALTER TABLE contacts ADD COLUMN sms_consent TEXT;
ALTER TABLE contacts ADD COLUMN sms_consent_level TEXT;
ALTER TABLE contacts ADD COLUMN sms_consent_at BIGINT;
ALTER TABLE contacts ADD COLUMN name_zip TEXT;
ALTER TABLE contacts ADD COLUMN merged_into BIGINT;
-- Those who share one are counted without a look at the contacts themselves.
DROP INDEX contacts_email;
CREATE INDEX contacts_email ON contacts (email_normal, merged_into);
CREATE INDEX contacts_phone ON contacts (phone_normal, merged_into);
CREATE INDEX contacts_name_zip ON contacts (name_zip, merged_into);
CREATE INDEX contacts_merged ON contacts (merged_into) WHERE merged_into IS NOT NULL;
-- A number without digits is none: nobody is found by it.
UPDATE contacts SET phone_normal = NULL WHERE length(phone_normal) < 6;

-- What customers are found by: lower-case words, found by how they begin.
CREATE TABLE contact_terms (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    contact_id BIGINT NOT NULL REFERENCES contacts (id),
    term TEXT NOT NULL
);
CREATE INDEX contact_terms_term ON contact_terms (term, contact_id);
CREATE INDEX contact_terms_contact ON contact_terms (contact_id);
INSERT INTO contact_terms (contact_id, term)
    SELECT id, lower(first_name) FROM contacts WHERE first_name IS NOT NULL
    UNION SELECT id, lower(last_name) FROM contacts WHERE last_name IS NOT NULL
    UNION SELECT id, email_normal FROM contacts WHERE email_normal IS NOT NULL
    UNION SELECT id, ltrim(phone_normal, '+') FROM contacts WHERE phone_normal IS NOT NULL;

CREATE TABLE contact_addresses (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    contact_id BIGINT NOT NULL REFERENCES contacts (id),
    external_id TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    address TEXT NOT NULL,
    CONSTRAINT contact_addresses_external UNIQUE (contact_id, external_id)
);

-- Where a company buys.
CREATE TABLE account_locations (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT,
    address TEXT,
    CONSTRAINT account_locations_external UNIQUE (account_id, external_id)
);

-- Two contacts that became one. The orders that moved are named, so that the merge can be undone.
CREATE TABLE contact_merges (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kept_id BIGINT NOT NULL REFERENCES contacts (id),
    gone_id BIGINT NOT NULL REFERENCES contacts (id),
    before TEXT,
    after TEXT,
    orders BIGINT NOT NULL,
    merged_at BIGINT NOT NULL,
    merged_by BIGINT REFERENCES users (id),
    undone_at BIGINT,
    undone_by BIGINT REFERENCES users (id)
);
CREATE UNIQUE INDEX contact_merges_gone ON contact_merges (gone_id) WHERE undone_at IS NULL;
CREATE INDEX contact_merges_kept ON contact_merges (kept_id, id);
CREATE TABLE contact_merge_orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    merge_id BIGINT NOT NULL REFERENCES contact_merges (id),
    order_id BIGINT NOT NULL REFERENCES orders (id),
    CONSTRAINT contact_merge_orders_order UNIQUE (merge_id, order_id)
);
-- Two that look alike and are not one: somebody looked. The older one stands first.
CREATE TABLE contacts_apart (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    older_id BIGINT NOT NULL REFERENCES contacts (id),
    newer_id BIGINT NOT NULL REFERENCES contacts (id),
    said_at BIGINT NOT NULL,
    said_by BIGINT REFERENCES users (id),
    CONSTRAINT contacts_apart_pair UNIQUE (older_id, newer_id)
);

CREATE TABLE shopify_companies (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    external_id TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    source_updated_at BIGINT NOT NULL,
    CONSTRAINT shopify_companies_external UNIQUE (shop_id, external_id)
);
-- An order tells of its customer in part alone: when the whole was last told.
ALTER TABLE shopify_customers ADD COLUMN profiled_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX shopify_customers_contact ON shopify_customers (contact_id);

-- A customer's orders by pages, and what they come to, without a look at the orders themselves.
DROP INDEX orders_contact;
CREATE INDEX orders_contact ON orders (contact_id, placed_at, id, currency, current_total_minor, cancelled_at, test);
