-- People and rules.
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT users_public_id UNIQUE,
    email TEXT NOT NULL CONSTRAINT users_email UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'operations', 'warehouse', 'finance', 'driver', 'viewer')),
    password_hash TEXT NOT NULL,
    active BOOLEAN NOT NULL DEFAULT TRUE,
    time_zone TEXT NOT NULL DEFAULT 'UTC',
    theme TEXT NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    density TEXT NOT NULL DEFAULT 'compact' CHECK (density IN ('compact', 'roomy')),
    keys_on BOOLEAN NOT NULL DEFAULT TRUE,
    created_at BIGINT NOT NULL,
    signed_in_at BIGINT
);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    token_hash TEXT NOT NULL CONSTRAINT sessions_token_hash UNIQUE,
    user_id BIGINT NOT NULL REFERENCES users (id),
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    flash TEXT
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE sign_in_failures (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    subject TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_subject ON sign_in_failures (subject, at);
CREATE TABLE api_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL CONSTRAINT api_tokens_token_hash UNIQUE,
    scope TEXT NOT NULL CHECK (scope IN ('read', 'write')),
    created_at BIGINT NOT NULL,
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    arguments TEXT NOT NULL
);

-- The platform: the inbox, the queue, who works on it.
CREATE TABLE queues (
    name TEXT NOT NULL PRIMARY KEY,
    paused BOOLEAN NOT NULL DEFAULT FALSE
);
INSERT INTO queues (name) VALUES ('webhook_events'), ('jobs'), ('changes');
CREATE TABLE workers (
    boot TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    pid BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE TABLE webhook_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    source TEXT NOT NULL,
    shop_domain TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    event_id TEXT,
    topic TEXT NOT NULL,
    api_version TEXT,
    key TEXT,
    snapshot BOOLEAN NOT NULL,
    ver BIGINT NOT NULL,
    triggered_at BIGINT,
    received_at BIGINT NOT NULL,
    secret_label TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    status SMALLINT NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 6),
    due_at BIGINT NOT NULL,
    claim_no BIGINT NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    locked_by TEXT,
    locked_at BIGINT,
    reason TEXT,
    waits_for TEXT,
    finished_at BIGINT,
    CONSTRAINT webhook_events_delivery UNIQUE (shop_domain, webhook_id),
    CONSTRAINT webhook_events_lock CHECK (status = 1 OR locked_at IS NULL)
);
CREATE INDEX webhook_events_due ON webhook_events (due_at, id) WHERE status = 0;
CREATE INDEX webhook_events_snap ON webhook_events (key, ver, id) WHERE status < 3 AND snapshot;
CREATE INDEX webhook_events_fifo ON webhook_events (key, id) WHERE status < 3 AND NOT snapshot;
CREATE UNIQUE INDEX webhook_events_work ON webhook_events (key) WHERE status = 1 AND key IS NOT NULL;
CREATE INDEX webhook_events_lease ON webhook_events (locked_at) WHERE locked_at IS NOT NULL;
CREATE INDEX webhook_events_list ON webhook_events (status, id, attempts);
CREATE INDEX webhook_events_key ON webhook_events (key, id);
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL,
    dedupe_key TEXT,
    shop_domain TEXT,
    subject TEXT,
    key TEXT,
    snapshot BOOLEAN NOT NULL DEFAULT FALSE,
    ver BIGINT NOT NULL DEFAULT 0,
    payload TEXT NOT NULL,
    progress TEXT,
    created_at BIGINT NOT NULL,
    created_by BIGINT REFERENCES users (id),
    webhook_id TEXT,
    status SMALLINT NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 6),
    due_at BIGINT NOT NULL,
    claim_no BIGINT NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    locked_by TEXT,
    locked_at BIGINT,
    reason TEXT,
    waits_for TEXT,
    finished_at BIGINT,
    CONSTRAINT jobs_lock CHECK (status = 1 OR locked_at IS NULL)
);
CREATE INDEX jobs_due ON jobs (due_at, id) WHERE status = 0;
CREATE INDEX jobs_snap ON jobs (key, ver, id) WHERE status < 3 AND snapshot;
CREATE INDEX jobs_fifo ON jobs (key, id) WHERE status < 3 AND NOT snapshot;
CREATE UNIQUE INDEX jobs_work ON jobs (key) WHERE status = 1 AND key IS NOT NULL;
CREATE INDEX jobs_lease ON jobs (locked_at) WHERE locked_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_dedupe ON jobs (kind, dedupe_key) WHERE status < 3 AND dedupe_key IS NOT NULL;
CREATE INDEX jobs_list ON jobs (status, id, attempts);
CREATE INDEX jobs_subject ON jobs (subject, id);
CREATE TABLE tries (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    queue TEXT NOT NULL,
    row_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    micros BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT,
    request_id TEXT
);
CREATE INDEX tries_row ON tries (queue, row_id, id);
CREATE TABLE rejected_webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    at BIGINT NOT NULL,
    address TEXT NOT NULL,
    topic TEXT NOT NULL,
    shop_domain TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('dead', 'disconnected', 'late')),
    subject TEXT NOT NULL,
    cause TEXT NOT NULL,
    opened_at BIGINT NOT NULL,
    resolved_at BIGINT,
    told_at BIGINT,
    end_told_at BIGINT
);
CREATE UNIQUE INDEX alerts_open ON alerts (kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_resolved ON alerts (resolved_at);

-- The core: who sells, what, and from where.
CREATE TABLE sellers (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL
);
CREATE TABLE channels (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    seller_id BIGINT NOT NULL REFERENCES sellers (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    time_zone TEXT NOT NULL DEFAULT 'UTC',
    CONSTRAINT channels_name UNIQUE (kind, name)
);
CREATE TABLE products (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    sku TEXT NOT NULL CONSTRAINT products_sku UNIQUE,
    sku_normal TEXT NOT NULL,
    name TEXT NOT NULL,
    barcode TEXT,
    unit TEXT NOT NULL DEFAULT 'piece',
    weight_grams BIGINT,
    tracking TEXT NOT NULL DEFAULT 'none' CHECK (tracking IN ('none', 'lot', 'serial')),
    ships BOOLEAN NOT NULL DEFAULT TRUE,
    hs_code TEXT,
    origin TEXT,
    active BOOLEAN NOT NULL DEFAULT TRUE,
    created_at BIGINT NOT NULL
);
CREATE INDEX products_sku_normal ON products (sku_normal);
CREATE INDEX products_barcode ON products (barcode);
CREATE INDEX products_name ON products (name, id);
CREATE TABLE locations (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    name TEXT NOT NULL CONSTRAINT locations_name UNIQUE,
    address1 TEXT,
    city TEXT,
    zip TEXT,
    province_code TEXT,
    country_code TEXT,
    active BOOLEAN NOT NULL DEFAULT TRUE
);
CREATE TABLE lots (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    code TEXT NOT NULL,
    best_before TEXT,
    CONSTRAINT lots_code UNIQUE (product_id, code)
);
CREATE TABLE stock_levels (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    on_hand BIGINT NOT NULL DEFAULT 0,
    reserved BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT stock_levels_place UNIQUE (product_id, location_id)
);
CREATE TABLE stock_movements (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    product_id BIGINT NOT NULL REFERENCES products (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    quantity BIGINT NOT NULL,
    balance BIGINT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    at BIGINT NOT NULL
);
CREATE INDEX stock_movements_product ON stock_movements (product_id, id);
CREATE INDEX stock_movements_source ON stock_movements (source);
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT accounts_public_id UNIQUE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE TABLE contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT contacts_public_id UNIQUE,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    first_name TEXT,
    last_name TEXT,
    email TEXT,
    email_normal TEXT,
    phone TEXT,
    phone_normal TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX contacts_email ON contacts (email_normal);
CREATE INDEX contacts_account ON contacts (account_id);

-- Orders and what becomes of them.
CREATE TABLE orders (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT orders_public_id UNIQUE,
    channel_id BIGINT NOT NULL REFERENCES channels (id),
    external_id TEXT NOT NULL,
    number TEXT NOT NULL CONSTRAINT orders_number UNIQUE,
    name TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    source_updated_at BIGINT NOT NULL,
    source_triggered_at BIGINT NOT NULL,
    source_digest TEXT NOT NULL,
    contact_id BIGINT REFERENCES contacts (id),
    customer_name TEXT,
    email TEXT,
    phone TEXT,
    billing_address TEXT,
    shipping_address TEXT,
    ship_city TEXT,
    currency TEXT NOT NULL,
    presentment_currency TEXT NOT NULL,
    taxes_included BOOLEAN NOT NULL,
    subtotal_minor BIGINT NOT NULL,
    discount_minor BIGINT NOT NULL,
    shipping_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    total_minor BIGINT NOT NULL,
    presentment_total_minor BIGINT NOT NULL,
    current_total_minor BIGINT NOT NULL,
    outstanding_minor BIGINT,
    added_total_minor BIGINT NOT NULL,
    totals_check TEXT NOT NULL CHECK (totals_check IN ('agrees', 'rounding', 'differs', 'not_derivable')),
    payment_state TEXT NOT NULL,
    work_state TEXT NOT NULL,
    short_quantity BIGINT NOT NULL DEFAULT 0,
    fulfilled_at_source BOOLEAN NOT NULL DEFAULT FALSE,
    shipping_method TEXT,
    items_summary TEXT NOT NULL,
    item_count BIGINT NOT NULL,
    note TEXT,
    attributes TEXT,
    tags TEXT,
    gateways TEXT,
    test BOOLEAN NOT NULL DEFAULT FALSE,
    placed_at BIGINT NOT NULL,
    promised_at BIGINT,
    cancelled_at BIGINT,
    cancel_reason TEXT,
    deleted_at_source BIGINT,
    received_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    flags TEXT,
    CONSTRAINT orders_external UNIQUE (channel_id, external_id)
);
CREATE INDEX orders_state ON orders (work_state, placed_at, id);
CREATE INDEX orders_placed ON orders (placed_at, id);
CREATE INDEX orders_to_ship ON orders (placed_at, id) WHERE work_state IN ('ready', 'short', 'part_shipped', 'unmapped', 'needs_review');
CREATE INDEX orders_on_hold ON orders (placed_at, id) WHERE work_state IN ('on_hold', 'needs_review', 'scheduled', 'awaiting_pickup');
CREATE INDEX orders_gone ON orders (placed_at, id) WHERE work_state IN ('shipped', 'shipped_by_others', 'delivered', 'returned');
CREATE INDEX orders_closed ON orders (placed_at, id) WHERE work_state IN ('cancelled', 'deleted_at_source');
CREATE INDEX orders_changed ON orders (changed_at, id);
CREATE INDEX orders_name ON orders (name);
CREATE INDEX orders_contact ON orders (contact_id);
CREATE TABLE order_sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    shape TEXT NOT NULL CHECK (shape IN ('webhook', 'graphql')),
    api_version TEXT NOT NULL,
    translator_version INTEGER NOT NULL,
    event_id BIGINT,
    body BLOB NOT NULL,
    received_at BIGINT NOT NULL,
    CONSTRAINT order_sources_shape UNIQUE (order_id, shape)
);
CREATE TABLE order_tombstones (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    channel_id BIGINT NOT NULL REFERENCES channels (id),
    external_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT order_tombstones_external UNIQUE (channel_id, external_id)
);
CREATE TABLE order_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    external_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    variant_external_id TEXT,
    product_external_id TEXT,
    resolution TEXT NOT NULL CHECK (resolution IN ('unmapped', 'mapped', 'ignored', 'accepted')),
    title TEXT NOT NULL,
    variant_title TEXT,
    sku TEXT,
    quantity BIGINT NOT NULL,
    current_quantity BIGINT NOT NULL,
    fulfilled_elsewhere BIGINT NOT NULL DEFAULT 0,
    shipped_quantity BIGINT NOT NULL DEFAULT 0,
    unit_price_scaled BIGINT NOT NULL,
    discount_minor BIGINT NOT NULL,
    tax_minor BIGINT NOT NULL,
    total_minor BIGINT NOT NULL,
    ships BOOLEAN NOT NULL,
    gift_card BOOLEAN NOT NULL DEFAULT FALSE,
    tip BOOLEAN NOT NULL DEFAULT FALSE,
    properties TEXT,
    CONSTRAINT order_lines_external UNIQUE (order_id, external_id)
);
CREATE INDEX order_lines_variant ON order_lines (variant_external_id);
CREATE TABLE line_products (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    product_id BIGINT NOT NULL REFERENCES products (id),
    quantity_each BIGINT NOT NULL,
    CONSTRAINT line_products_part UNIQUE (order_line_id, product_id)
);
CREATE INDEX line_products_product ON line_products (product_id);
CREATE TABLE reservations (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    product_id BIGINT NOT NULL REFERENCES products (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    quantity BIGINT NOT NULL CHECK (quantity >= 0),
    CONSTRAINT reservations_place UNIQUE (order_line_id, product_id, location_id)
);
CREATE INDEX reservations_stock ON reservations (product_id, location_id);
CREATE TABLE order_charges (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    kind TEXT NOT NULL CHECK (kind IN ('shipping', 'tip', 'duty', 'fee', 'rounding')),
    external_id TEXT,
    title TEXT NOT NULL,
    amount_minor BIGINT NOT NULL,
    discount_minor BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX order_charges_order ON order_charges (order_id);
CREATE TABLE order_taxes (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    title TEXT NOT NULL,
    rate TEXT NOT NULL,
    amount_minor BIGINT NOT NULL
);
CREATE INDEX order_taxes_order ON order_taxes (order_id);
CREATE TABLE order_discounts (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    amount_minor BIGINT NOT NULL
);
CREATE INDEX order_discounts_order ON order_discounts (order_id);
CREATE TABLE order_versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    difference TEXT NOT NULL,
    CONSTRAINT order_versions_version UNIQUE (order_id, version)
);
CREATE TABLE holds (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    channel_id BIGINT NOT NULL REFERENCES channels (id),
    kind TEXT NOT NULL CHECK (kind IN ('unmapped', 'unpaid', 'checking', 'risk', 'address', 'channel', 'edit', 'manual')),
    cause TEXT NOT NULL DEFAULT '',
    note TEXT,
    opened_at BIGINT NOT NULL,
    opened_by BIGINT REFERENCES users (id),
    released_at BIGINT,
    released_by BIGINT REFERENCES users (id)
);
CREATE INDEX holds_order ON holds (order_id);
CREATE UNIQUE INDEX holds_open ON holds (order_id, kind, cause) WHERE released_at IS NULL;
CREATE INDEX holds_cause ON holds (channel_id, kind, cause, released_at) WHERE released_at IS NULL;
CREATE TABLE shipments (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT shipments_public_id UNIQUE,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    location_id BIGINT NOT NULL REFERENCES locations (id),
    request_id TEXT NOT NULL CONSTRAINT shipments_request_id UNIQUE,
    carrier TEXT,
    tracking_numbers TEXT NOT NULL DEFAULT '[]',
    tracking_url TEXT,
    notify BOOLEAN NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('shipped', 'undone')),
    shipped_at BIGINT NOT NULL,
    shipped_by BIGINT REFERENCES users (id),
    undone_at BIGINT,
    version BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX shipments_order ON shipments (order_id);
CREATE TABLE shipment_lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shipment_id BIGINT NOT NULL REFERENCES shipments (id),
    order_line_id BIGINT NOT NULL REFERENCES order_lines (id),
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    CONSTRAINT shipment_lines_line UNIQUE (shipment_id, order_line_id)
);
CREATE INDEX shipment_lines_order_line ON shipment_lines (order_line_id);
CREATE TABLE timeline (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    arguments TEXT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    source TEXT,
    micros BIGINT,
    request_id TEXT
);
CREATE INDEX timeline_order ON timeline (order_id, id);
CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    seq BIGINT,
    kind TEXT NOT NULL,
    public_id TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE UNIQUE INDEX changes_seq ON changes (seq);
CREATE INDEX changes_unnumbered ON changes (id) WHERE seq IS NULL;

-- The channel: Shopify.
CREATE TABLE shopify_shops (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    public_id TEXT NOT NULL CONSTRAINT shopify_shops_public_id UNIQUE,
    domain TEXT NOT NULL CONSTRAINT shopify_shops_domain UNIQUE,
    channel_id BIGINT NOT NULL REFERENCES channels (id),
    state TEXT NOT NULL CHECK (state IN ('active', 'needs_reconnect', 'paused', 'disconnected')),
    grant_kind TEXT NOT NULL CHECK (grant_kind IN ('oauth', 'client_credentials', 'token')),
    name TEXT NOT NULL,
    currency TEXT,
    time_zone TEXT,
    plan TEXT,
    scopes TEXT NOT NULL,
    missing_scopes TEXT NOT NULL DEFAULT '',
    access_token_sealed TEXT,
    access_expires_at BIGINT,
    refresh_token_sealed TEXT,
    refresh_expires_at BIGINT,
    refresh_lease TEXT,
    refresh_lease_until BIGINT,
    client_id TEXT,
    client_secret_sealed TEXT,
    notification_key_sealed TEXT,
    api_version TEXT NOT NULL,
    notify_default BOOLEAN NOT NULL DEFAULT TRUE,
    order_status_filter TEXT NOT NULL DEFAULT 'paid',
    last_error TEXT,
    last_error_at BIGINT,
    installed_at BIGINT NOT NULL,
    uninstalled_at BIGINT,
    redacted_at BIGINT,
    budget_available BIGINT,
    budget_max BIGINT,
    budget_rate BIGINT,
    budget_at BIGINT
);
CREATE TABLE shopify_oauth_states (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    nonce_hash TEXT NOT NULL CONSTRAINT shopify_oauth_states_nonce UNIQUE,
    domain TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);
CREATE TABLE shopify_subscriptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    topic TEXT NOT NULL,
    gid TEXT,
    uri TEXT,
    state TEXT NOT NULL,
    last_received_at BIGINT,
    checked_at BIGINT NOT NULL,
    error TEXT,
    CONSTRAINT shopify_subscriptions_topic UNIQUE (shop_id, topic)
);
CREATE TABLE shopify_locations (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    external_id TEXT NOT NULL,
    name TEXT NOT NULL,
    active BOOLEAN NOT NULL,
    location_id BIGINT REFERENCES locations (id),
    CONSTRAINT shopify_locations_external UNIQUE (shop_id, external_id)
);
CREATE TABLE shopify_customers (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    external_id TEXT NOT NULL,
    contact_id BIGINT NOT NULL REFERENCES contacts (id),
    source_updated_at BIGINT NOT NULL,
    deleted_at BIGINT,
    CONSTRAINT shopify_customers_external UNIQUE (shop_id, external_id)
);
CREATE TABLE shopify_privacy_requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    event_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('report', 'erase_customer', 'erase_shop')),
    state TEXT NOT NULL CHECK (state IN ('open', 'waiting', 'done')),
    customer_external_id TEXT,
    contact_id BIGINT REFERENCES contacts (id),
    orders TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    done_at BIGINT,
    CONSTRAINT shopify_privacy_requests_event UNIQUE (shop_id, event_id)
);
CREATE TABLE shopify_redactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    kind TEXT NOT NULL CHECK (kind IN ('order', 'customer')),
    external_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    CONSTRAINT shopify_redactions_record UNIQUE (shop_id, kind, external_id)
);
CREATE TABLE shopify_variants (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    external_id TEXT NOT NULL,
    product_external_id TEXT NOT NULL,
    inventory_item_external_id TEXT,
    product_title TEXT NOT NULL,
    variant_title TEXT,
    sku TEXT,
    sku_normal TEXT,
    barcode TEXT,
    price_minor BIGINT,
    ships BOOLEAN NOT NULL DEFAULT TRUE,
    weight_grams BIGINT,
    picture_url TEXT,
    source_updated_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    deleted_at BIGINT,
    ignored_at BIGINT,
    CONSTRAINT shopify_variants_external UNIQUE (shop_id, external_id)
);
CREATE INDEX shopify_variants_product ON shopify_variants (shop_id, product_external_id);
CREATE INDEX shopify_variants_sku ON shopify_variants (shop_id, sku_normal) WHERE deleted_at IS NULL;
CREATE INDEX shopify_variants_title ON shopify_variants (shop_id, product_title, id) WHERE deleted_at IS NULL;
CREATE TABLE shopify_product_mappings (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    variant_id BIGINT NOT NULL REFERENCES shopify_variants (id),
    product_id BIGINT REFERENCES products (id),
    quantity BIGINT NOT NULL DEFAULT 1,
    kind TEXT NOT NULL CHECK (kind IN ('one', 'kit', 'pack', 'ignored')),
    origin TEXT NOT NULL CHECK (origin IN ('sku', 'barcode', 'title', 'person')),
    batch TEXT,
    created_at BIGINT NOT NULL,
    created_by BIGINT REFERENCES users (id),
    removed_at BIGINT,
    removed_by BIGINT REFERENCES users (id)
);
CREATE UNIQUE INDEX shopify_product_mappings_live ON shopify_product_mappings (variant_id, product_id) WHERE removed_at IS NULL AND product_id IS NOT NULL;
CREATE INDEX shopify_product_mappings_variant ON shopify_product_mappings (variant_id) WHERE removed_at IS NULL;
CREATE INDEX shopify_product_mappings_product ON shopify_product_mappings (product_id) WHERE removed_at IS NULL;
CREATE TABLE shopify_fulfillments (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    shop_id BIGINT NOT NULL REFERENCES shopify_shops (id),
    shipment_id BIGINT NOT NULL REFERENCES shipments (id),
    order_external_id TEXT NOT NULL,
    fulfillment_gid TEXT,
    state TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'done', 'cancelled', 'refused')),
    intent TEXT NOT NULL,
    pre_image TEXT,
    sent_at BIGINT,
    request_id TEXT,
    CONSTRAINT shopify_fulfillments_gid UNIQUE (shop_id, fulfillment_gid)
);
CREATE INDEX shopify_fulfillments_shipment ON shopify_fulfillments (shipment_id);
CREATE INDEX shopify_fulfillments_order ON shopify_fulfillments (shop_id, order_external_id);
