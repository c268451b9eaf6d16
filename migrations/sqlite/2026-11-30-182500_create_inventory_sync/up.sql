-- How a store's stock is kept in step with ours. No row: it is not.
CREATE TABLE shopify_inventory_settings (
    shop_id BIGINT PRIMARY KEY NOT NULL REFERENCES shopify_shops (id),
    is_on BOOLEAN NOT NULL,
    buffer BIGINT NOT NULL CONSTRAINT shopify_inventory_settings_buffer CHECK (buffer >= 0),
    cap BIGINT CONSTRAINT shopify_inventory_settings_cap CHECK (cap >= 0),
    changed_at BIGINT NOT NULL,
    changed_by BIGINT REFERENCES users (id)
);

-- Whose number counts at a location: ours or the store's.
ALTER TABLE shopify_locations ADD COLUMN stock_master TEXT NOT NULL DEFAULT 'erp';

-- That something changed, here or there: only ever inserted by whoever changes it, so that nobody waits for a row, and
-- taken away by the one job that looks at it.
CREATE TABLE shopify_inventory_marks (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    kind TEXT NOT NULL,
    product_id BIGINT REFERENCES products (id),
    location_id BIGINT REFERENCES locations (id),
    item_external_id TEXT,
    place_external_id TEXT,
    available BIGINT,
    told_at BIGINT,
    made_at BIGINT NOT NULL,
    made_by BIGINT REFERENCES users (id)
);
CREATE INDEX shopify_inventory_marks_shop ON shopify_inventory_marks (shop_id, id);

-- A variant at a location of its store: what is known of the store's numbers, and what was last told it.
CREATE TABLE shopify_inventory_levels (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    variant_id BIGINT NOT NULL REFERENCES shopify_variants (id),
    place_id BIGINT NOT NULL REFERENCES shopify_locations (id),
    due_at BIGINT,
    due_since BIGINT,
    asked_by BIGINT REFERENCES users (id),
    must_read BOOLEAN NOT NULL DEFAULT FALSE,
    available BIGINT,
    known_at BIGINT,
    on_hand BIGINT,
    committed BIGINT,
    tracked BOOLEAN,
    stocked BOOLEAN,
    read_at BIGINT,
    offered BIGINT,
    pushed BIGINT,
    pushed_at BIGINT,
    pushed_by BIGINT REFERENCES users (id),
    refusal TEXT,
    refused_at BIGINT,
    differed_at BIGINT,
    differed_by BIGINT,
    CONSTRAINT shopify_inventory_levels_place UNIQUE (variant_id, place_id)
);
CREATE INDEX shopify_inventory_levels_due ON shopify_inventory_levels (shop_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX shopify_inventory_levels_differed ON shopify_inventory_levels (shop_id, differed_at, id) WHERE differed_at IS NOT NULL;
CREATE INDEX shopify_inventory_levels_refused ON shopify_inventory_levels (shop_id, id) WHERE refusal IS NOT NULL;

-- A call that sets quantities, kept before it is sent: sent again it is the same call with the same key.
CREATE TABLE shopify_inventory_calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    idempotency_key TEXT NOT NULL CONSTRAINT shopify_inventory_calls_key UNIQUE,
    quantities TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    finished_at BIGINT,
    request_id TEXT,
    refusal TEXT
);
CREATE INDEX shopify_inventory_calls_open ON shopify_inventory_calls (shop_id, id) WHERE finished_at IS NULL;

-- Each time that all numbers of a store were compared with ours.
CREATE TABLE shopify_inventory_checks (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    started_by BIGINT REFERENCES users (id),
    mends BOOLEAN NOT NULL,
    after_place BIGINT NOT NULL,
    after_variant BIGINT NOT NULL,
    compared BIGINT NOT NULL,
    differed BIGINT NOT NULL
);
CREATE UNIQUE INDEX shopify_inventory_checks_open ON shopify_inventory_checks (shop_id) WHERE finished_at IS NULL;
CREATE INDEX shopify_inventory_checks_shop ON shopify_inventory_checks (shop_id, id);

-- A store tells of an inventory item, not of its variant.
CREATE INDEX shopify_variants_inventory_item ON shopify_variants (shop_id, inventory_item_external_id);
