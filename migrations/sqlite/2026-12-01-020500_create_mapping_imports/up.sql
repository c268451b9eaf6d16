-- Files of mappings: kept while somebody looks at what they would do, and until they are booked.
CREATE TABLE shopify_mapping_imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    state TEXT NOT NULL CHECK (state IN ('shown', 'booking', 'done')),
    content BLOB NOT NULL,
    batch TEXT NOT NULL,
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    mapped BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    orders_freed BIGINT NOT NULL,
    -- The first of those lines that were refused while it was booked, with why: JSON.
    refusals TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by BIGINT REFERENCES users (id),
    done_at BIGINT
);
CREATE INDEX shopify_mapping_imports_shop ON shopify_mapping_imports (shop_id, state);
